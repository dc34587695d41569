from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.stretch import StretchLevel, StretchMeter
from tests.softcard.samples import encode, random_frames

ZERO = StretchLevel(None, None, 0)
FORMATS = list(SampleFormat)


def sines(rate_hz: int, *dbfs: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A second of 100 Hz in each channel, each at its own level."""
    wave = np.sin(2 * np.pi * 100 * np.arange(rate_hz) / rate_hz)
    return np.stack([10 ** (level / 20) * wave for level in dbfs], axis=1)


@pytest.mark.parametrize("rate_hz", [11_025, 48_000])
@pytest.mark.parametrize("sample_format", FORMATS)
def test_every_channel_has_its_own_level_in_every_format(sample_format: SampleFormat, rate_hz: int) -> None:
    meter = StretchMeter(StreamParameters(rate_hz, sample_format, 3))
    meter.feed(encode(sines(rate_hz, -6.0, -40.0, -1000.0), sample_format))
    loud, quiet, zero = meter.take()
    for level, dbfs in ((loud, -6.0), (quiet, -40.0)):
        assert level.level_dbfs == pytest.approx(dbfs, abs=0.05)
        assert level.peak_dbfs == pytest.approx(dbfs, abs=0.05)
        assert level.clipped == 0
    assert zero == ZERO or sample_format is SampleFormat.FLOAT_LE


@pytest.mark.parametrize("sample_format", FORMATS)
def test_samples_at_full_scale_are_counted_either_way(sample_format: SampleFormat) -> None:
    samples = np.zeros((960, 2))
    samples[100:103, 1] = 1.0
    samples[200:202, 1] = -1.0
    samples[300, 1] = 0.999
    meter = StretchMeter(StreamParameters(48_000, sample_format, 2))
    meter.feed(encode(samples, sample_format))
    zero, clipped = meter.take()
    assert zero == ZERO
    assert clipped.clipped == 5
    assert clipped.peak_dbfs == pytest.approx(0.0, abs=0.001)


def test_full_scale_of_a_24_bit_converter_behind_32_bits_counts() -> None:
    meter = StretchMeter(StreamParameters(48_000, SampleFormat.S32_LE, 1))
    meter.feed(np.full(960, 0x7FFFFF00, "<i4").tobytes())
    assert meter.take()[0].clipped == 960


def test_the_quietest_sound_there_is_has_a_level() -> None:
    meter = StretchMeter(StreamParameters(48_000, SampleFormat.S32_LE, 1))
    meter.feed(np.array([1] + 959 * [0], "<i4").tobytes())
    [level] = meter.take()
    assert level.level_dbfs == pytest.approx(10 * np.log10(2 / 960 / 2**62), abs=0.01)


def test_a_float_too_small_to_square_has_a_peak_only() -> None:
    meter = StretchMeter(StreamParameters(48_000, SampleFormat.FLOAT_LE, 1))
    meter.feed(np.full(960, 1e-30, "<f4").tobytes())
    [level] = meter.take()
    assert level.level_dbfs is None
    assert level.peak_dbfs == pytest.approx(-600)


def test_asking_begins_a_new_stretch() -> None:
    meter = StretchMeter(StreamParameters(16_000, SampleFormat.S16_LE, 1))
    meter.feed(np.full(320, 1000, "<i2").tobytes())
    assert meter.take() != [ZERO]
    assert meter.take() == [ZERO]


def test_a_begun_block_counts_with_what_follows_unless_that_has_nothing_to_do_with_it() -> None:
    meter = StretchMeter(StreamParameters(16_000, SampleFormat.S16_LE, 1))
    half = np.full(160, 1000, "<i2").tobytes()
    meter.feed(half)
    assert meter.take() == [ZERO]
    meter.feed(half)
    assert meter.take() != [ZERO]
    meter.feed(half)
    meter.reset()
    meter.feed(half)
    assert meter.take() == [ZERO]


@given(st.sampled_from(FORMATS), st.lists(st.integers(1, 4000), max_size=20))
def test_any_way_of_cutting_gives_the_same(sample_format: SampleFormat, cuts: list[int]) -> None:
    parameters = StreamParameters(8_000, sample_format, 2)
    sound = random_frames(sample_format, 2, 1600)
    whole, cut = StretchMeter(parameters), StretchMeter(parameters)
    whole.feed(sound)
    at = 0
    for length in cuts:
        cut.feed(sound[at : at + length])
        at += length
    cut.feed(sound[at:])
    assert cut.take() == whole.take()
