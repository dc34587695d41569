"""Whether a card's rate is what it says, by the times its sound is received at."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio import findings
from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.rate_check import RateMonitor
from gatewayd.control.schema import FindingKind
from tests.audio.card import Card

WRONG_RATE = [(FindingKind.WRONG_RATE, None)]
MONO = StreamParameters(48_000, SampleFormat.S16_LE, 1)


def give(card: Card, seconds: float) -> None:
    """Cheap sound, for that long by the card's own count."""
    period = bytes(range(96)) * (MONO.rate_hz // 50 * MONO.frame_bytes // 96)
    for _ in range(round(seconds * 50)):
        card.give_bytes(period)


def test_the_rate_is_known_after_half_a_minute() -> None:
    card = Card(MONO)
    give(card, 35.0)
    assert card.monitor.measured_rate_hz is None
    give(card, 5.0)
    assert card.monitor.measured_rate_hz == pytest.approx(48_000, rel=1e-9)


@pytest.mark.parametrize("ppm", [-1000.0, -200.0, 200.0, 1000.0])
def test_the_drift_of_crystals_is_measured_and_is_no_finding(ppm: float) -> None:
    card = Card(MONO, real_rate_hz=48_000 * (1 + ppm / 1e6))
    give(card, 300.0)
    assert card.monitor.measured_rate_hz == pytest.approx(48_000 * (1 + ppm / 1e6), rel=1e-6)
    assert card.found == []


@pytest.mark.parametrize("seed", range(8))
def test_sound_that_is_received_late_by_up_to_60_ms_gives_the_rate_to_a_thousandth_or_none(seed: int) -> None:
    chance = random.Random(seed)
    card = Card(MONO, real_rate_hz=48_000 * 1.0002, late_s=lambda: chance.uniform(0.0, 0.06))
    for _ in range(60):
        give(card, 5.0)
        measured_hz = card.monitor.measured_rate_hz
        assert measured_hz is None or measured_hz == pytest.approx(48_000, rel=1.2e-3)
        assert card.found == []


FAST, SLOW = "too fast and high: ", "too slow and low: "


@pytest.mark.parametrize("late_s", [0.0, 0.06])
@pytest.mark.parametrize(
    ("real_rate_hz", "said"),
    [
        (44_100, f"{FAST}it runs at 44100 Hz: set rate_hz = 44100 for capture and playback"),
        (16_000, f"{FAST}it runs at 16000 Hz: set rate_hz = 16000 for capture and playback"),
        (96_000, f"{SLOW}it runs at 96000 Hz: set rate_hz = 96000 for capture and playback"),
        (47_000, f"{FAST}its clock is set up wrong, or its driver loses sound"),
    ],
)
def test_another_rate_than_the_card_says_is_found_within_40_seconds(
    real_rate_hz: int, said: str, late_s: float
) -> None:
    chance = random.Random(real_rate_hz)
    card = Card(MONO, real_rate_hz=real_rate_hz, late_s=lambda: chance.uniform(0.0, late_s))
    give(card, 25.0 * real_rate_hz / 48_000)
    assert card.found == []
    give(card, 15.0 * real_rate_hz / 48_000)
    assert card.found == WRONG_RATE
    give(card, 60.0 * real_rate_hz / 48_000)
    assert card.found == WRONG_RATE
    assert said in card.text()
    assert card.text().startswith("the card gives ")
    assert card.monitor.measured_rate_hz == pytest.approx(real_rate_hz, rel=3e-3)


def test_between_the_two_limits_the_finding_stays_what_it_was() -> None:
    card = Card(MONO, real_rate_hz=48_000 * 1.0045)
    give(card, 100.0)
    assert card.found == []
    card.real_rate_hz = 48_000 * 1.006
    give(card, 100.0)
    assert card.found == WRONG_RATE
    card.real_rate_hz = 48_000 * 1.0045
    give(card, 100.0)
    assert card.found == WRONG_RATE
    assert f"(+0.5 %), so the agent hears voices {SLOW}its clock is set up wrong; unplug it" in card.text()
    card.real_rate_hz = 48_000 * 1.003
    give(card, 100.0)
    assert card.found == []


def test_one_interval_spoilt_by_a_machine_that_stood_still_decides_nothing() -> None:
    card = Card(MONO)
    give(card, 60.0)
    card.pass_time(3.0)
    for _ in range(60):
        give(card, 1.0)
        assert card.found == []
        assert card.monitor.measured_rate_hz == pytest.approx(48_000, rel=1e-9)


def test_intervals_that_do_not_agree_say_that_it_is_wrong_and_not_how_much() -> None:
    card = Card(MONO)
    for slower in (0.93, 0.85, 0.76, 0.65, 0.55):
        card.real_rate_hz = 48_000 * slower
        give(card, 10.0 * slower)
    assert card.monitor.measured_rate_hz is None
    assert card.text().startswith("the card does not give the 48000 samples a second that it says: ")


def test_lost_sound_begins_the_count_anew_and_keeps_the_finding() -> None:
    card = Card(MONO, real_rate_hz=44_100)
    give(card, 60.0)
    assert card.found == WRONG_RATE
    card.pass_time(0.7)
    card.give_bytes(bytes(9600), gap=True)
    assert card.monitor.measured_rate_hz is None
    assert card.found == WRONG_RATE
    give(card, 40.0)
    assert card.monitor.measured_rate_hz == pytest.approx(44_100, rel=1e-6), "the lost sound is in no interval"
    card.monitor.reset()
    assert card.found == []


def test_overruns_every_few_seconds_leave_the_rate_unknown() -> None:
    card = Card(MONO)
    for _ in range(40):
        give(card, 5.0)
        card.pass_time(0.5)
        card.give_bytes(bytes(1920), gap=True)
    assert card.monitor.measured_rate_hz is None
    assert card.found == []


def test_sound_handed_over_seldom_is_counted_as_well() -> None:
    monitor = RateMonitor(48_000)
    for second in range(0, 120, 12):
        monitor.feed(12 * 48_000, float(second))
    assert monitor.rate_hz is None, "nothing to choose an anchor from: each turn is over with its first"
    assert not monitor.wrong


def test_a_clock_that_goes_backwards_against_its_promise_does_no_harm() -> None:
    monitor = RateMonitor(48_000)
    for at_s in (0.0, 4.0, 6.0, -20.0, 4.0, 6.0, 12.0, 13.0, 18.0):
        monitor.feed(24_000, at_s)
    assert monitor.rate_hz is None


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.floats(-1e6, 1e6) | st.integers(0, 200).map(float)), max_size=200),
    st.sampled_from([False, True]),
)
def test_no_order_of_times_breaks_it(received: list[tuple[int, float]], in_order: bool) -> None:
    monitor = RateMonitor(48_000)
    times_s = sorted(at_s for _, at_s in received) if in_order else [at_s for _, at_s in received]
    for (frames, _), at_s in zip(received, times_s, strict=True):
        monitor.feed(frames, at_s)
        rate_hz = monitor.rate_hz
        assert rate_hz is None or rate_hz > 0.0
        assert all(found.kind.value == "wrong_rate" for found in findings.rate(48_000, monitor))
