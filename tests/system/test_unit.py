from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gatewayd.errors import ExitCode
from gatewayd.lives import DELAY_MAX_S
from gatewayd.resources import resource_dir
from gatewayd.station.reopening import OPENING_LIMIT_S, SOUND_LIMIT_S

UNIT = resource_dir("systemd") / "gatewayd.service"
ANALYZE = shutil.which("systemd-analyze")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "running.md"
EXPOSURE_MAX = 1.5

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/usr/bin/gatewayd run", "/bin/true"))
    verified = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in verified.stderr.splitlines() if str(installed) in line or UNIT.name in line]
    assert complaints == []
    assert verified.returncode == 0


@needs_systemd
def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    broken = tmp_path / UNIT.name
    broken.write_text(UNIT.read_text().replace("Type=notify", "Type=notified"))
    verified = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False
    )
    assert "notified" in verified.stderr


def exposure(unit: Path) -> tuple[float, set[str]]:
    """The score, and the settings that systemd-analyze holds against the unit."""
    said = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", "--json=short", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(said.stdout)
    open_settings = {row["json_field"] for row in rows if row["exposure"] is not None and not row["set"]}
    overall = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    (score,) = re.findall(r"Overall exposure level for .*: ([0-9.]+)", overall.stdout)
    return float(score), open_settings


@needs_systemd
def test_what_an_intruder_could_reach_stays_small() -> None:
    score, _ = exposure(UNIT)
    assert score <= EXPOSURE_MAX


@needs_systemd
def test_whatever_is_left_open_has_its_reason_on_the_page() -> None:
    _, left_open = exposure(UNIT)
    reasons = set(
        re.findall(r"^\| `(\w+)", PAGE.read_text().partition("## What the unit leaves open")[2], re.MULTILINE)
    )
    assert {name.split("_")[0] for name in left_open} == reasons


@needs_systemd
def test_a_setting_that_was_lost_would_be_seen(tmp_path: Path) -> None:
    weaker = tmp_path / UNIT.name
    weaker.write_text(UNIT.read_text().replace("PrivateMounts=yes\n", ""))
    assert exposure(weaker)[0] > EXPOSURE_MAX


def test_it_restarts_whatever_happens_except_for_a_wrong_configuration() -> None:
    unit = read_unit()
    assert unit["Service"]["Restart"] == "always"
    assert unit["Service"]["RestartPreventExitStatus"] == str(int(ExitCode.CONFIGURATION))
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_whatever_hangs_is_killed_in_time() -> None:
    """From the last sign of life until the watchdog strikes; by its own limits a part may take the first summand."""
    limit_s = int(read_unit()["Service"]["WatchdogSec"])
    assert max(OPENING_LIMIT_S, SOUND_LIMIT_S) + limit_s <= 45


def test_starting_may_take_as_long_as_a_daemon_that_keeps_dying_waits() -> None:
    assert int(read_unit()["Service"]["TimeoutStartSec"]) >= DELAY_MAX_S + 20
    assert read_unit()["Service"]["FileDescriptorStoreMax"] == "1"


def test_it_does_not_wait_for_a_network() -> None:
    assert read_unit()["Unit"]["After"] == "network.target sound.target"
    assert not {"Wants", "Requires", "BindsTo"} & set(read_unit()["Unit"])


def read_unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    return unit
