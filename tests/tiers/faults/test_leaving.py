"""In the middle of a fault the gateway is asked to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiers.faults.fault import SHUT_DOWN_S, Fault
from tests.tiers.faults.leaving import LEAVING

if TYPE_CHECKING:
    from tests.tiers.faults.running import Outcome


@pytest.mark.parametrize("fault", LEAVING, ids=[fault.name for fault in LEAVING])
def test_leaves_in_time_and_leaves_nothing_behind(fault: Fault, outcome: Outcome) -> None:
    assert outcome.crash == ""
    assert outcome.stage == "", f"never came to be {fault.leaves_in}; so far: {outcome.ends}"
    assert outcome.shut_down_s is not None, f"was not gone {SHUT_DOWN_S} s after it was asked to leave"
    assert outcome.sockets_left == 0
    assert outcome.holds, "said no goodbye"
