"""CPU time of level and microphone health beside that of the conversion they accompany.

    OPENBLAS_NUM_THREADS=1 python -m bench.health [SECONDS]

All three are fed the same sound in turns within one run, half a second at a time, so that whatever else the machine
does hits all; figures are medians. Calm is a room; loud is sound that fills the scale, where every sample is searched
for clipping. SECONDS is the time spent on each row.
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from bench.conversion import capture_sound
from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.formats import FRAME_S, SampleFormat, StreamParameters
from gatewayd.audio.health import HealthMonitor
from gatewayd.audio.levels import LevelMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CASES = (
    (StreamParameters(48_000, SampleFormat.S16_LE, 2), (0,)),
    (StreamParameters(48_000, SampleFormat.S32_LE, 2), (0,)),
    (StreamParameters(48_000, SampleFormat.S32_LE, 8), tuple(range(6))),
    (StreamParameters(16_000, SampleFormat.S16_LE, 6), (0,)),
)
CALM_RMS, LOUD_RMS = 0.003, 0.25
HALF_SECOND = 25
"""Blocks of 20 ms."""


def main() -> None:
    """Measure every case in calm and in loud sound, and print a line for each."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.75
    print("CPU microseconds per second of sound, and shares of the conversion's")
    print(f"{'card':22s} {'used':>5s} {'sound':>6s} {'conversion':>11s} {'level':>13s} {'health':>13s}")
    for parameters, pick in CASES:
        for sound, rms in (("calm", CALM_RMS), ("loud", LOUD_RMS)):
            conversion, level, health = (2e6 * spent_s for spent_s in measure(parameters, pick, rms, seconds))
            shares = f"{level:6.0f} {level / conversion:6.2f} {health:6.0f} {health / conversion:6.2f}"
            print(f"{parameters!s:22} {len(pick):5d} {sound:>6s} {conversion:11.0f} {shares}", flush=True)


def measure(parameters: StreamParameters, pick: Sequence[int], rms: float, seconds: float) -> list[float]:
    """CPU seconds that half a second of sound takes in the conversion, the level meter and the health monitor."""
    converter, meter, monitor = CaptureConverter(parameters, pick=pick), LevelMeter(), HealthMonitor(parameters, pick)
    blocks = capture_sound(parameters, rms)[:HALF_SECOND]
    frames = [frame for block in blocks for frame in converter.feed(block)]
    at_s = 0.0

    def convert() -> None:
        for block in blocks:
            converter.feed(block)

    def weigh() -> None:
        for frame in frames:
            meter.feed(frame)

    def judge() -> None:
        nonlocal at_s
        for block in blocks:
            at_s += FRAME_S
            monitor.feed(block, at_s)

    rounds = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        rounds.append([cpu_s(work) for work in (convert, weigh, judge)])
    return [median(column) for column in zip(*rounds, strict=True)]


def cpu_s(work: Callable[[], None]) -> float:
    """CPU seconds that `work` takes."""
    before_s = time.process_time()
    work()
    return time.process_time() - before_s


if __name__ == "__main__":
    main()
