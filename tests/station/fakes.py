"""Sound hardware without ALSA or a kernel, in trio's own time, and dice that always fall the same way."""

from __future__ import annotations

import logging
import math
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.formats import FRAME_BYTES, SampleFormat, StreamParameters
from gatewayd.errors import DeviceStalled
from gatewayd.seams.audio import CapturedBlock
from gatewayd.seams.hardware import MixerReport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gatewayd.errors import DeviceError
    from gatewayd.hardware.settings import CaptureSettings, MixerSetting, PlaybackSettings, StationSettings

WIRE = StreamParameters(16_000, SampleFormat.S16_LE, 1)
"""A card that speaks as the wire does: what goes in comes out bit for bit."""
STATION_LOG: logging.LoggerAdapter[logging.Logger] = logging.LoggerAdapter(logging.getLogger("station"), {})


class LongestWait(random.Random):
    """Always the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


class ShortestWait(random.Random):
    """Always the lower end."""

    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


def frame_of(number: int) -> bytes:
    """A wire frame that tells its number."""
    return number.to_bytes(2, "little") * (FRAME_BYTES // 2)


BLOCK_S = 0.5
"""What a fake microphone that listens by itself hands over at once."""
NOISE = b"".join(
    sample.to_bytes(2, "little", signed=True)
    for sample in random.Random(1).choices(range(-2000, 2000), k=round(BLOCK_S * WIRE.rate_hz))
)
"""Half a second of a lively room."""
ZEROS = bytes(len(NOISE))
STUCK = b"\x55\x05" * (len(NOISE) // 2)
"""One value over and over."""


class FakeCaptureDevice:
    """A microphone that hears what it is told, or a sound that never ends, and fails when it is told."""

    device = "hw:CARD=Fake,DEV=0"
    parameters = WIRE

    def __init__(self) -> None:
        self.fails_to_open: DeviceError | None = None
        self.opening_takes_s = 0.0
        self.attempts_s: list[float] = []
        self.is_open = False
        self.sound: bytes | None = None
        """`BLOCK_S` of what it hears by itself in that time; None: only what it is told."""
        self.stalls = False
        """Whether it gives nothing of that sound, which it says is a stall after two seconds."""
        self._due_s = 0.0
        self._heard: list[CapturedBlock | DeviceError] = []
        self._arrived = trio.Event()

    def hear(self, *blocks: CapturedBlock) -> None:
        self._heard += blocks
        self._arrived.set()

    def fail(self, error: DeviceError) -> None:
        """The open stream fails with this, after what it heard before."""
        self._heard.append(error)
        self._arrived.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeCaptureDevice]:
        self.attempts_s.append(trio.current_time())
        await trio.sleep(self.opening_takes_s)
        if self.fails_to_open is not None:
            raise self.fails_to_open
        self.is_open = True
        self._due_s = trio.current_time() + BLOCK_S
        try:
            yield self
        finally:
            self.is_open = False

    async def receive(self) -> CapturedBlock:
        await trio.lowlevel.checkpoint()
        while not self._heard:
            self._arrived = trio.Event()
            with trio.move_on_at(self._due_s if self.sound is not None else math.inf) as listening:
                await self._arrived.wait()
            if listening.cancelled_caught and self.stalls:
                await trio.sleep(2)
                raise DeviceStalled(self.device, "open, but no sound moved for 2 s")
            if listening.cancelled_caught and self.sound is not None:
                self._due_s += BLOCK_S
                return CapturedBlock(self.sound)
        heard = self._heard.pop(0)
        if isinstance(heard, Exception):
            raise heard
        return heard


@dataclass
class FakePlaybackStream:
    """A card that plays in real time what it is sent, 120 ms of it at most in its queue."""

    device: str = "hw:CARD=Fake,DEV=0"
    parameters: StreamParameters = WIRE
    capacity_s: float = 0.120
    underruns: int = 0
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    """When each frame began to sound; one cut off by `stop` is taken back."""
    stops_s: list[float] = field(default_factory=list)
    stopping_takes_s: float = 0.0
    stopping_fails: DeviceError | None = None
    fails: DeviceError | None = None
    _ends_s: float | None = None

    @property
    def queued_s(self) -> float:
        return 0.0 if self._ends_s is None else max(0.0, round(self._ends_s - trio.current_time(), 9))

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        length_s = len(data) / self.parameters.frame_bytes / self.parameters.rate_hz
        excess_s = self.queued_s + length_s - self.capacity_s
        if excess_s > 1e-9:
            await trio.sleep(excess_s)
        if self.fails is not None:
            raise self.fails
        now_s = trio.current_time()
        if self._ends_s is not None and self._ends_s < now_s:
            self.underruns += 1
        begins_s = now_s if self._ends_s is None else max(now_s, self._ends_s)
        self._ends_s = begins_s + length_s
        self.heard.append((round(begins_s, 6), data))

    async def stop(self) -> None:
        await trio.sleep(self.stopping_takes_s)
        if self.stopping_fails is not None:
            raise self.stopping_fails
        now_s = trio.current_time()
        self.heard = [(begins_s, data) for begins_s, data in self.heard if begins_s < now_s]
        self._ends_s = None
        self.stops_s.append(round(now_s, 6))

    def speech(self) -> list[tuple[float, int]]:
        """When each frame that is not silence began to sound, and its number."""
        return [(s, int.from_bytes(data[:2], "little")) for s, data in self.heard if data.strip(b"\0")]


class FakePlaybackDevice:
    """A loudspeaker; each opening gives a new stream."""

    def __init__(self) -> None:
        self.fails_to_open: DeviceError | None = None
        self.opening_takes_s = 0.0
        self.attempts_s: list[float] = []
        self.streams: list[FakePlaybackStream] = []
        self.is_open = False

    @property
    def stream(self) -> FakePlaybackStream:
        return self.streams[-1]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakePlaybackStream]:
        self.attempts_s.append(trio.current_time())
        await trio.sleep(self.opening_takes_s)
        if self.fails_to_open is not None:
            raise self.fails_to_open
        self.streams.append(FakePlaybackStream())
        self.is_open = True
        try:
            yield self.stream
        finally:
            self.is_open = False


class FakeHardware:
    """What the station's hardware is found to be: `settings`, or an error."""

    def __init__(self, settings: StationSettings) -> None:
        self.settings = settings
        self.fails: DeviceError | None = None
        self.asked_s: list[float] = []

    def find(self) -> StationSettings:
        self.asked_s.append(trio.current_time())
        if self.fails is not None:
            raise self.fails
        return self.settings


