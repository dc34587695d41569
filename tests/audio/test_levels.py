"""What the level meter says of sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES, SampleFormat
from gatewayd.audio.levels import LevelMeter
from tests.audio.sound import encode, sine

SECOND = 50
"""Frames in a second."""


def feed(meter: LevelMeter, amplitude: float, frames: int) -> None:
    """A tone of 440 Hz; beyond an amplitude of 1 it is cut off at full scale."""
    data = encode(sine(440.0, 16_000, frames * 0.02, amplitude=amplitude), SampleFormat.S16_LE)
    for start in range(0, len(data), FRAME_BYTES):
        meter.feed(data[start : start + FRAME_BYTES])


def feed_constant(meter: LevelMeter, value: int, frames: int) -> None:
    for _ in range(frames):
        meter.feed(np.full(FRAME_SAMPLES, value, np.int16))


@pytest.mark.parametrize(("amplitude", "level_dbfs"), [(1.0, 0.0), (0.5, -6.02), (0.001, -60.0)])
def test_a_sine_reads_as_its_amplitude(amplitude: float, level_dbfs: float) -> None:
    meter = LevelMeter()
    feed(meter, amplitude, SECOND)
    assert meter.level_dbfs == pytest.approx(level_dbfs, abs=0.02)
    assert meter.peak_dbfs == pytest.approx(level_dbfs, abs=0.2)


def test_a_square_wave_of_full_scale_is_3_db_over_a_sine() -> None:
    meter = LevelMeter()
    for _ in range(SECOND):
        meter.feed(np.resize(np.array([-32768, 32767], np.int16), FRAME_SAMPLES))
    assert meter.level_dbfs == pytest.approx(3.01, abs=0.001)
    assert meter.peak_dbfs == 0.0


def test_there_is_no_level_before_the_first_second_and_none_of_digital_zero() -> None:
    meter = LevelMeter()
    feed(meter, 0.5, SECOND - 1)
    assert (meter.level_dbfs, meter.peak_dbfs) == (None, None)
    feed(meter, 0.5, 1)
    assert meter.level_dbfs == pytest.approx(-6.02, abs=0.02)
    feed_constant(meter, 0, SECOND)
    assert (meter.level_dbfs, meter.peak_dbfs) == (None, None)


def test_the_level_is_that_of_the_last_second_only() -> None:
    meter = LevelMeter()
    feed(meter, 1.0, 3 * SECOND)
    feed(meter, 0.1, SECOND // 2)
    assert meter.level_dbfs == pytest.approx(-2.97, abs=0.02), "half of it loud: half the power"
    feed(meter, 0.1, SECOND // 2)
    assert meter.level_dbfs == pytest.approx(-20.0, abs=0.02)


def test_a_reset_begins_anew() -> None:
    meter = LevelMeter()
    feed(meter, 2.0, 2 * SECOND + 3)
    meter.reset()
    assert (meter.level_dbfs, meter.peak_dbfs) == (None, None)
    feed(meter, 0.5, SECOND - 3)
    assert meter.level_dbfs is None, "what was begun before is forgotten"
    feed(meter, 0.5, 3)
    assert meter.level_dbfs == pytest.approx(-6.02, abs=0.02)


@given(
    frames=st.lists(
        st.one_of(st.just(b""), st.binary(min_size=2, max_size=8).map(lambda data: data[: len(data) // 2 * 2])),
        max_size=120,
    )
)
def test_whatever_is_fed_gives_levels_that_make_sense(frames: list[bytes]) -> None:
    meter = LevelMeter()
    for frame in frames:
        meter.feed(frame)
        level_dbfs, peak_dbfs = meter.level_dbfs, meter.peak_dbfs
        assert (level_dbfs is None) == (peak_dbfs is None)
        if level_dbfs is not None and peak_dbfs is not None:
            assert peak_dbfs <= 0.0
            assert level_dbfs <= peak_dbfs + 3.02
