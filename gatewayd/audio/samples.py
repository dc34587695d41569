"""Samples as cards store them, to and from numbers.

Readers and writers are made for one block length and lay their memory out once: what runs fifty times a second for
months allocates next to nothing and decides nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gatewayd.audio.formats import SampleFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gatewayd.audio.formats import StreamParameters

    Samples = npt.NDArray[np.float32]

READ_FULL_SCALE = {
    SampleFormat.S16_LE: 2.0**15,
    SampleFormat.S24_LE: 2.0**31,
    SampleFormat.S24_3LE: 2.0**31,
    SampleFormat.S32_LE: 2.0**31,
    SampleFormat.FLOAT_LE: 1.0,
}
"""What full scale reads as: the numbers of readers are in units that cost least."""
WRITE_FULL_SCALE = {
    SampleFormat.S16_LE: 2.0**15,
    SampleFormat.S24_LE: 2.0**23,
    SampleFormat.S24_3LE: 2.0**23,
    SampleFormat.S32_LE: 2.0**31,
    SampleFormat.FLOAT_LE: 1.0,
}
"""What a writer takes for full scale."""

_TYPES: dict[SampleFormat, np.dtype[Any]] = {
    SampleFormat.S16_LE: np.dtype("<i2"),
    SampleFormat.S24_LE: np.dtype("<i4"),
    SampleFormat.S24_3LE: np.dtype("<i4"),
    SampleFormat.S32_LE: np.dtype("<i4"),
    SampleFormat.FLOAT_LE: np.dtype("<f4"),
}
_GREATEST = {
    SampleFormat.S16_LE: 2.0**15 - 1,
    SampleFormat.S24_LE: 2.0**23 - 1,
    SampleFormat.S24_3LE: 2.0**23 - 1,
    # The greatest single-precision number below 2**31; the next one is 2**31, which wraps.
    SampleFormat.S32_LE: 2.0**31 - 128,
    SampleFormat.FLOAT_LE: 1.0,
}


class SampleReader(Protocol):
    """Reads a block of interleaved native samples and leaves one channel of numbers."""

    def read(self, data: bytes) -> None:
        """Read one whole block into the place the reader was made for."""
        ...


def make_reader(parameters: StreamParameters, pick: Sequence[int], into: Samples) -> SampleReader:
    """A reader of blocks of `len(into)` samples; the channels in `pick` are summed.

    S24_LE ignores the highest byte, which drivers leave undefined. FLOAT_LE is limited to +-1, full scale as with every
    other format, and what is not a number reads as silence: neither may reach a filter that remembers.
    """
    if len(pick) == 1 and parameters.format in (SampleFormat.S16_LE, SampleFormat.S32_LE):
        return _OneChannel(parameters, pick[0], into)
    return _WeightedChannels(parameters, pick, into)


class _OneChannel:
    """Picks one channel of a format that numpy knows as it is."""

    def __init__(self, parameters: StreamParameters, channel: int, into: Samples) -> None:
        memory = bytearray(len(into) * parameters.frame_bytes)
        self._memory = memoryview(memory)
        self._column = np.frombuffer(memory, _TYPES[parameters.format]).reshape(-1, parameters.channels)[:, channel]
        self._into = into

    def read(self, data: bytes) -> None:
        self._memory[:] = data
        self._into[...] = self._column


class _WeightedChannels:
    """Turns all channels into numbers and sums those that are picked with one product.

    With two channels and more this is cheaper than to pick several one by one.
    """

    def __init__(self, parameters: StreamParameters, pick: Sequence[int], into: Samples) -> None:
        memory = bytearray(len(into) * parameters.frame_bytes)
        self._memory = memoryview(memory)
        self._format = parameters.format
        self._into = into
        self._numbers = np.zeros((len(into), parameters.channels), np.float32)
        self._weights = np.zeros(parameters.channels, np.float32)
        np.add.at(self._weights, list(pick), 1.0)
        if self._format is SampleFormat.S24_3LE:
            self._packed = np.frombuffer(memory, np.uint8).reshape(-1, parameters.channels, 3)
            self._native: npt.NDArray[Any] = np.zeros(self._numbers.shape, "<i4")
            self._three_bytes = self._native.view(np.uint8).reshape(-1, parameters.channels, 4)[:, :, 1:]
        else:
            self._native = np.frombuffer(memory, _TYPES[self._format]).reshape(self._numbers.shape)

    def read(self, data: bytes) -> None:
        self._memory[:] = data
        if self._format is SampleFormat.S24_3LE:
            self._three_bytes[...] = self._packed
        elif self._format is SampleFormat.S24_LE:
            np.left_shift(self._native, 8, out=self._native)
        self._numbers[...] = self._native
        if self._format is SampleFormat.FLOAT_LE:
            np.copyto(self._numbers, 0.0, where=np.isnan(self._numbers))
            np.clip(self._numbers, -1.0, 1.0, out=self._numbers)
        self._numbers.dot(self._weights, self._into)


class SampleWriter:
    """Writes a block of `frames` numbers as interleaved native samples, the same to every channel.

    Integers are rounded to the nearest, without dither: triangular dither would add 4.8 dB to the noise that 16 bits
    have anyway, and the sound of a room dithers by itself. What lies beyond full scale is saturated.
    """

    def __init__(self, sample_format: SampleFormat, channels: int, frames: int) -> None:
        self._rounds = sample_format is not SampleFormat.FLOAT_LE
        # Arrays without dimensions: numpy takes them faster than its scalars.
        self._least = np.array(-WRITE_FULL_SCALE[sample_format], np.float32)
        self._greatest = np.array(_GREATEST[sample_format], np.float32)
        self._mono: npt.NDArray[Any] = np.zeros(frames, _TYPES[sample_format])
        # One channel as (frames,), or as (frames, 3) bytes where no number type fits.
        self._unit: npt.NDArray[Any] = self._mono
        if sample_format is SampleFormat.S24_3LE:
            self._unit = self._mono.view(np.uint8).reshape(frames, 4)[:, :3]
        self._native: npt.NDArray[Any] = self._unit
        self._channels: list[npt.NDArray[Any]] = []
        if channels > 1:
            self._native = np.zeros((frames, channels, *self._unit.shape[1:]), self._unit.dtype)
            self._channels = [self._native[:, channel] for channel in range(channels)]

    def write(self, samples: Samples) -> bytes:
        """Encode one block; `samples` is rounded and limited in place."""
        if self._rounds:
            np.rint(samples, samples)
        samples.clip(self._least, self._greatest, samples)
        self._mono[...] = samples
        for channel in self._channels:
            channel[...] = self._unit
        return self._native.tobytes()
