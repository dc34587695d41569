"""Sound devices without ALSA, in trio's own time, and dice that always fall the same way."""

from __future__ import annotations

import logging
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.formats import FRAME_BYTES, SampleFormat, StreamParameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gatewayd.errors import DeviceError
    from gatewayd.seams.audio import CapturedBlock

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


SILENCE = frame_of(0)


class FakeCaptureDevice:
    """A microphone that hears what it is told, and fails when it is told."""

    device = "hw:CARD=Fake,DEV=0"
    parameters = WIRE

    def __init__(self) -> None:
        self.fails_to_open: DeviceError | None = None
        self.opening_takes_s = 0.0
        self.attempts_s: list[float] = []
        self.is_open = False
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
        try:
            yield self
        finally:
            self.is_open = False

    async def receive(self) -> CapturedBlock:
        await trio.lowlevel.checkpoint()
        while not self._heard:
            self._arrived = trio.Event()
            await self._arrived.wait()
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
    fails: DeviceError | None = None
    _ends_s: float | None = None

    @property
    def queued_s(self) -> float:
        return 0.0 if self._ends_s is None else max(0.0, round(self._ends_s - trio.current_time(), 9))

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        length_s = len(data) / self.parameters.frame_bytes / self.parameters.rate_hz
        await trio.sleep(max(0.0, self.queued_s + length_s - self.capacity_s))
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
        now_s = trio.current_time()
        self.heard = [(begins_s, data) for begins_s, data in self.heard if begins_s < now_s]
        self._ends_s = None
        self.stops_s.append(round(now_s, 6))

    def speech(self) -> list[tuple[float, int]]:
        """When each frame that is not silence began to sound, and its number."""
        return [(s, int.from_bytes(data[:2], "little")) for s, data in self.heard if data != SILENCE]


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
