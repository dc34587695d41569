from __future__ import annotations

import configparser
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewayd.errors import ExitCode
from gatewayd.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

UNIT = resource_dir("systemd") / "gatewayd.service"
ANALYZE = shutil.which("systemd-analyze")
NEWER_THAN_DEBIAN_12 = ("RestartSteps", "RestartMaxDelaySec")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/usr/bin/gatewayd run", "/bin/true"))
    verified = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in verified.stderr.splitlines() if str(installed) in line or UNIT.name in line]
    assert [line for line in complaints if not any(name in line for name in NEWER_THAN_DEBIAN_12)] == []


@needs_systemd
def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    broken = tmp_path / UNIT.name
    broken.write_text(UNIT.read_text().replace("Type=notify", "Type=notified"))
    verified = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False
    )
    assert "notified" in verified.stderr


@needs_systemd
def test_what_an_intruder_could_reach_stays_small() -> None:
    subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--threshold=18", "--no-pager", str(UNIT)],
        capture_output=True,
        check=True,
    )


def test_it_restarts_whatever_happens_except_for_a_wrong_configuration() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    assert unit["Service"]["Restart"] == "always"
    assert unit["Service"]["RestartPreventExitStatus"] == str(int(ExitCode.CONFIGURATION))
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
