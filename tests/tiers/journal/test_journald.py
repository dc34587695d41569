from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatewayd.message_ids import MessageId
from tests.tiers.journal.inside import JOURNALD, RECORDS_WHILE_STOPPED, SECRET

PROJECT = Path(__file__).parents[3]
FRAME_DELAY_LIMIT_S = 0.04

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace of its own needs root"),
    pytest.mark.skipif(not Path(JOURNALD).exists(), reason="systemd-journald is not installed"),
]


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the process inside saw of its own journald."""
    command = ["unshare", "--mount", sys.executable, "-m", "tests.tiers.journal.inside"]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def test_every_field_is_read_back(seen: dict[str, Any]) -> None:
    (entry,) = seen["first"]
    assert entry["MESSAGE"] == "lobby: told Grüße:\\n[redacted] [dns_failed]"
    assert {name: value for name, value in entry.items() if name.startswith("GATEWAYD")} == {
        "GATEWAYD_STATION": "lobby",
        "GATEWAYD_CAUSE": "dns_failed",
        "GATEWAYD_HTTP_STATUS": "503",
    }
    assert entry["MESSAGE_ID"] == MessageId.SESSION_ENDED.value
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["_TRANSPORT"]) == ("4", "gatewayd", "journal")
    assert (entry["CODE_FUNC"], Path(entry["CODE_FILE"]).name) == ("main", "inside.py")
    assert SECRET not in json.dumps(seen)


def test_a_stopped_journald_is_not_waited_for(seen: dict[str, Any]) -> None:
    stopped = seen["stopped"]
    assert stopped["lost"] > 1000, "its queue never filled"
    assert stopped["waits"] < RECORDS_WHILE_STOPPED / 100, "each one that waits would have"
    assert stopped["busy_s"] / RECORDS_WHILE_STOPPED < FRAME_DELAY_LIMIT_S / 10


def test_the_loss_is_told_once_it_goes_on(seen: dict[str, Any]) -> None:
    (notice,) = seen["told"]
    assert notice["GATEWAYD_LOST"] == str(seen["stopped"]["lost"])
    assert notice["MESSAGE_ID"] == MessageId.LOG_RECORDS_LOST.value


def test_a_restarted_journald_is_found_again(seen: dict[str, Any]) -> None:
    lost, after = seen["restarted"]
    assert (lost.get("GATEWAYD_LOST"), after["MESSAGE"]) == ("1", "after the restart")
