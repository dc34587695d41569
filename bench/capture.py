"""CPU that a second of captured sound costs, from libasound to wire frames, on a software sound card in real time.

    OPENBLAS_NUM_THREADS=1 python -m bench.capture [SECONDS]

The adapter, one trio task, and what it does with each period it receives; no session, no network. Three ways of doing
it take turns period by period, each cold from the same sleep, so that whatever else the machine does hits all alike:

  gatewayd     conversion, level and microphone health: all that the daemon does
  no health    the same without microphone health
  soxr HQ      converted by soxr instead, without level and health

Receiving is the same for all and is in every figure: waking up, libasound, and the card's own work, a timer and a copy,
which is the kernel's with a real card. SECONDS (default 10) is the time spent on each card.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from bench.conversion import capture_sound, soxr_capture
from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.health import HealthMonitor
from gatewayd.audio.levels import LevelMeter
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice
from gatewayd.hardware.settings import CaptureSettings
from tests.softcard.card import SoundRack, StreamDefinition

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.seams.audio import CaptureStream

    Work = Callable[[bytes], object]

WARM_UP_S = 0.5
ROOM_RMS = 0.01
"""Sound of a room with somebody in it: -37 dBFS."""


@dataclass(frozen=True)
class Case:
    """A card, and the channels that are used of it."""

    parameters: StreamParameters
    pick: tuple[int, ...]


if TYPE_CHECKING:
    Way = Callable[[Case], Work]


CASES = (
    Case(StreamParameters(48_000, SampleFormat.S16_LE, 2), (0,)),
    Case(StreamParameters(48_000, SampleFormat.S32_LE, 2), (0,)),
    Case(StreamParameters(48_000, SampleFormat.S32_LE, 8), tuple(range(6))),
    Case(StreamParameters(16_000, SampleFormat.S16_LE, 6), (0,)),
)


def convert_weigh_and_judge(case: Case) -> Work:
    """As the daemon's capture does it."""
    monitor = HealthMonitor(case.parameters, case.pick)
    convert = convert_and_weigh(case)

    def work(data: bytes) -> None:
        monitor.feed(data, trio.current_time())
        convert(data)

    return work


def convert_and_weigh(case: Case) -> Work:
    """Without microphone health."""
    converter = CaptureConverter(case.parameters, pick=case.pick)
    meter = LevelMeter()

    def work(data: bytes) -> None:
        for frame in converter.feed(data):
            meter.feed(frame)

    return work


def convert_with_soxr(case: Case) -> Work:
    """What soxr needs for the same frames, which come in bursts."""
    return soxr_capture(case.parameters, case.pick)


WAYS: dict[str, Way] = {
    "gatewayd": convert_weigh_and_judge,
    "no health": convert_and_weigh,
    "soxr HQ": convert_with_soxr,
}


class Account:
    """One way of doing it, and what it took."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.clear()

    def clear(self) -> None:
        """Count from here."""
        self.captured_bytes = 0
        self.spent_s = 0.0

    def handle(self, data: bytes) -> None:
        """Do the work."""
        before_s = time.process_time()
        self._work(data)
        self.spent_s += time.process_time() - before_s
        self.captured_bytes += len(data)


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds per captured second."""

    receiving: float
    ways: dict[str, float]
    """What is done with the sound, by each way, receiving included."""


async def measure(device: str, case: Case, seconds: float) -> Cost:
    """Capture for that long, and hand each period to another way than the one before."""
    async with AlsaCaptureDevice(CaptureSettings(device, case.parameters, case.pick)).open() as stream:
        ways = [Account(way(case)) for way in WAYS.values()]
        await share_out(stream, ways, WARM_UP_S)
        for account in ways:
            account.clear()
        before_s = time.process_time()
        await share_out(stream, ways, seconds)
        spent_s = time.process_time() - before_s
    ms_per_s = 1000 * case.parameters.rate_hz * case.parameters.frame_bytes
    receiving_s = spent_s - sum(account.spent_s for account in ways)
    receiving = receiving_s / sum(account.captured_bytes for account in ways)
    each = [receiving + account.spent_s / account.captured_bytes for account in ways]
    return Cost(receiving * ms_per_s, {name: cost * ms_per_s for name, cost in zip(WAYS, each, strict=True)})


async def share_out(stream: CaptureStream, accounts: list[Account], seconds: float) -> None:
    """Receive for that long; what is received goes to one after another."""
    until_s = trio.current_time() + seconds
    for account in cycle(accounts):
        block = await stream.receive()
        account.handle(block.data)
        if trio.current_time() >= until_s:
            return


def main() -> None:
    """Measure every case and print a table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print("CPU ms per captured second, from libasound to wire frames")
    names = " ".join(f"{name:>10s}" for name in WAYS)
    print(f"{'card':22s} {'receiving':>10s} {names}  of one core  to no health  to soxr HQ")
    with tempfile.TemporaryDirectory() as folder:
        rack = SoundRack(Path(folder))
        rack.activate()
        for number, case in enumerate(CASES):
            parameters = case.parameters
            offered = StreamDefinition((parameters.format.value,), (parameters.rate_hz,), (parameters.channels,))
            card = rack.plug_in(f"Bench{number}", offered)
            card.play_in(b"".join(capture_sound(parameters, ROOM_RMS)))
            print(line(case, trio.run(measure, card.device, case, seconds)), flush=True)


def line(case: Case, cost: Cost) -> str:
    """A case as a row of the table."""
    figures = " ".join(f"{ms:10.2f}" for ms in (cost.receiving, *cost.ways.values()))
    whole = cost.ways["gatewayd"]
    ratios = f"{whole / 10:9.2f} %  {whole / cost.ways['no health']:12.2f}  {whole / cost.ways['soxr HQ']:10.2f}"
    return f"{case.parameters!s:22} {figures}  {ratios}"


if __name__ == "__main__":
    main()
