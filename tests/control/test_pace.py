from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.control.pace import Pace

steps = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60)


def test_so_many_at_once_and_the_rest_evenly() -> None:
    pace = Pace(per_s=4, burst=3)
    assert [pace.delay_s(10.0) for _ in range(6)] == [0.0, 0.0, 0.0, 0.25, 0.5, 0.75]


def test_a_pause_gives_the_burst_back() -> None:
    pace = Pace(per_s=4, burst=3)
    for _ in range(3):
        pace.delay_s(0.0)
    assert [pace.delay_s(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]


def test_what_is_not_allowed_does_not_count() -> None:
    pace = Pace(per_s=0.1, burst=2)
    assert [pace.allows(time_s) for time_s in (0, 0, 0, 5, 9.9, 10, 10, 20)] == [
        True,
        True,
        False,
        False,
        False,
        True,
        False,
        True,
    ]


@given(steps, st.integers(1, 5))
def test_no_stretch_of_time_sees_more_than_it_may(steps: list[float], burst: int) -> None:
    pace = Pace(per_s=2, burst=burst)
    now_s, passed_s = 0.0, []
    for step in steps:
        now_s += step
        now_s += pace.delay_s(now_s)
        passed_s.append(now_s)
    for first, began_s in enumerate(passed_s):
        for count, at_s in enumerate(passed_s[first:], 1):
            assert count <= burst + 2 * (at_s - began_s) + 1e-6
