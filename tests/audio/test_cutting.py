"""Any way of cutting the same bytes gives the same bytes, whatever the bytes are."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.audio.blocks import BlockGatherer, block_samples
from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, RATES_HZ, SampleFormat, StreamParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = st.sampled_from(list(SampleFormat))
PICKS = st.sampled_from([(0,), (2,), (0, 2), (0, 1, 2)])
HIGHPASSES_HZ = st.sampled_from([0.0, 80.0])
SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.floats(0.0, 1.0), max_size=12)


def noise(seed: int, size: int) -> bytes:
    """Any bytes at all: as FLOAT_LE they hold infinities, numbers beyond all bounds and what is no number."""
    return np.random.default_rng(seed).bytes(size)


def cut(data: bytes, cuts: list[float]) -> Iterator[bytes]:
    places = [0, *sorted(round(share * len(data)) for share in cuts), len(data)]
    return (data[start:end] for start, end in pairwise(places))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@given(sample_format=FORMATS, pick=PICKS, highpass_hz=HIGHPASSES_HZ, seed=SEEDS, blocks=st.floats(0.0, 4.5), cuts=CUTS)
@settings(max_examples=60, deadline=None)
def test_captured_sound_may_be_cut_anywhere(
    *,
    rate_hz: int,
    sample_format: SampleFormat,
    pick: tuple[int, ...],
    highpass_hz: float,
    seed: int,
    blocks: float,
    cuts: list[float],
) -> None:
    parameters = StreamParameters(rate_hz, sample_format, 3)
    data = noise(seed, round(blocks * rate_hz / 50 * parameters.frame_bytes))
    converter = CaptureConverter(parameters, pick=pick, gain_db=6.0, highpass_hz=highpass_hz)

    whole = converter.feed(data)
    converter.reset()
    pieces = [frame for piece in cut(data, cuts) for frame in converter.feed(piece)]

    assert pieces == whole
    assert len(whole) == (len(data) // parameters.frame_bytes * 50 + 49) // rate_hz
    assert all(len(frame) == FRAME_BYTES for frame in whole)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@given(sample_format=FORMATS, channels=st.integers(1, 16), seed=SEEDS, size=st.integers(0, 3000), cuts=CUTS)
@settings(max_examples=60, deadline=None)
def test_played_sound_may_be_cut_anywhere(
    *, rate_hz: int, sample_format: SampleFormat, channels: int, seed: int, size: int, cuts: list[float]
) -> None:
    parameters = StreamParameters(rate_hz, sample_format, channels)
    data = noise(seed, size)
    converter = PlaybackConverter(parameters, volume=0.9)

    whole = converter.feed(data)
    converter.reset()
    pieces = b"".join(converter.feed(piece) for piece in cut(data, cuts))

    assert pieces == whole
    assert len(whole) == size // FRAME_BYTES * rate_hz // 50 * parameters.frame_bytes


def test_one_byte_at_a_time() -> None:
    parameters = StreamParameters(11_025, SampleFormat.S24_3LE, 2)
    data = noise(7, 441 * parameters.frame_bytes)
    whole = CaptureConverter(parameters, pick=[1]).feed(data)
    converter = CaptureConverter(parameters, pick=[1])

    assert [frame for byte in data for frame in converter.feed(bytes([byte]))] == whole
    assert len(whole) == 2


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3), data=st.binary(max_size=100), cuts=CUTS)
def test_gathered_blocks_are_the_bytes_again_in_a_cycle_of_lengths(
    sizes: list[int], data: bytes, cuts: list[float]
) -> None:
    gatherer = BlockGatherer(sizes)
    blocks = [block for piece in cut(data, cuts) for block in gatherer.gather(piece)]

    assert data.startswith(b"".join(blocks))
    assert [len(block) for block in blocks] == [sizes[number % len(sizes)] for number in range(len(blocks))]
    assert len(data) - len(b"".join(blocks)) < sizes[len(blocks) % len(sizes)]


def test_blocks_are_whole_samples_and_exact_in_the_long_run() -> None:
    assert block_samples(48_000, 50) == (960,)
    assert block_samples(22_050, 50) == (441,)
    assert block_samples(11_025, 50) == (220, 221)
    assert block_samples(10, 4) == (2, 3)
