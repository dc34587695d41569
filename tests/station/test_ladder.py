"""Which recovery step is due when: exact times, and any way that a microphone may do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.hardware.recovery import (
    FORGOTTEN_AFTER_S,
    PAUSE_MAX_S,
    PAUSE_MIN_S,
    STEP_INTERVAL_S,
    UNUSABLE_AFTER_S,
    USABLE_AFTER_S,
    USB_RESET_INTERVAL_S,
    Ladder,
)
from gatewayd.hardware.settings import RecoveryStep

ALL = tuple(RecoveryStep)
REOPEN, REOPEN_DUPLEX, USB_RESET, ALARM = ALL


def steps_while_unusable(
    ladder: Ladder,
    from_s: int,
    until_s: int,
    steps: tuple[RecoveryStep, ...] = ALL,
    skipped: tuple[RecoveryStep, ...] = (),
) -> list[tuple[int, RecoveryStep]]:
    """The steps taken while it is told every second that nothing usable comes."""
    told = ((now_s, ladder.note_unusable(now_s, steps, skipped)) for now_s in range(from_s, until_s))
    return [(now_s, step) for now_s, step in told if step is not None]


def use(ladder: Ladder, from_s: int, until_s: int) -> list[int]:
    """When it is over, told every second that usable sound comes."""
    return [now_s for now_s in range(from_s, until_s) if ladder.note_usable(now_s)]


def test_the_steps_follow_one_another_and_begin_anew_after_a_pause() -> None:
    assert steps_while_unusable(Ladder(), 100, 700) == [
        (105, REOPEN),
        (115, REOPEN_DUPLEX),
        (125, USB_RESET),
        (135, ALARM),
        (435, REOPEN),
        (445, REOPEN_DUPLEX),
        (455, ALARM),  # the last reset was 330 s ago
    ]


def test_the_pause_doubles_up_to_an_hour() -> None:
    alarms_s = [now_s for now_s, step in steps_while_unusable(Ladder(), 0, 20_000, (ALARM,)) if step is ALARM]
    assert [later - earlier for earlier, later in pairwise(alarms_s)] == [300, 600, 1200, 2400, 3600, 3600, 3600, 3600]
    assert PAUSE_MIN_S == 300
    assert PAUSE_MAX_S == 3600


def test_a_usb_reset_is_taken_again_once_its_own_interval_is_over() -> None:
    resets_s = [now_s for now_s, step in steps_while_unusable(Ladder(), 0, 2000) if step is USB_RESET]
    assert resets_s == [25, 975]  # in the round that began at 335 it was too soon
    assert resets_s[1] - resets_s[0] >= USB_RESET_INTERVAL_S


def test_what_cannot_be_done_is_passed_over_without_a_wait() -> None:
    taken = steps_while_unusable(Ladder(), 0, 100, skipped=(USB_RESET,))
    assert taken == [(5, REOPEN), (15, REOPEN_DUPLEX), (25, ALARM)]


def test_a_ladder_without_steps_takes_none() -> None:
    assert steps_while_unusable(Ladder(), 0, 1000, ()) == []
    assert steps_while_unusable(Ladder(), 0, 1000, (USB_RESET,), (USB_RESET,)) == []


def test_a_round_is_over_when_what_is_left_of_it_cannot_be_done() -> None:
    steps = (REOPEN, USB_RESET)
    ladder = Ladder()
    assert steps_while_unusable(ladder, 0, 16, steps) == [(5, REOPEN), (15, USB_RESET)]
    assert steps_while_unusable(ladder, 16, 600, steps) == [(315, REOPEN)]
    assert steps_while_unusable(ladder, 600, 920, steps) == [(915, REOPEN)]


def test_one_that_is_unusable_for_a_moment_only_is_left_alone() -> None:
    ladder = Ladder()
    for second in range(0, 100, 10):
        assert steps_while_unusable(ladder, second, second + 4) == []
        assert use(ladder, second + 4, second + 10) == []
    assert ladder.taken is None


def test_sound_for_less_than_some_seconds_ends_no_trouble() -> None:
    ladder = Ladder()
    assert steps_while_unusable(ladder, 0, 6) == [(5, REOPEN)]
    assert use(ladder, 6, 10) == []
    assert ladder.taken is REOPEN
    assert steps_while_unusable(ladder, 10, 20) == [(15, REOPEN_DUPLEX)]


def test_it_is_over_once_usable_sound_has_flowed_for_some_seconds() -> None:
    ladder = Ladder()
    steps_while_unusable(ladder, 0, 6)
    assert use(ladder, 6, 60) == [6 + USABLE_AFTER_S]
    assert ladder.taken is None


def test_a_relapse_goes_on_where_the_last_ladder_stopped() -> None:
    ladder = Ladder()
    steps_while_unusable(ladder, 0, 6)
    use(ladder, 6, 50)
    assert steps_while_unusable(ladder, 50, 60) == [(55, REOPEN_DUPLEX)]


def test_one_that_did_well_for_long_enough_begins_at_the_first_step_without_a_pause() -> None:
    ladder = Ladder()
    steps_while_unusable(ladder, 0, 40)  # as far as the alarm
    use(ladder, 40, 41 + int(FORGOTTEN_AFTER_S))
    assert steps_while_unusable(ladder, 101, 110) == [(106, REOPEN)]


def test_one_that_is_not_there_is_given_its_chance_anew_when_it_is_back() -> None:
    ladder = Ladder()
    assert steps_while_unusable(ladder, 0, 1) == []
    ladder.note_absent()
    assert steps_while_unusable(ladder, 3600, 3601) == []
    assert steps_while_unusable(ladder, 3601, 3610) == [(3600 + UNUSABLE_AFTER_S, REOPEN)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["usable", "unusable", "absent"]), st.floats(0, 30), st.integers(1, 40)), max_size=30
    ),
    st.lists(st.sampled_from(ALL), max_size=5),
)
def test_however_it_does_no_two_steps_are_closer_than_the_limit(
    spells: list[tuple[str, float, int]], steps: list[RecoveryStep]
) -> None:
    """Spells of looks: how it does, how far the looks are apart, how many there are."""
    ladder, now_s, taken = Ladder(), 0.0, []
    for how, apart_s, looks in spells:
        for _ in range(looks):
            now_s += apart_s
            if how == "absent":
                ladder.note_absent()
            elif how == "usable":
                ladder.note_usable(now_s)
            elif step := ladder.note_unusable(now_s, steps):
                taken.append((now_s, step))
                assert ladder.taken is step
    times_s = [when_s for when_s, _ in taken]
    assert all(later - earlier >= STEP_INTERVAL_S - 1e-6 for earlier, later in pairwise(times_s))
    resets_s = [when_s for when_s, step in taken if step is USB_RESET]
    assert all(later - earlier >= USB_RESET_INTERVAL_S - 1e-6 for earlier, later in pairwise(resets_s))
    assert {step for _, step in taken} <= set(steps)
