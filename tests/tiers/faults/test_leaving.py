"""In the middle of a fault the gateway is asked to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiers.faults.leaving import LEAVING
from tests.tiers.faults.running import assert_left_in_time

if TYPE_CHECKING:
    from tests.tiers.faults.fault import Fault
    from tests.tiers.faults.running import Outcome, Report


@pytest.mark.parametrize("fault", LEAVING, ids=[fault.name for fault in LEAVING])
def test_leaves_in_time_and_leaves_nothing_behind(fault: Fault, outcome: Outcome, report: Report) -> None:
    assert outcome.crash == ""
    assert outcome.stage == "", f"never came to be {fault.leaves_in}; so far: {outcome.ends}"
    assert_left_in_time(outcome, report)
    assert outcome.sockets_left == 0
    assert outcome.holds, "said no goodbye"
