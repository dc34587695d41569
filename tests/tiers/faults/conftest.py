"""One run of all faults, side by side, for all tests that were selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiers.faults.leaving import LEAVING
from tests.tiers.faults.matrix import FAULTS
from tests.tiers.faults.running import Outcome, Report, run_faults

if TYPE_CHECKING:
    from tests.tiers.faults.fault import Fault


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    selected = {item.name.partition("[")[2].removesuffix("]") for item in request.session.items} - {""}
    faults = [fault for fault in (*FAULTS, *LEAVING) if not selected or fault.name in selected]
    return run_faults(faults, tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def outcome(report: Report, fault: Fault) -> Outcome:
    return report.outcomes[fault.name]
