from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.session.walk import SessionWalk


def test_wherever_a_walk_leads_the_session_holds_its_promises() -> None:
    """A few walks; `tests/tiers/crowd` goes many more, and proves that they lead everywhere."""
    run_state_machine_as_test(SessionWalk, settings=settings(max_examples=50, stateful_step_count=40))
