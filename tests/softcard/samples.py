"""Samples as cards store them, from and to numpy: a reference that shares no code with the gateway's own conversion.

Arrays have the shape (frames, channels), dtype float64, full scale at -1.0 and 1.0; bytes are interleaved and
little-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import SampleFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = {SampleFormat.S16_LE: 16, SampleFormat.S24_LE: 24, SampleFormat.S24_3LE: 24, SampleFormat.S32_LE: 32}


def encode(samples: NDArray[np.float64], sample_format: SampleFormat) -> bytes:
    """The bytes of `samples`: rounded to the nearest step, saturated at full scale (floats are left as they are)."""
    if sample_format is SampleFormat.FLOAT_LE:
        return samples.astype("<f4").tobytes()
    bits = _BITS[sample_format]
    full_scale = 2.0 ** (bits - 1)
    steps = np.clip(np.rint(samples * full_scale), -full_scale, full_scale - 1).astype("<i8")
    if sample_format is SampleFormat.S16_LE:
        return steps.astype("<i2").tobytes()
    words = steps.astype("<i4")
    if sample_format is SampleFormat.S24_3LE:
        return words.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return words.tobytes()


def decode(data: bytes, sample_format: SampleFormat, channels: int) -> NDArray[np.float64]:
    """The samples in whole frames of `data`. In S24_LE the high byte is ignored, as hardware does."""
    if sample_format is SampleFormat.FLOAT_LE:
        return np.frombuffer(data, "<f4").astype(np.float64).reshape(-1, channels)
    if sample_format is SampleFormat.S16_LE:
        steps = np.frombuffer(data, "<i2").astype(np.int64)
    elif sample_format is SampleFormat.S24_3LE:
        octets = np.frombuffer(data, np.uint8).reshape(-1, 3)
        words = np.zeros((len(octets), 4), np.uint8)
        words[:, 1:] = octets
        steps = words.view("<i4").reshape(-1).astype(np.int64) >> 8
    elif sample_format is SampleFormat.S24_LE:
        steps = (np.frombuffer(data, "<i4").astype(np.int64) << 40) >> 40
    else:
        steps = np.frombuffer(data, "<i4").astype(np.int64)
    return (steps / 2.0 ** (_BITS[sample_format] - 1)).reshape(-1, channels)


def random_frames(sample_format: SampleFormat, channels: int, frames: int, seed: int = 1) -> bytes:
    """Frames in which every bit is random, so that no byte lost, swapped or shifted goes unseen."""
    return np.random.default_rng(seed).bytes(frames * channels * sample_format.sample_bytes)
