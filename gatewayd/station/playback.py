"""From wire frames to the loudspeaker, for as long as the daemon runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from math import ceil
from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.audio.convert import PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, FRAME_MS, FRAME_S
from gatewayd.audio.playback_buffer import PlaybackBuffer
from gatewayd.control.schema import PlaybackStatus
from gatewayd.errors import DeviceError, DeviceLost, DeviceMissing
from gatewayd.lean import dataclass
from gatewayd.station.reopening import NEWS_INTERVAL_S, NothingToOpen, Reopening

if TYPE_CHECKING:
    import logging
    import random
    from collections.abc import AsyncIterator

    from gatewayd.hardware.settings import PlaybackSettings
    from gatewayd.progress import Progress
    from gatewayd.seams.audio import PlaybackDevice, PlaybackStream
    from gatewayd.seams.hardware import HardwareSource, Hotplug, SoundDevices
    from gatewayd.station.duplex import Duplex

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
REFILL_BELOW_S = 0.04
"""Where the stream never stops, silence is added when the card has this much left: two periods, as nobody hurries."""

_SILENCE = bytes(FRAME_BYTES)


@dataclass(frozen=True)
class _Found:
    """A loudspeaker as it was found, and what was made for it."""

    settings: PlaybackSettings
    device: PlaybackDevice
    converter: PlaybackConverter


@dataclass(frozen=True)
class _Opened:
    """A loudspeaker that is open."""

    found: _Found
    stream: PlaybackStream
    never_stops: bool


class PlaybackSupervisor:
    """Keeps a loudspeaker open and plays what the agent says.

    While the agent is silent the stream stands still. Its first frames are gathered (`PREBUFFER_MS`); from then on the
    card is kept between `CARD_QUEUE_MIN_S` and `CARD_QUEUE_MAX_S` of sound, with silence where a frame does not come in
    time. Every such gap makes what follows later by its length, and so the next gap less likely. A gap that more speech
    ends counts as an underrun, as does a card that ran dry all the same; one of `IDLE_AFTER_S` is the end of the
    agent's speech and no underrun.

    With `keep_alive` the stream never stops: between words the card's whole buffer is filled with silence, which then
    takes the prebuffer's place.
    """

    def __init__(
        self,
        *,
        hardware: HardwareSource,
        devices: SoundDevices,
        hotplug: Hotplug,
        duplex: Duplex,
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._hardware = hardware
        self._devices = devices
        self._hotplug = hotplug
        self._duplex = duplex
        self._reopening: Reopening[_Opened] = Reopening(
            self._open, purpose="playback", hotplug=hotplug, chance=chance, log=log
        )
        self._buffer = PlaybackBuffer(prebuffer_ms=0)  # the card is the cushion here: see PREBUFFER_MS
        self._woken = trio.Event()
        self._hardware_changed = False
        self._wanted = True
        self._found: _Found | None = None
        self._opened: _Opened | None = None
        self._frames_played = 0
        self._frames_unplayable = 0
        self._gaps = 0
        self._card_underruns = 0

    @property
    def progress(self) -> Progress:
        """Its signs of life; while the agent is silent, none is due."""
        return self._reopening.progress

    def offer(self, frame: bytes) -> None:
        """Take a wire frame to play; without a device, or with too much waiting, one is dropped and counted."""
        if self._opened is None:
            self._frames_unplayable += 1
            return
        self._buffer.put(frame)
        self._woken.set()

    def clear(self) -> None:
        """Throw away what waits here, as at the end of a session; the card still plays its `CARD_QUEUE_MAX_S`."""
        self._buffer.clear()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Play until cancelled, which closes the device. Started once the first attempt to open was made."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_hardware)
            nursery.start_soon(self._reopening.run, self._play)
            await self._reopening.attempted.wait()
            task_status.started()

    def status(self) -> PlaybackStatus | None:
        """What is known of the loudspeaker now; None where the station has none.

        `buffered_ms` is what waits here, without the card's share.
        """
        if not self._wanted:
            return None
        return PlaybackStatus(
            device=self._found.settings.device if self._found else None,
            frames_played=self._frames_played,
            underruns=self._gaps + self._card_underruns + (self._opened.stream.underruns if self._opened else 0),
            buffered_ms=self._buffer.buffered_ms,
            frames_dropped=self._buffer.dropped + self._frames_unplayable,
            reopens=self._reopening.reopens,
            problem=self._reopening.problem,
        )

    # Opening, and noticing that it is gone

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[_Opened]:
        await self._duplex.playback_permitted()
        self._reopening.note_opening()
        settings = self._hardware.find().playback
        self._wanted = settings is not None
        if settings is None:
            raise NothingToOpen
        found = self._found = self._made_for(settings)
        with self._duplex.playback_open(self._reopening.reopen):
            async with found.device.open() as stream:
                yield _Opened(found, stream, never_stops=settings.keep_alive or self._duplex.silence_wanted)

    def _made_for(self, settings: PlaybackSettings) -> _Found:
        """What these settings need; what is the same as before goes on as it is."""
        if self._found is not None and self._found.settings == settings:
            return self._found
        converter = PlaybackConverter(settings.parameters, volume=settings.volume)
        return _Found(settings, self._devices.playback(settings), converter)

    async def _watch_hardware(self) -> NoReturn:
        while True:
            await self._hotplug.changed()
            self._note_change()
            await trio.sleep(NEWS_INTERVAL_S)
            self._note_change()  # for what came meanwhile: one device gives a handful of news

    def _note_change(self) -> None:
        self._hardware_changed = True
        self._woken.set()

    async def _look(self, opened: _Opened) -> None:
        """Raise `DeviceLost` or `DeviceMissing` if the device is gone, or another is the station's now.

        A stream that stands still does not say so by itself.
        """
        self._hardware_changed = False
        try:
            settings = self._hardware.find().playback
        except DeviceMissing:
            raise
        except DeviceError:  # another card came, say, that could be meant too: the one that is open goes on
            settings = opened.found.settings
        if settings != opened.found.settings:
            raise DeviceLost(opened.found.settings.device, "the loudspeaker is another one now")
        if not opened.never_stops:
            await opened.stream.stop()  # of a device that is gone, this fails

    # Playing

    async def _play(self, opened: _Opened) -> NoReturn:
        stream, converter = opened.stream, opened.found.converter
        self._opened = opened
        try:
            if opened.never_stops:
                await self._add_silence(opened, PREBUFFER_MS // FRAME_MS)
            self._reopening.note_works()
            self._duplex.note_playback_running()
            while True:
                await self._await_speech(opened)
                await self._play_speech(opened)
                if not opened.never_stops:
                    await stream.stop()
                    converter.reset()
        finally:
            self._opened = None
            self._card_underruns += stream.underruns
            converter.reset()
            self._frames_unplayable += self._buffer.clear()

    async def _await_speech(self, opened: _Opened) -> None:
        if opened.never_stops:
            await self._play_silence(opened)
        else:
            await self._prebuffer(opened)

    async def _prebuffer(self, opened: _Opened) -> None:
        """Sleep, without a single wake-up, until the agent speaks or hardware changes; then gather a little."""
        while True:
            while self._buffer.buffered_ms == 0:
                if self._hardware_changed:
                    self._reopening.note_sound()
                    await self._look(opened)
                else:
                    self._reopening.progress.rest(trio.current_time())
                    await self._next_arrival()
            self._reopening.note_sound()
            with trio.move_on_after(PREBUFFER_WAIT_S):
                while self._buffer.buffered_ms < PREBUFFER_MS:
                    await self._next_arrival()
            if self._buffer.buffered_ms > 0:  # and not cleared meanwhile
                return

    async def _play_silence(self, opened: _Opened) -> None:
        """Keep the card playing until the agent speaks, waking up as seldom as its buffer allows."""
        whole_ms = max(opened.found.settings.buffer_ms, PREBUFFER_MS)
        while self._buffer.buffered_ms == 0:
            if self._hardware_changed:
                await self._look(opened)
            self._reopening.note_sound()
            await self._add_silence(opened, (whole_ms - _queued_ms(opened)) // FRAME_MS)
            if self._buffer.buffered_ms == 0:
                with trio.move_on_after(max(FRAME_S, opened.stream.queued_s - REFILL_BELOW_S)):
                    await self._next_arrival()
        await self._add_silence(opened, ceil((PREBUFFER_MS - _queued_ms(opened)) / FRAME_MS))

    async def _add_silence(self, opened: _Opened, frames: int) -> None:
        if frames > 0:
            await opened.stream.send(opened.found.converter.feed(_SILENCE * frames))

    async def _play_speech(self, opened: _Opened) -> None:
        """Play until the agent has been silent for `IDLE_AFTER_S`."""
        stream, converter = opened.stream, opened.found.converter
        silence_s = 0.0
        while silence_s < IDLE_AFTER_S:
            self._reopening.note_sound()
            frame = await self._next_frame(stream)
            if frame is None:
                silence_s += FRAME_S
                await stream.send(converter.feed(_SILENCE))
                continue
            if silence_s > 0:
                self._gaps += 1
                silence_s = 0.0
            await self._wait_for_room(stream)
            self._frames_played += 1
            await stream.send(converter.feed(frame))

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
        self._woken = trio.Event()
        await self._woken.wait()


def _queued_ms(opened: _Opened) -> int:
    return round(1000 * opened.stream.queued_s)
