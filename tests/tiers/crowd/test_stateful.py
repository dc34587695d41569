"""Many random walks of the session machine, until they have told it everything that can be told in every phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from gatewayd.session.transitions import TABLE
from tests.session.walk import SessionWalk

if TYPE_CHECKING:
    from collections.abc import Callable

WALKS = 400
LEAST_BATCHES = 2
MOST_BATCHES = 10
STEPS = 50
WALK_ON = settings(
    max_examples=WALKS,
    stateful_step_count=STEPS,
    # With CI set, hypothesis would walk the same ways in every batch, and rows that 400 walks miss would stay missed.
    derandomize=False,
    database=None,
)


def test_wherever_many_walks_lead_the_session_holds_its_promises(show: Callable[[str], None]) -> None:
    SessionWalk.visited.clear()
    batches = 0
    while batches < LEAST_BATCHES or (SessionWalk.visited < TABLE.keys() and batches < MOST_BATCHES):
        run_state_machine_as_test(SessionWalk, settings=WALK_ON)
        batches += 1
    show(
        f"machine: {batches * WALKS} random walks of up to {STEPS} steps told it {len(SessionWalk.visited)} of the "
        f"{len(TABLE)} pairs of phase and event that the table knows"
    )
    assert SessionWalk.visited == TABLE.keys(), "no row of the table is out of reach"
