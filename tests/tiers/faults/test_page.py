from __future__ import annotations

from tests.tiers.faults.leaving import LEAVING
from tests.tiers.faults.matrix import FAULTS
from tests.tiers.faults.page import PAGE, draw


def test_the_page_shows_these_faults() -> None:
    assert PAGE.read_text(encoding="utf-8") == draw(), "run python -m tests.tiers.faults.page"


def test_no_two_faults_share_a_name() -> None:
    names = [fault.name for fault in (*FAULTS, *LEAVING)]
    assert len(set(names)) == len(names)
