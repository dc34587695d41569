"""From wire frames to the loudspeaker, for as long as the daemon runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.audio.convert import PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, FRAME_MS, FRAME_S
from gatewayd.audio.playback_buffer import PlaybackBuffer
from gatewayd.control.schema import PlaybackStatus
from gatewayd.station.reopening import Reopening

if TYPE_CHECKING:
    import logging
    import random

    from gatewayd.hardware.settings import PlaybackSettings
    from gatewayd.seams.audio import PlaybackDevice, PlaybackStream

PREBUFFER_MS = 60
"""Speech gathered before it starts: the frames after it may come up to 30 ms late without a gap."""
PREBUFFER_WAIT_S = 0.06
"""How long the first frame waits for the rest of the prebuffer; a paced sender needs 40 ms for it."""
CARD_QUEUE_MAX_S = 0.06
"""Sound the card holds at most. The rest waits here, where the end of a session can still throw it away."""
CARD_QUEUE_MIN_S = 0.01
"""With so little left in the card silence is added: waking up late by this much does not let it run dry."""
IDLE_AFTER_S = 0.5
"""Silence after which the agent is taken to have finished: the stream is stopped and nothing wakes up any more."""

_SILENCE = bytes(FRAME_BYTES)


class PlaybackSupervisor:
    """Keeps a loudspeaker open and plays what the agent says.

    While the agent is silent the stream stands still. Its first frames are gathered (`PREBUFFER_MS`); from then on the
    card is kept between `CARD_QUEUE_MIN_S` and `CARD_QUEUE_MAX_S` of sound, with silence where a frame does not come in
    time. Every such gap makes what follows later by its length, and so the next gap less likely. A gap that more speech
    ends counts as an underrun, as does a card that ran dry all the same; one of `IDLE_AFTER_S` is the end of the
    agent's speech and no underrun.
    """

    def __init__(
        self,
        *,
        device: PlaybackDevice,
        settings: PlaybackSettings,
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._settings = settings
        self._reopening: Reopening[PlaybackStream] = Reopening(
            device, purpose=f"playback to {settings.device}", chance=chance, log=log
        )
        self._converter = PlaybackConverter(settings.parameters, volume=settings.volume)
        self._buffer = PlaybackBuffer(prebuffer_ms=0)  # the card is the cushion here: see PREBUFFER_MS
        self._arrived = trio.Event()
        self._stream: PlaybackStream | None = None
        self._frames_played = 0
        self._frames_unplayable = 0
        self._gaps = 0
        self._card_underruns = 0

    def offer(self, frame: bytes) -> None:
        """Take a wire frame to play; without a device, or with too much waiting, one is dropped and counted."""
        if self._stream is None:
            self._frames_unplayable += 1
            return
        self._buffer.put(frame)
        self._arrived.set()

    def clear(self) -> None:
        """Throw away what waits here, as at the end of a session; the card still plays its `CARD_QUEUE_MAX_S`."""
        self._buffer.clear()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Play until cancelled, which closes the device. Started once the first attempt to open was made."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._reopening.run, self._play)
            await self._reopening.attempted.wait()
            task_status.started()

    def status(self) -> PlaybackStatus:
        """What is known of the loudspeaker now; `buffered_ms` is what waits here, without the card's share."""
        return PlaybackStatus(
            device=self._settings.device,
            frames_played=self._frames_played,
            underruns=self._gaps + self._card_underruns + (self._stream.underruns if self._stream else 0),
            buffered_ms=self._buffer.buffered_ms,
            frames_dropped=self._buffer.dropped + self._frames_unplayable,
            reopens=self._reopening.reopens,
        )

    async def _play(self, stream: PlaybackStream) -> NoReturn:
        self._stream = stream
        try:
            while True:
                await self._prebuffer()
                await self._play_speech(stream)
                await stream.stop()
                self._converter.reset()
        finally:
            self._stream = None
            self._card_underruns += stream.underruns
            self._converter.reset()
            self._frames_unplayable += self._buffer.clear()

    async def _prebuffer(self) -> None:
        """Sleep, without a single wake-up, until the agent speaks; then gather a little."""
        while True:
            while self._buffer.buffered_ms == 0:
                await self._next_arrival()
            with trio.move_on_after(PREBUFFER_WAIT_S):
                while self._buffer.buffered_ms < PREBUFFER_MS:
                    await self._next_arrival()
            if self._buffer.buffered_ms > 0:  # and not cleared meanwhile
                return

    async def _play_speech(self, stream: PlaybackStream) -> None:
        """Play until the agent has been silent for `IDLE_AFTER_S`."""
        silence_s = 0.0
        while silence_s < IDLE_AFTER_S:
            frame = await self._next_frame(stream)
            if frame is None:
                silence_s += FRAME_S
                await stream.send(self._converter.feed(_SILENCE))
                continue
            if silence_s > 0:
                self._gaps += 1
                silence_s = 0.0
            await self._wait_for_room(stream)
            self._frames_played += 1
            await stream.send(self._converter.feed(frame))

    async def _next_frame(self, stream: PlaybackStream) -> bytes | None:
        """The next frame, or None if there is none by the time the card is nearly out of sound."""
        with trio.move_on_after(max(0.0, stream.queued_s - CARD_QUEUE_MIN_S)):
            while self._buffer.buffered_ms < FRAME_MS:
                await self._next_arrival()
        return self._buffer.take()

    async def _wait_for_room(self, stream: PlaybackStream) -> None:
        # Once only: should the card not get on with it, `send` waits for it, and knows how long that may take.
        excess_s = stream.queued_s + FRAME_S - CARD_QUEUE_MAX_S
        if excess_s > 0:
            await trio.sleep(excess_s)

    async def _next_arrival(self) -> None:
        self._arrived = trio.Event()
        await self._arrived.wait()
