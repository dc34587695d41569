from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from gatewayd.cli.main import main
from gatewayd.metrics.catalogue import FAMILIES
from tests.cli.test_status import daemon
from tests.configuration.texts import MINIMAL
from tests.metrics.answers import CANARY, answered
from tests.metrics.test_exposition import parse_openmetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 20.0
HERE = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.7:9464"
"""An address of this test process's own, where no port is taken."""


def test_it_prints_what_the_daemon_measures(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with daemon(socket_path, answered()):
        assert main(["metrics", "--socket", str(socket_path)]) == 0
    printed = capsys.readouterr().out
    assert {metric.name for metric in parse_openmetrics(printed)} == {family.name for family in FAMILIES}
    assert printed.endswith("# EOF\n")
    assert CANARY not in printed


def test_without_a_daemon_it_says_so(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--socket", str(socket_path)]) == 69
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"gatewayd: no gatewayd answers on {socket_path}: is it running?")


def test_with_nothing_to_serve_the_configuration_is_to_blame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gatewayd.toml"
    file.write_text(MINIMAL + "[metrics]\ninterval_s = 30\n")
    assert main(["metrics", "--serve", "--config", str(file)]) == 78
    assert capsys.readouterr().err == (
        f"{file}: metrics.listen: is empty, and so is metrics.textfile: there is nothing to serve\n"
    )


@contextmanager
def serving(folder: Path, socket_path: Path) -> Iterator[subprocess.Popen[str]]:
    file = folder / "gatewayd.toml"
    file.write_text(
        f'{MINIMAL}[control]\nsocket = "{socket_path}"\n'
        f'[metrics]\nlisten = "{HERE}"\ntextfile = "{folder}/gatewayd.prom"\ninterval_s = 1\n'
    )
    command = [sys.executable, "-m", "gatewayd", "metrics", "--serve", "--config", str(file)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def up() -> str | None:
    try:
        with urllib.request.urlopen(f"http://{HERE}/metrics", timeout=PATIENCE_S) as answer:
            text: str = answer.read().decode()
    except urllib.error.URLError:
        return None
    return next(line for line in text.splitlines() if line.startswith("gatewayd_up "))


def wait(condition: Callable[[], bool]) -> None:
    end_s = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < end_s, "never came to pass"
        sleep(0.02)


@pytest.mark.slow
def test_it_serves_over_http_and_by_file_whether_the_daemon_runs_or_not(tmp_path: Path, socket_path: Path) -> None:
    file = tmp_path / "gatewayd.prom"
    with serving(tmp_path, socket_path) as process:
        wait(lambda: up() == "gatewayd_up 0.0")
        wait(file.exists)
        assert [metric.name for metric in parse_classic(file.read_text())] == ["gatewayd_up"]
        with daemon(socket_path, answered()):
            wait(lambda: up() == "gatewayd_up 1.0")
            wait(lambda: "gatewayd_up 1.0" in file.read_text())
            assert len(list(parse_classic(file.read_text()))) > 40
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert not file.exists()
    said = [line.partition(" - ")[2] for line in told.splitlines()]
    assert said == [
        f"metrics are at http://{HERE}/metrics",
        f"metrics are in {file}, every 1 s",
        "SIGTERM: stopping",
    ]
