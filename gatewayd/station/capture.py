"""From the microphone to wire frames, for as long as the daemon runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.audio.convert import CaptureConverter
from gatewayd.control.events import DeviceFound, DeviceLost, publish_nowhere
from gatewayd.control.schema import CaptureStatus, MicrophoneHealth
from gatewayd.errors import DeviceError
from gatewayd.lean import dataclass
from gatewayd.metrics.measurements import StationMeasurements
from gatewayd.station.gaps import OVERRAN, REOPENED, GapCounter
from gatewayd.station.hearing import HearingLog, Verdict
from gatewayd.station.listening import LOOK_INTERVAL_S, Listening
from gatewayd.station.mixer import KeptMixer
from gatewayd.station.mute import MuteSwitch
from gatewayd.station.news import HealthNews
from gatewayd.station.presence import Presence
from gatewayd.station.recovery import Recovery
from gatewayd.station.reopening import NEWS_INTERVAL_S, Reopening

if TYPE_CHECKING:
    import logging
    import random
    from collections.abc import AsyncIterator, Awaitable, Callable

    from gatewayd.control.events import Publish
    from gatewayd.hardware.inventory import Card
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.progress import Progress
    from gatewayd.seams.audio import CapturedBlock, CaptureDevice, CaptureStream
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.hardware import HardwareSource, Hotplug, Mixer, SoundDevices, UsbPort
    from gatewayd.station.duplex import Duplex

_ZEROS = (MicrophoneHealth.SILENT, MicrophoneHealth.MUTED)
"""What is said of a microphone that is open and gives digital zero: by itself, or as somebody muted it."""


@dataclass(frozen=True)
class _Found:
    """A microphone as it was found, and what was made for it."""

    settings: StationSettings
    device: CaptureDevice
    converter: CaptureConverter


@dataclass(frozen=True)
class _Opened:
    """A microphone that is open."""

    found: _Found
    stream: CaptureStream


class CaptureSupervisor:
    """Keeps a microphone open and hands on its sound.

    Receiving, converting and handing on happen in one task, without a thread or a queue: `offer_frame` is called with
    each wire frame (640 bytes) as soon as it is complete, and must not block. `report_presence` is told True once sound
    flows and False once it has not for `DEVICE_GRACE_S`; it may take its time, as nothing but its next call waits for
    it. Before each opening the hardware is looked for anew and its mixer set. Sound that is lost is counted, with its
    length, as gaps; what causes them as `xruns` (the card's buffer ran over) and `reopens`.

    While `mute` is on the microphone is closed and nothing is handed on; it then counts as found, since nobody misses
    it, and the time as no gap.
    """

    def __init__(
        self,
        *,
        hardware: HardwareSource,
        devices: SoundDevices,
        mixer: Mixer,
        hotplug: Hotplug,
        usb: UsbPort,
        duplex: Duplex,
        clock: Clock,
        offer_frame: Callable[[bytes], None],
        report_presence: Callable[[bool], Awaitable[None]],
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
        measurements: StationMeasurements | None = None,
        publish: Publish = publish_nowhere,
        mute: MuteSwitch | None = None,
    ) -> None:
        self._hardware = hardware
        self._hotplug = hotplug
        self._devices = devices
        self._mixer = mixer
        self._kept_mixer = KeptMixer(mixer, log)
        self._duplex = duplex
        self._offer_frame = offer_frame
        self._log = log
        self._measurements = measurements or StationMeasurements()
        self._publish = publish
        self.mute = mute or MuteSwitch(log=log, publish=publish)
        self._recovery = Recovery(duplex=duplex, usb=usb, log=log, publish=publish)
        self._reopening: Reopening[_Opened] = Reopening(
            self._open,
            purpose="capture",
            hotplug=hotplug,
            chance=chance,
            log=log,
            note_failure=self._recovery.note_failure,
        )
        self._report_presence = report_presence
        self._presence = Presence(self._note_presence)
        self._gaps = GapCounter(clock, log, publish)
        self._hearing_log = HearingLog(log)
        self._health_news = HealthNews(publish)
        self._found: _Found | None = None
        self._listening: Listening | None = None
        self._verdict = Verdict()
        self._playback_missed = False
        self._frames = 0
        self._xruns = 0

    @property
    def profile(self) -> str | None:
        """The profile of the hardware as it was last found; None too while none was."""
        return self._found.settings.profile if self._found else None

    @property
    def progress(self) -> Progress:
        """Its signs of life."""
        return self._reopening.progress

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Capture until cancelled, which closes the device. Started once the first attempt to open was made."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._presence.run)
            nursery.start_soon(self._watch_hardware)
            nursery.start_soon(self._reopening.run, self._capture)
            await self._reopening.attempted.wait()
            task_status.started()

    def status(self) -> CaptureStatus:
        """What is known of the microphone now."""
        capture = self._found.settings.capture if self._found else None
        listening = self._listening
        return CaptureStatus(
            device=capture.device if capture else None,
            rate_hz=capture.parameters.rate_hz if capture else None,
            format=capture.parameters.format.value if capture else None,
            channels=capture.parameters.channels if capture else None,
            health=self._verdict.health if listening else self._absence.health,
            level_dbfs=listening.level_dbfs if listening else None,
            frames=self._frames,
            xruns=self._xruns,
            reopens=self._reopening.reopens,
            problem=None if self.mute.on else self._problem,
            gaps=self._gaps.total.count,
            gap_s=round(self._gaps.total.length_s, 3),
            findings=listening.findings if listening else (),
            channel_levels=listening.channels if listening else (),
            measured_rate_hz=listening.measured_rate_hz if listening else None,
            mixer_problems=self._kept_mixer.problems,
            recovery=self._recovery.taken,
        )

    @property
    def _problem(self) -> str | None:
        return self._reopening.problem or self._recovery.problem or self._verdict.problem

    @property
    def _absence(self) -> Verdict:
        """What to think of a microphone that is not open."""
        if self.mute.on:
            return Verdict(MicrophoneHealth.MUTED)
        return Verdict(MicrophoneHealth.MISSING, self._reopening.problem)

    async def _note_presence(self, present: bool) -> None:
        if not self.mute.on:
            device = self._found.settings.capture.device if self._found else None
            self._publish(DeviceFound(device, self.profile) if present else DeviceLost(device, self._reopening.problem))
            if not present:
                self._health_news.note(self._absence)
        await self._report_presence(present)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[_Opened]:
        settings = await self._find()
        found = self._found = self._made_for(settings)
        self._recovery.note_settings(settings)
        self._kept_mixer.apply(settings)
        with self.mute.microphone_open(self._reopening.reopen):
            async with found.device.open() as stream:
                yield _Opened(found, stream)

    async def _find(self) -> StationSettings:
        """The hardware, once the station is not muted and all is done that is to be done before it is opened."""
        while True:
            await self._rest_while_muted()
            self._reopening.note_opening()
            await self._recovery.carry_out()
            self._reopening.note_opening()
            settings = self._hardware.find()
            if settings.capture.needs_playback and settings.playback is not None:
                await self._await_playback()
                self._reopening.note_opening()
                settings = self._hardware.find()
            if not self.mute.on:  # meanwhile
                return settings

    async def _rest_while_muted(self) -> None:
        while self.mute.on:
            self._reopening.rest()
            self._recovery.rest()
            self._gaps.rest()
            self._health_news.note(self._absence)
            self._presence.found()
            await self.mute.lifted()
            self._presence.lost()

    async def _await_playback(self) -> None:
        runs = await self._duplex.playback_running()
        if not runs and not self._playback_missed:
            self._log.warning("this microphone needs the speaker to be open, and it is not: capture is tried without")
        self._playback_missed = not runs

    def _made_for(self, settings: StationSettings) -> _Found:
        """What these settings need; what is the same as before goes on as it is."""
        capture, before = settings.capture, self._found
        if before is not None and before.settings.capture == capture:
            return _Found(settings, before.device, before.converter)
        converter = CaptureConverter(
            capture.parameters, pick=capture.pick, gain_db=capture.gain_db, highpass_hz=capture.highpass_hz
        )
        return _Found(settings, self._devices.capture(capture), converter)

    async def _watch_hardware(self) -> NoReturn:
        """Notice a card that is meant rather than the one in use, and came later: at boot a USB one may be the last."""
        while True:
            await self._hotplug.changed()
            self._look_for_another()
            await trio.sleep(NEWS_INTERVAL_S)
            self._look_for_another()  # for what came meanwhile

    def _look_for_another(self) -> None:
        if self._found is None or self._listening is None:
            return  # it is looked for anyway
        try:
            other = self._hardware.find().card
        except DeviceError:  # of whatever came, nothing is as good as what works
            return
        used = self._found.settings.card
        if used is not None and other is not None and _identity(other) != _identity(used):
            self._log.info("card %s is the station's now, rather than %s", _described(other), _described(used))
            self._reopening.reopen()

    async def _capture(self, opened: _Opened) -> NoReturn:
        found, stream = opened.found, opened.stream
        if self.mute.on:  # muted while it was being opened
            self._reopening.reopen()
        self._verdict = Verdict()
        listening = self._listening = Listening(found.settings, found.converter, self._mixer, self._gaps)
        self._gaps.note_break(REOPENED)
        try:
            while True:
                block = await stream.receive()
                self._presence.found()
                self._reopening.note_sound()
                self._reopening.note_works()
                self._hand_on(block, listening)
        finally:
            self._listening = None
            if not self.mute.on:
                self._presence.lost()

    def _hand_on(self, block: CapturedBlock, listening: Listening) -> None:
        if self.mute.on:  # it came before the microphone was closed
            return
        if block.overrun:
            self._xruns += 1
            self._gaps.note_break(OVERRAN)
        for frame in listening.take(block.data):
            self._frames += 1
            self._offer_frame(frame)
        if listening.look():
            self._note_look(listening)

    def _note_look(self, listening: Listening) -> None:
        self._verdict = listening.verdict
        self._measurements.observe_sound(
            listening.level_dbfs, zeros=listening.verdict.health in _ZEROS, for_s=LOOK_INTERVAL_S
        )
        self._hearing_log.note(listening.verdict, listening.findings, trio.current_time())
        self._health_news.note(listening.verdict, listening.findings)
        self._gaps.tell()
        if self._recovery.note_sound(listening.verdict):
            self._reopening.reopen()


def _identity(card: Card) -> tuple[int, str, str]:
    return (card.number, card.id, card.port)


def _described(card: Card) -> str:
    return f"{card.id} at {card.port}" if card.port else card.id