class FakeSoundDevices:
    """One microphone and one loudspeaker, whatever they are called; keeps what they were made for."""

    def __init__(self) -> None:
        self.microphone = FakeCaptureDevice()
        self.speaker = FakePlaybackDevice()
        self.captures: list[CaptureSettings] = []
        self.playbacks: list[PlaybackSettings] = []

    def capture(self, settings: CaptureSettings) -> FakeCaptureDevice:
        self.captures.append(settings)
        return self.microphone

    def playback(self, settings: PlaybackSettings) -> FakePlaybackDevice:
        self.playbacks.append(settings)
        return self.speaker


class FakeMixer:
    """Reports what it is told to, and says which control is off."""

    def __init__(self) -> None:
        self.report = MixerReport()
        self.switched_off = ""
        self.applied: list[tuple[str, Sequence[MixerSetting]]] = []
        self.asked = 0

    def apply(self, card_id: str, settings: Sequence[MixerSetting]) -> MixerReport:
        self.applied.append((card_id, settings))
        return self.report

    def capture_switched_off(self, card_id: str) -> str:
        self.asked += 1
        return self.switched_off


class FakeHotplug:
    """News of hardware when the test says so."""

    def __init__(self) -> None:
        self._news = trio.Event()

    def tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def changed(self) -> None:
        await self._news.wait()


class FakeUsb:
    """Takes half a second to reset, or fails."""

    def __init__(self) -> None:
        self.resets: list[tuple[float, str]] = []
        self.fails: DeviceError | None = None

    async def reset(self, path: str) -> None:
        self.resets.append((trio.current_time(), path))
        await trio.sleep(0.5)
        if self.fails is not None:
            raise self.fails


class FakeClock:
    """The loop's virtual clock, and one that also counts sleep."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def monotonic_s(self) -> float:
        return trio.current_time()

    def boottime_s(self) -> float:
        return trio.current_time() + self.slept_s

    def synchronised(self) -> bool:
        return True
