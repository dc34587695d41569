from __future__ import annotations

from gatewayd.progress import Progress


def test_nothing_is_due_of_a_part_that_has_not_begun() -> None:
    assert not Progress("capture").overdue(1e9)


def test_a_part_is_overdue_once_its_time_has_passed() -> None:
    part = Progress("capture")
    part.note(100.0, 10.0)
    assert (part.seen_s, part.due_s) == (100.0, 110.0)
    assert not part.overdue(110.0)
    assert part.overdue(110.1)


def test_a_part_that_rests_owes_nothing() -> None:
    part = Progress("playback")
    part.note(100.0, 10.0)
    part.rest(105.0)
    assert part.seen_s == 105.0
    assert not part.overdue(1e9)
