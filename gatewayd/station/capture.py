"""From the microphone to wire frames, for as long as the daemon runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.levels import LevelMeter
from gatewayd.control.schema import CaptureStatus, MicrophoneHealth
from gatewayd.station.reopening import Reopening

if TYPE_CHECKING:
    import logging
    import random
    from collections.abc import Awaitable, Callable

    from gatewayd.hardware.settings import CaptureSettings
    from gatewayd.seams.audio import CapturedBlock, CaptureDevice, CaptureStream

DEVICE_GRACE_S = 3.0
"""How long a microphone may be gone before its absence is reported and ends a session: a USB glitch is over by then."""


class CaptureSupervisor:
    """Keeps a microphone open and hands on its sound.

    Receiving, converting and handing on happen in one task, without a thread or a queue: `offer_frame` is called with
    each wire frame (640 bytes) as soon as it is complete, and must not block. `report_presence` is told True once sound
    flows and False once it has not for `DEVICE_GRACE_S`; it may take its time, as nothing but its next call waits for
    it. Sound is lost in two places only, and both are counted: `xruns` (the card's buffer ran over) and `reopens`.
    """

    def __init__(
        self,
        *,
        device: CaptureDevice,
        settings: CaptureSettings,
        offer_frame: Callable[[bytes], None],
        report_presence: Callable[[bool], Awaitable[None]],
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._settings = settings
        self._offer_frame = offer_frame
        self._reopening: Reopening[CaptureStream] = Reopening(
            device, purpose=f"capture from {settings.device}", chance=chance, log=log
        )
        self._presence = _Presence(report_presence)
        self._converter = CaptureConverter(
            settings.parameters, pick=settings.pick, gain_db=settings.gain_db, highpass_hz=settings.highpass_hz
        )
        self._meter: LevelMeter | None = None
        self._frames = 0
        self._xruns = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Capture until cancelled, which closes the device. Started once the first attempt to open was made."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._presence.run)
            nursery.start_soon(self._reopening.run, self._capture)
            await self._reopening.attempted.wait()
            task_status.started()

    def status(self) -> CaptureStatus:
        """What is known of the microphone now."""
        meter, parameters = self._meter, self._settings.parameters
        return CaptureStatus(
            device=self._settings.device,
            rate_hz=parameters.rate_hz,
            format=parameters.format.value,
            channels=parameters.channels,
            health=meter.health if meter else MicrophoneHealth.MISSING,
            level_dbfs=meter.level_dbfs if meter else None,
            frames=self._frames,
            xruns=self._xruns,
            reopens=self._reopening.reopens,
        )

    async def _capture(self, stream: CaptureStream) -> NoReturn:
        self._converter.reset()
        self._meter = meter = LevelMeter()
        try:
            while True:
                block = await stream.receive()
                self._presence.found()
                self._hand_on(block, meter)
        finally:
            self._presence.lost()
            self._meter = None

    def _hand_on(self, block: CapturedBlock, meter: LevelMeter) -> None:
        if block.overrun:
            self._xruns += 1
            self._converter.reset()
        for frame in self._converter.feed(block.data):
            self._frames += 1
            meter.feed(frame)
            self._offer_frame(frame)


class _Presence:
    """Whether sound flows, reported when it changes for longer than a glitch."""

    def __init__(self, report: Callable[[bool], Awaitable[None]]) -> None:
        self._report = report
        self._found = trio.Event()
        self._lost = trio.Event()
        self._lost.set()

    def found(self) -> None:
        """Sound flows; cheap to say again."""
        if not self._found.is_set():
            self._found.set()
            self._lost = trio.Event()

    def lost(self) -> None:
        """No sound flows."""
        if not self._lost.is_set():
            self._lost.set()
            self._found = trio.Event()

    async def run(self) -> NoReturn:
        reported: bool | None = None
        while True:
            with trio.move_on_after(DEVICE_GRACE_S) as grace:
                await self._found.wait()
            present = not grace.cancelled_caught
            if present is not reported:
                await self._report(present)
                reported = present
            await (self._lost if present else self._found).wait()
