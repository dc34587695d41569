"""What the level meter says of sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES, SampleFormat
from gatewayd.audio.levels import LevelMeter
from gatewayd.control.schema import MicrophoneHealth
from tests.audio.sound import encode, sine

OK, STARTING, SILENT, STUCK, CLIPPING = (
    MicrophoneHealth.OK,
    MicrophoneHealth.STARTING,
    MicrophoneHealth.SILENT,
    MicrophoneHealth.STUCK,
    MicrophoneHealth.CLIPPING,
)
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


def test_a_microphone_starts_for_a_second_and_then_is_ok() -> None:
    meter = LevelMeter()
    assert meter.health is STARTING
    feed(meter, 0.01, SECOND - 1)
    assert meter.health is STARTING
    feed(meter, 0.01, 1)
    assert meter.health is OK


def test_one_that_never_gave_anything_is_silent_after_two_seconds_and_never_ok() -> None:
    meter = LevelMeter()
    seen = []
    for _ in range(3 * SECOND):
        feed_constant(meter, 0, 1)
        seen.append(meter.health)
    assert seen == [STARTING] * (2 * SECOND - 1) + [SILENT] * (SECOND + 1)


def test_one_that_goes_dead_is_silent_after_two_seconds_and_ok_with_the_first_sound() -> None:
    meter = LevelMeter()
    feed(meter, 0.1, 2 * SECOND)
    feed_constant(meter, 0, 2 * SECOND - 1)
    assert meter.health is OK
    feed_constant(meter, 0, 1)
    assert meter.health is SILENT
    feed(meter, 0.1, 5)
    assert meter.health is OK


def test_one_value_over_and_over_is_stuck() -> None:
    meter = LevelMeter()
    feed_constant(meter, -417, 2 * SECOND)
    assert meter.health is STUCK
    assert meter.level_dbfs is not None


def test_another_value_begins_the_two_seconds_anew() -> None:
    meter = LevelMeter()
    feed_constant(meter, 5, SECOND)
    feed_constant(meter, 0, 2 * SECOND - 5)
    assert meter.health is OK, "it has moved once, so it is not dead from the start"
    feed_constant(meter, 0, 5)
    assert meter.health is SILENT


def test_the_last_bit_of_a_quiet_room_is_enough_to_be_ok() -> None:
    meter = LevelMeter()
    for number in range(4 * SECOND):
        frame = np.zeros(FRAME_SAMPLES, np.int16)
        frame[number % FRAME_SAMPLES] = 1
        meter.feed(frame)
    assert meter.health is OK


def test_clipping_is_told_while_a_meaningful_share_lies_at_full_scale() -> None:
    meter = LevelMeter()
    feed(meter, 0.9, 2 * SECOND)
    assert meter.health is OK
    feed(meter, 1.5, SECOND)
    assert meter.health is CLIPPING
    feed(meter, 0.5, SECOND - 5)
    assert meter.health is CLIPPING, "a tenth of the last second still clips"
    feed(meter, 0.5, 5)
    assert meter.health is OK


@pytest.mark.parametrize("full_scale", [32767, -32768])
def test_between_the_two_thresholds_clipping_stays_what_it_was(full_scale: int) -> None:
    def feed_clipped(share: float) -> None:
        for _ in range(SECOND):
            frame = np.resize(np.array([100, -100], np.int16), FRAME_SAMPLES)
            frame[: round(share * FRAME_SAMPLES)] = full_scale
            meter.feed(frame)

    meter = LevelMeter()
    feed_clipped(0.0)
    feed_clipped(1 / FRAME_SAMPLES)
    assert meter.health is OK, "0.3 % on the way up"
    feed_clipped(2 / FRAME_SAMPLES)
    assert meter.health is CLIPPING, "0.6 %"
    feed_clipped(1 / FRAME_SAMPLES)
    assert meter.health is CLIPPING, "0.3 % on the way down"
    feed_clipped(0.0)
    assert meter.health is OK


def test_stuck_at_full_scale_is_stuck_rather_than_clipping() -> None:
    meter = LevelMeter()
    feed_constant(meter, 32767, 2 * SECOND)
    assert meter.health is STUCK


def test_a_reset_begins_anew() -> None:
    meter = LevelMeter()
    feed(meter, 2.0, 2 * SECOND + 3)
    meter.reset()
    assert (meter.health, meter.level_dbfs, meter.peak_dbfs) == (STARTING, None, None)
    feed(meter, 0.5, SECOND)
    assert meter.health is OK
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
        assert meter.health in {OK, STARTING, SILENT, STUCK, CLIPPING}
