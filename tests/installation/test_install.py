from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatewayd import __version__
from gatewayd.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD_FILES = sorted(path.name for path in (ROOT / "systemd").iterdir())


def run(destination: Path, what: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DESTDIR": str(destination),
        "PREFIX": "/opt/local",
        "VENV": str(Path(sys.prefix)),
    }
    ran = subprocess.run(
        [ROOT / "installation/install", what], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def files(destination: Path) -> set[str]:
    return {str(path.relative_to(destination)) for path in destination.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("destination")
    mine = destination / "etc/gatewayd/gatewayd.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text("# mine\n")
    run(destination, "files")
    return destination


def test_everything_lies_where_systems_look_for_it(installed: Path) -> None:
    found = files(installed)
    pages = {"gatewayd", *(f"gatewayd-{command.name}" for command in COMMANDS)}
    assert {f"opt/local/share/man/man1/{page}.1" for page in pages} <= found
    assert {
        "opt/local/lib/systemd/system/gatewayd.service",
        "opt/local/share/bash-completion/completions/gatewayd",
        "opt/local/share/zsh/site-functions/_gatewayd",
        "opt/local/share/doc/gatewayd/examples/70-gatewayd-usb-reset.rules",
    } <= found
    assert (installed / "etc/gatewayd/conf.d").is_dir()
    assert (installed / "etc/gatewayd/hw-profiles").is_dir()


def test_each_of_systemds_files_went_somewhere(installed: Path) -> None:
    stems = {Path(name).stem for name in SYSTEMD_FILES}
    assert stems <= {
        Path(path).stem
        for path in files(installed)
        if "systemd" in path or "sysusers" in path or "tmpfiles" in path or "examples" in path
    }


def test_units_start_what_was_installed(installed: Path) -> None:
    for unit in (installed / "opt/local/lib/systemd/system").glob("*.service"):
        commands = re.findall(r"^Exec\w+=(\S*gatewayd\S*)", unit.read_text(), re.MULTILINE)
        assert commands
        assert set(commands) == {"/opt/local/bin/gatewayd"}


def test_a_configuration_that_is_there_stays(installed: Path) -> None:
    assert (installed / "etc/gatewayd/gatewayd.toml").read_text() == "# mine\n"


def test_nothing_names_the_place_it_was_put_together_in(installed: Path) -> None:
    for path in files(installed):
        text = (installed / path).read_bytes()
        assert str(installed).encode() not in text, path
        assert str(ROOT).encode() not in text, path


def test_removal_takes_everything_but_the_configuration(installed: Path) -> None:
    run(installed, "remove")
    assert files(installed) == {"etc/gatewayd/gatewayd.toml"}


def test_the_packages_version_is_the_programs() -> None:
    changelog = (ROOT / "installation/debian/changelog").read_text()
    assert changelog.startswith(f"gatewayd ({__version__}) ")
