"""Both supervisors of a station over fakes, and a session that listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings
from gatewayd.metrics.measurements import StationMeasurements
from gatewayd.seams.audio import CapturedBlock
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.duplex import Duplex
from gatewayd.station.mute import MuteSwitch
from gatewayd.station.playback import PlaybackSupervisor
from tests.station.fakes import (
    STATION_LOG,
    WIRE,
    FakeClock,
    FakeHardware,
    FakeHotplug,
    FakeMixer,
    FakeSoundDevices,
    FakeUsb,
    LongestWait,
    frame_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from gatewayd.control.events import Event

DEVICE = "hw:CARD=Fake,DEV=0"
CAPTURE = CaptureSettings(DEVICE, WIRE, pick=(0,))
PLAYBACK = PlaybackSettings(DEVICE, WIRE)
SETTINGS = StationSettings(None, CAPTURE, PLAYBACK)


class Listener:
    """A session, as far as capture knows one."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.presence: list[tuple[float, bool]] = []

    async def note_presence(self, present: bool) -> None:
        self.presence.append((trio.current_time(), present))


class Bench:
    """Everything of a station but its session. What is not started by a test does not take part."""

    def __init__(
        self,
        settings: StationSettings = SETTINGS,
        report_presence: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        self.hardware = FakeHardware(settings)
        self.devices = FakeSoundDevices()
        self.device = self.devices.microphone
        self.speaker = self.devices.speaker
        self.mixer = FakeMixer()
        self.hotplug = FakeHotplug()
        self.usb = FakeUsb()
        self.clock = FakeClock()
        self.listener = Listener()
        self.measurements = StationMeasurements()
        self.events: list[Event] = []
        self.mute = MuteSwitch(log=STATION_LOG, publish=self.events.append)
        duplex = Duplex()
        self.supervisor = CaptureSupervisor(
            hardware=self.hardware,
            devices=self.devices,
            mixer=self.mixer,
            hotplug=self.hotplug,
            usb=self.usb,
            duplex=duplex,
            clock=self.clock,
            offer_frame=self.listener.frames.append,
            report_presence=report_presence or self.listener.note_presence,
            chance=LongestWait(),
            log=STATION_LOG,
            measurements=self.measurements,
            publish=self.events.append,
            mute=self.mute,
        )
        self.playback = PlaybackSupervisor(
            hardware=self.hardware,
            devices=self.devices,
            hotplug=self.hotplug,
            duplex=duplex,
            chance=LongestWait(),
            log=STATION_LOG,
        )

    async def hear(self, *numbers: int, overrun: bool = False) -> None:
        """Sound of one wire frame for each number, and time for it to be handed on."""
        self.device.hear(CapturedBlock(b"".join(map(frame_of, numbers)), overrun=overrun))
        await trio.testing.wait_all_tasks_blocked()

    async def say(self, *numbers: int, every_s: float = 0.02) -> None:
        """One frame to play after the other, paced as the agent does."""
        for number in numbers:
            self.playback.offer(frame_of(number))
            await trio.sleep(every_s)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What was said in the log: level and text."""
    return [(record.levelname, record.getMessage()) for record in caplog.records]
