"""What stretches of native sound hold, channel by channel: the measurements that a microphone's health is judged by."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gatewayd.audio.formats import SampleFormat
from gatewayd.audio.samples import READ_FULL_SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gatewayd.audio.formats import StreamParameters

CONSTANT_OUTWEIGHS = 1000.0
"""How many times the power of the sound that of the constant part may be before it is taken away sample by sample:
single precision keeps a difference of such two to 0.01 dB."""

_TYPES: dict[SampleFormat, np.dtype[Any]] = {
    SampleFormat.S16_LE: np.dtype("<i2"),
    SampleFormat.S24_LE: np.dtype("<i4"),
    SampleFormat.S32_LE: np.dtype("<i4"),
    SampleFormat.FLOAT_LE: np.dtype("<f4"),
}
_FULL_SCALE_FROM: dict[SampleFormat, float] = {
    SampleFormat.S16_LE: 2**15 - 1,
    SampleFormat.S24_LE: 2**31 - 2**16,
    SampleFormat.S24_3LE: 2**31 - 2**16,
    SampleFormat.S32_LE: 2**31 - 2**16,
    SampleFormat.FLOAT_LE: 1.0 - 2.0**-15,
}
"""Magnitude from which a sample is at full scale: the last step of 16 bits, in every format.

Converters of 18, 20 or 24 bits in S32_LE end below its greatest number, by the bits they do not have, and some end at
the same distance from zero on both sides.
"""


class ChannelLook(NamedTuple):
    """One channel of one stretch of sound, in shares of full scale."""

    least: float
    greatest: float
    power: float
    """Mean square of what is left without the constant part: a sine of full scale has 0.5.

    I2S microphones carry a constant of up to a tenth of full scale, far louder than any sound.
    """

    @property
    def middle(self) -> float:
        """Half way between the least and the greatest sample."""
        return (self.least + self.greatest) / 2.0

    @property
    def peak(self) -> float:
        """Greatest magnitude, the constant part included."""
        return max(self.greatest, -self.least)


def look(parameters: StreamParameters, data: bytes) -> list[ChannelLook]:
    """Measure every channel of `data`: interleaved whole frames, at least one.

    As in conversion, S24_LE ignores the highest byte, FLOAT_LE is limited to full scale, and what is not a number
    counts as zero.
    """
    # numpy reduces along the inner axis 40 times faster than along the outer, so the long one is made the inner.
    rows = _numbers(parameters.format, data).reshape(-1, parameters.channels).T.astype(np.float32, order="C")
    scale = 1.0 / READ_FULL_SCALE[parameters.format]
    share = 1.0 / rows.shape[1]
    least, greatest = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
    sums = rows.dot(_ones(rows.shape[1])).tolist()
    looks = []
    for channel, row in enumerate(rows):
        mean = sums[channel] * share
        power = float(row.dot(row)) * share - mean * mean
        if mean * mean > CONSTANT_OUTWEIGHS * power:
            rest = row - np.float32(mean)
            power = float(rest.dot(rest)) * share if greatest[channel] > least[channel] else 0.0
        looks.append(ChannelLook(least[channel] * scale, greatest[channel] * scale, power * scale * scale))
    return looks


def together(looks: Sequence[Sequence[ChannelLook]]) -> list[ChannelLook]:
    """One look at stretches of the same length, each looked at by itself."""
    share = 1.0 / len(looks)
    return [
        ChannelLook(
            min(one.least for one in channel),
            max(one.greatest for one in channel),
            sum(one.power for one in channel) * share,
        )
        for channel in zip(*looks, strict=True)
    ]


def clipped_samples(parameters: StreamParameters, data: bytes) -> list[int]:
    """Samples at full scale in each channel of `data`: interleaved whole frames, at least one."""
    samples = _numbers(parameters.format, data)
    limit = _FULL_SCALE_FROM[parameters.format]
    if samples.max() < limit and samples.min() > -limit:
        return [0] * parameters.channels
    places = np.flatnonzero((samples >= limit) | (samples <= -limit))
    counts: list[int] = np.bincount(places % parameters.channels, minlength=parameters.channels).tolist()
    return counts


def _numbers(sample_format: SampleFormat, data: bytes) -> npt.NDArray[Any]:
    """The samples in their order, in the units of `READ_FULL_SCALE`."""
    if sample_format is SampleFormat.S24_3LE:
        packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros(len(packed), "<i4")
        wide.view(np.uint8).reshape(-1, 4)[:, 1:] = packed
        return wide
    native: npt.NDArray[Any] = np.frombuffer(data, _TYPES[sample_format])
    if sample_format is SampleFormat.S24_LE:
        native = np.left_shift(native, 8)
    elif sample_format is SampleFormat.FLOAT_LE:
        native = np.where(np.isnan(native), np.float32(0.0), native).clip(-1.0, 1.0)
    return native


@lru_cache(maxsize=8)
def _ones(length: int) -> npt.NDArray[np.float32]:
    return np.ones(length, np.float32)
