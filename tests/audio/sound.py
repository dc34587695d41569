"""Sound to test with, and independent rulers to measure it: nothing here uses the package's own arithmetic.

Amplitudes are shares of full scale; levels are in dB relative to a full-scale sine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import SampleFormat, StreamParameters

if TYPE_CHECKING:
    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]

HALF = 10.0 ** (-6.0 / 20.0)
"""Amplitude of a tone of -6 dBFS."""
BITS = {SampleFormat.S16_LE: 16, SampleFormat.S24_LE: 24, SampleFormat.S24_3LE: 24, SampleFormat.S32_LE: 32}


def sine(frequency_hz: float, rate_hz: int, seconds: float, *, amplitude: float = HALF, phase: float = 0.3) -> Sound:
    times_s = np.arange(round(rate_hz * seconds)) / rate_hz
    sound: Sound = amplitude * np.sin(2.0 * np.pi * frequency_hz * times_s + phase)
    return sound


def encode(sound: npt.ArrayLike, sample_format: SampleFormat) -> bytes:
    """(frames,) or (frames, channels) in shares of full scale, to interleaved native bytes; saturates."""
    shares = np.asarray(sound, np.float64)
    if sample_format is SampleFormat.FLOAT_LE:
        return shares.astype("<f4").tobytes()
    full_scale = 2 ** (BITS[sample_format] - 1)
    numbers = np.clip(np.rint(shares * full_scale), -full_scale, full_scale - 1).astype(np.int64)
    packed = numbers.astype("<i8").view(np.uint8).reshape(*numbers.shape, 8)
    return bytes(packed[..., : sample_format.sample_bytes].tobytes())


def decode(data: bytes, sample_format: SampleFormat, channels: int = 1) -> Sound:
    """The other way, to (frames, channels)."""
    if sample_format is SampleFormat.FLOAT_LE:
        return np.frombuffer(data, "<f4").astype(np.float64).reshape(-1, channels)
    size = sample_format.sample_bytes
    numbers = [int.from_bytes(data[start : start + size], "little", signed=True) for start in range(0, len(data), size)]
    sound: Sound = np.array(numbers, np.float64).reshape(-1, channels) / 2 ** (BITS[sample_format] - 1)
    return sound


def wire(frames: list[bytes] | bytes) -> Sound:
    """Wire frames as shares of full scale."""
    data = frames if isinstance(frames, bytes) else b"".join(frames)
    return np.frombuffer(data, "<i2").astype(np.float64) / 32768.0


def mono(rate_hz: int, sample_format: SampleFormat = SampleFormat.S32_LE) -> StreamParameters:
    return StreamParameters(rate_hz, sample_format, 1)


@dataclass(frozen=True)
class FittedTone:
    """The sine of a known frequency that fits best, and what it leaves over."""

    level_dbfs: float
    phase: float
    """Radians, of a sine."""
    rest_dbfs: float
    """RMS of everything else but a constant."""

    @property
    def sinad_db(self) -> float:
        return self.level_dbfs - self.rest_dbfs


def fit_tone(sound: Sound, frequency_hz: float, rate_hz: int, *, skip_s: float = 0.02) -> FittedTone:
    """Least squares against sine, cosine and a constant, leaving out the first `skip_s` for filters to settle."""
    angles = 2.0 * np.pi * frequency_hz * np.arange(len(sound)) / rate_hz
    basis = np.stack([np.sin(angles), np.cos(angles), np.ones(len(sound))], axis=1)[round(skip_s * rate_hz) :]
    heard = sound[round(skip_s * rate_hz) :]
    weights = np.linalg.lstsq(basis, heard, rcond=None)[0]
    return FittedTone(
        level_dbfs=decibels(float(np.hypot(weights[0], weights[1]))),
        phase=float(np.arctan2(weights[1], weights[0])),
        rest_dbfs=rms_dbfs(heard - basis @ weights),
    )


def rms_dbfs(sound: Sound) -> float:
    """RMS relative to a full-scale sine."""
    return decibels(float(np.sqrt(2.0 * np.mean(sound**2))))


def decibels(amplitude: float) -> float:
    return 20.0 * float(np.log10(max(amplitude, 1e-12)))
