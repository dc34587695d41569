"""CPU time of conversion, side by side with soxr doing the same work.

Run: python bench/conversion.py. Each row handles the same sound, block by block as a card delivers it, once through
gatewayd and once through soxr HQ with numpy around it. The two take turns in batches within one run, so that whatever
else the machine does hits both; the ratio is the median over pairs of batches. Under 1 means gatewayd is cheaper.
Exits with 1 when the first two rows, what a 48 kHz stereo card gives, are not. `--seconds` sets the time per row.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read by numpy when it is imported

import numpy as np
import soxr

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.audio.formats import FRAME_MS, WIRE_RATE_HZ, SampleFormat, StreamParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    Conversion = Callable[[bytes], object]

BLOCKS = 50
"""Different blocks of sound fed in turn: one second, as real sound varies."""
BATCHES_PER_ROW = 50


@dataclass(frozen=True)
class Row:
    """One comparison; `blocks` are 20 ms each."""

    name: str
    blocks: list[bytes]
    ours: Conversion
    theirs: Conversion


def main() -> int:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="time spent on each row (default 2)")
    seconds = parser.parse_args().seconds
    print(f"numpy {np.__version__}, soxr {soxr.__version__}; CPU microseconds per 20 ms block, medians")
    print(f"{'chain':44s} {'gatewayd':>9s} {'soxr HQ':>9s} {'ratio':>7s}  spread of the ratio (10 % to 90 %)")
    rows = make_rows()
    ratios = [measure(row, seconds) for row in rows]
    dearer = [row.name for row, ratio in zip(rows[:2], ratios[:2], strict=True) if ratio > 1.0]
    for name in dearer:
        print(f"{name}: dearer than soxr", file=sys.stderr)
    return 1 if dearer else 0


def make_rows() -> list[Row]:
    """The chains that matter, the two that carry the promise first."""
    stereo = StreamParameters(48_000, SampleFormat.S16_LE, 2)
    wide = StreamParameters(48_000, SampleFormat.S32_LE, 2)
    array = StreamParameters(48_000, SampleFormat.S32_LE, 8)
    usb_array = StreamParameters(16_000, SampleFormat.S16_LE, 6)
    dongle = StreamParameters(44_100, SampleFormat.S16_LE, 1)
    return [
        capture_row("S16_LE 48 kHz stereo, left -> wire", stereo, (0,)),
        capture_row("S16_LE 48 kHz stereo, both -> wire", stereo, (0, 1)),
        capture_row("S32_LE 48 kHz stereo, left -> wire", wide, (0,)),
        capture_row("S32_LE 48 kHz 8 ch, six averaged -> wire", array, tuple(range(6))),
        capture_row("S16_LE 16 kHz 6 ch, channel 0 -> wire", usb_array, (0,)),
        capture_row("S16_LE 44.1 kHz mono -> wire", dongle, (0,)),
        capture_row("the first with high-pass, soxr without", stereo, (0,), highpass_hz=80.0),
        playback_row("wire -> S16_LE 48 kHz stereo", stereo),
    ]


def capture_row(name: str, parameters: StreamParameters, pick: tuple[int, ...], *, highpass_hz: float = 0.0) -> Row:
    """From the card to the wire."""
    converter = CaptureConverter(parameters, pick=pick, highpass_hz=highpass_hz)
    return Row(name, capture_sound(parameters), converter.feed, soxr_capture(parameters, pick))


def playback_row(name: str, parameters: StreamParameters) -> Row:
    """From the wire to the card."""
    wire = StreamParameters(WIRE_RATE_HZ, SampleFormat.S16_LE, 1)
    converter = PlaybackConverter(parameters)
    return Row(name, capture_sound(wire), converter.feed, soxr_playback(parameters.rate_hz))


def capture_sound(parameters: StreamParameters, rms: float = 0.25) -> list[bytes]:
    """One second of noise, of a quarter of full scale unless told otherwise, as the card gives it, in 20 ms blocks."""
    frames = parameters.rate_hz * FRAME_MS // 1000
    noise = np.random.default_rng(1).normal(0.0, rms, (BLOCKS, frames, parameters.channels)).clip(-1.0, 1.0)
    if parameters.format is SampleFormat.S16_LE:
        return [block.tobytes() for block in (noise * 32767).astype("<i2")]
    return [block.tobytes() for block in (noise * (2**31 - 1)).astype("<i4")]


def soxr_capture(parameters: StreamParameters, pick: tuple[int, ...]) -> Conversion:
    """The cheapest way found to do the same with soxr: 16-bit samples straight where one channel is picked."""
    dtype = np.dtype("<i2") if parameters.format is SampleFormat.S16_LE else np.dtype("<i4")
    weights = np.zeros(parameters.channels, np.float32)
    weights[list(pick)] = 1.0 / len(pick) / (1.0 if dtype.itemsize == 2 else 65536.0)
    straight = dtype.itemsize == 2 and len(pick) == 1
    stream = make_stream(parameters.rate_hz, WIRE_RATE_HZ, "int16" if straight else "float32")

    def convert_straight(data: bytes) -> bytes:
        samples = np.frombuffer(data, dtype).reshape(-1, parameters.channels)
        return bytes(stream(np.ascontiguousarray(samples[:, pick[0]])).tobytes())

    def convert_mixed(data: bytes) -> bytes:
        samples = np.frombuffer(data, dtype).reshape(-1, parameters.channels)
        return to_s16(stream(samples.astype(np.float32) @ weights))

    return convert_straight if straight else convert_mixed


def soxr_playback(rate_hz: int) -> Conversion:
    """Wire frames to 16-bit stereo with soxr."""
    stream = make_stream(WIRE_RATE_HZ, rate_hz, "int16")

    def convert(data: bytes) -> bytes:
        samples = stream(np.frombuffer(data, "<i2"))
        return bytes(np.repeat(samples, 2).tobytes())

    return convert


def make_stream(rate_in_hz: int, rate_out_hz: int, dtype: str) -> Callable[..., np.ndarray]:
    """A streaming soxr HQ conversion of one channel; where the rates are equal it is left out."""
    if rate_in_hz == rate_out_hz:
        return lambda samples: samples
    stream = soxr.ResampleStream(rate_in_hz, rate_out_hz, 1, dtype=dtype, quality="HQ")
    chunk: Callable[..., np.ndarray] = stream.resample_chunk
    return chunk


def to_s16(samples: np.ndarray) -> bytes:
    """Round and saturate numbers in 16-bit units."""
    np.rint(samples, out=samples)
    samples.clip(np.float32(-32768), np.float32(32767), out=samples)
    return samples.astype("<i2").tobytes()


def measure(row: Row, seconds: float) -> float:
    """Run both in turns, print the row, and return the median ratio."""
    passes = max(1, round(seconds / BATCHES_PER_ROW / (cpu_s(row.ours, row, 2) + cpu_s(row.theirs, row, 2)) * 2))
    pairs = []
    for number in range(BATCHES_PER_ROW):
        # who goes first changes, so that neither always finds the caches the other left
        first, second = (row.ours, row.theirs) if number % 2 == 0 else (row.theirs, row.ours)
        first_s, second_s = cpu_s(first, row, passes), cpu_s(second, row, passes)
        pairs.append((first_s, second_s) if number % 2 == 0 else (second_s, first_s))
    ratios = sorted(ours_s / theirs_s for ours_s, theirs_s in pairs)
    scale = 1e6 / (passes * len(row.blocks))
    ours_us, theirs_us = (median(column) * scale for column in zip(*pairs, strict=True))
    spread = f"{ratios[len(ratios) // 10]:.2f} to {ratios[len(ratios) * 9 // 10]:.2f}"
    print(f"{row.name:44s} {ours_us:9.1f} {theirs_us:9.1f} {median(ratios):7.2f}  {spread}", flush=True)
    return median(ratios)


def cpu_s(conversion: Conversion, row: Row, passes: int) -> float:
    """CPU seconds that converting all blocks `passes` times takes."""
    start_s = time.process_time()
    for _ in range(passes):
        for block in row.blocks:
            conversion(block)
    return time.process_time() - start_s


if __name__ == "__main__":
    sys.exit(main())
