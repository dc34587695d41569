from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.repetitions import KINDS_LIMIT, SETTLED_S, Changes, Repetitions, Sum, Verdict, duration, with_sum

HELD_BACK = Verdict(tell=False)
AS_IT_IS = Verdict(tell=True)


def test_the_first_of_each_kind_is_told_and_the_next_are_counted() -> None:
    repetitions = Repetitions()
    assert repetitions.note("a", 0) == AS_IT_IS
    assert repetitions.note("b", 10) == AS_IT_IS
    assert repetitions.note("a", 20) == HELD_BACK
    assert repetitions.note("a", 59.9) == HELD_BACK
    assert repetitions.note("b", 60) == Verdict(tell=False, sum=Sum({"a": 2, "b": 1}, 60))


def test_intervals_grow_to_an_hour_and_stay_there() -> None:
    repetitions = Repetitions()
    told_s = [second for second in range(20_000) if repetitions.note("a", second) != HELD_BACK]
    assert told_s == [0, 60, 660, 4260, 7860, 11_460, 15_060, 18_660]


def test_after_a_quiet_hour_all_begins_anew_and_no_count_is_lost() -> None:
    repetitions = Repetitions()
    repetitions.note("a", 0)
    repetitions.note("a", 30)
    assert repetitions.note("a", 3630) == Verdict(tell=True, sum=Sum({"a": 1}, 30))
    assert repetitions.note("a", 3680) == HELD_BACK
    assert repetitions.note("a", 3690) == Verdict(tell=False, sum=Sum({"a": 2}, 60))


def test_a_kind_that_was_away_for_an_hour_is_told_though_others_went_on() -> None:
    repetitions = Repetitions()
    repetitions.note("a", 0)
    for now_s in range(0, 3600, 100):
        repetitions.note("b", now_s)
    assert repetitions.note("a", 3600).tell


def test_kinds_without_end_are_one_kind() -> None:
    repetitions = Repetitions()
    told = [number for number in range(1000) if repetitions.note(f"kind {number}", number / 100).tell]
    assert told == list(range(KINDS_LIMIT + 1)), "and one for all others"


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 5000)), max_size=200))
def test_every_event_is_told_or_counted_and_never_more_often_than_promised(events: list[tuple[int, float]]) -> None:
    repetitions = Repetitions()
    now_s, told, summed, sums_s = 0.0, 0, 0, []
    for kind, later_s in events:
        now_s += later_s
        verdict = repetitions.note(kind, now_s)
        told += verdict.tell
        if verdict.sum is not None:
            summed += verdict.sum.count
            sums_s.append(now_s)
    assert all(later - sooner >= 60 - 1e-6 for sooner, later in pairwise(sums_s))
    held = len(events) - told - summed
    assert held >= 0
    assert told <= (KINDS_LIMIT + 1) * (1 + now_s / 3600)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (570, "9 min 30 s"),
        (3600, "1 h"),
        (11_520, "3 h 12 min"),
        (86_400, "1 d"),
        (190_800, "2 d 5 h"),
    ],
)
def test_a_duration_is_told_to_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


class TestChanges:
    def test_a_change_is_told_and_staying_so_is_not(self) -> None:
        changes = Changes("works")
        assert changes.note("works", 0) == HELD_BACK
        assert changes.note("broken", 10) == AS_IT_IS
        assert changes.note("broken", 1000) == HELD_BACK
        assert changes.note("works", 1001) == AS_IT_IS

    def test_a_state_that_flaps_is_told_three_times_and_then_summed_up(self) -> None:
        changes = Changes("works")
        told_s = [at_s for at_s in range(1, 10_000) if changes.note(("works", "broken")[at_s % 2], at_s).tell]
        assert told_s == [1, 2, 3, 4, 5, 6, 61, 661, 4261, 7861]

    def test_a_state_that_was_held_back_is_told_when_it_lasts(self) -> None:
        changes = Changes("works")
        for at_s in range(1, 12):
            changes.note(("works", "broken")[at_s % 2], at_s)
        held = [changes.held]
        assert changes.note("broken", 10 + SETTLED_S) == HELD_BACK
        assert changes.note("broken", 11 + SETTLED_S) == AS_IT_IS
        assert [*held, changes.held] == [True, False]
        assert changes.note("broken", 9999) == HELD_BACK

    def test_a_state_may_be_known_without_a_word(self) -> None:
        changes = Changes("works")
        changes.note("broken", 1)
        changes.reset("works")
        assert changes.note("works", 2) == HELD_BACK
        assert changes.note("broken", 3) == AS_IT_IS

    def test_a_sum_is_told_with_the_state_it_led_to(self) -> None:
        assert with_sum("works again", None) == "works again"
        assert with_sum("works again", Sum({"a": 2, "b": 1}, 60)) == (
            "works again (with 3 changes in 1 min that were not told one by one)"
        )
