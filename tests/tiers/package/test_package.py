from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewayd import __version__
from tests.container.debian import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.debian import Debian, Finished

CONFIGURATION = "/etc/gatewayd/gatewayd.toml"
SITE = """
[agent]
url = "wss://voice.example.com/ws"
[agent.token]
url = "https://api.example.com/v1/session"
[stations.main]
"""
ENABLED = "/etc/systemd/system/multi-user.target.wants/gatewayd.service"


def install(device: Debian, package: Path, *options: str) -> Finished:
    device.copy_in(package, "/root/gatewayd.deb")
    finished = device.run("dpkg", *options, "--install", "/root/gatewayd.deb")
    assert finished.exit_code == 0, finished.stderr
    return finished


def configure(device: Debian) -> None:
    drop_in = device.inside("/etc/gatewayd/conf.d/site.toml")
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(SITE)


def test_it_runs_where_nothing_else_is(device: Debian, package: Path) -> None:
    assert device.run("sh", "-c", "command -v gcc cc make pip").stdout == ""
    install(device, package)
    assert device.run("gatewayd", "--version").stdout == f"gatewayd {__version__}\n"
    assert device.run("gatewayd", "profiles").stdout.count("\n") > len(list((ROOT / "hw-profiles").iterdir()))
    # Every library that is compiled or loaded: numpy, libasound, libsystemd, libudev.
    every = "import sys; sys.path.insert(0, '/usr/lib/gatewayd/lib'); import numpy, alsaaudio, systemd.daemon, pyudev"
    assert device.run("python3", "-ISc", f"{every}; pyudev.Context()").stderr == ""


def test_it_is_enabled_and_waits_for_a_configuration(device: Debian, package: Path) -> None:
    said = install(device, package).stderr
    assert "gatewayd is enabled, and not started yet" in said
    assert "gatewayd check && systemctl restart gatewayd" in said
    assert device.inside(ENABLED).is_symlink()
    checked = device.run("gatewayd", "check")
    assert checked.exit_code == 78
    assert re.findall(r"^(\S+): (\S+): is missing", checked.stderr, re.MULTILINE) == [
        (f"{CONFIGURATION}", "agent.token.url"),
        (f"{CONFIGURATION}", "agent.url"),
    ]


def test_with_a_configuration_laid_down_before_it_has_nothing_to_say(device: Debian, package: Path) -> None:
    configure(device)
    assert "not started" not in install(device, package).stderr
    assert device.run("gatewayd", "check").exit_code == 0


def test_an_upgrade_keeps_what_a_person_wrote(device: Debian, package: Path, newer: Path) -> None:
    install(device, package)
    configure(device)
    written = device.inside(CONFIGURATION)
    written.write_text(f"{written.read_text()}\n# mine\n")
    mine = written.read_text()
    # As unattended-upgrades answers dpkg's question.
    install(device, newer, "--force-confdef", "--force-confold")
    assert written.read_text() == mine
    assert device.inside(f"{CONFIGURATION}.dpkg-dist").read_text().startswith("# Of the next version.")
    assert device.inside("/etc/gatewayd/conf.d/site.toml").read_text() == SITE


def test_an_upgrade_renews_a_configuration_that_nobody_touched(device: Debian, package: Path, newer: Path) -> None:
    install(device, package)
    install(device, newer)
    assert device.inside(CONFIGURATION).read_text().startswith("# Of the next version.")


def test_an_upgrade_leaves_a_disabled_unit_disabled(device: Debian, package: Path, newer: Path) -> None:
    install(device, package)
    assert device.run("systemctl", "disable", "gatewayd.service").exit_code == 0
    install(device, newer)
    assert not device.inside(ENABLED).is_symlink()


def test_removal_keeps_the_configuration_and_purge_leaves_nothing(device: Debian, package: Path) -> None:
    before = device.files()
    install(device, package)
    configure(device)
    for state in ("/var/lib/private/gatewayd/mute", "/run/gatewayd/control.sock"):
        device.inside(state).parent.mkdir(parents=True)
        device.inside(state).touch()

    assert device.run("dpkg", "--remove", "gatewayd").exit_code == 0
    assert device.inside(CONFIGURATION).is_file()
    assert device.inside("/etc/gatewayd/conf.d/site.toml").is_file()
    assert not device.inside("/usr/lib/gatewayd").exists()

    purged = device.run("dpkg", "--purge", "gatewayd")
    assert (purged.exit_code, purged.stderr) == (0, "")
    left = {path for path in device.files() if path not in before}
    # dpkg's own notes, and the user: its number must never become another's, who would own what it left in backups.
    expected = r"var/lib/(dpkg|systemd/(deb-systemd-helper.*|catalog.*))|etc/(passwd|group|g?shadow)-?|etc/\.pwd\.lock"
    assert not {path for path in left if not re.match(expected, path)}


def test_a_purge_leaves_and_names_what_a_person_put_there(device: Debian, package: Path) -> None:
    install(device, package)
    own = ("/etc/gatewayd/hw-profiles/my-board.toml", "/etc/gatewayd/device-key")
    for path in own:
        device.inside(path).write_text("mine")
    purged = device.run("dpkg", "--purge", "gatewayd")
    assert purged.exit_code == 0
    for path in own:
        assert device.inside(path).read_text() == "mine"
        assert path in purged.stderr


def test_everything_is_there_with_its_page_and_its_completion(device: Debian, package: Path) -> None:
    install(device, package)
    installed = device.run("dpkg", "--listfiles", "gatewayd").stdout.split()
    for expected in (
        "/usr/bin/gatewayd",
        "/lib/systemd/system/gatewayd.service",
        "/lib/systemd/system/gatewayd-metrics.service",
        "/usr/lib/systemd/catalog/gatewayd.catalog",
        "/usr/lib/sysusers.d/gatewayd.conf",
        "/usr/share/man/man1/gatewayd.1.gz",
        "/usr/share/man/man1/gatewayd-status.1.gz",
        "/usr/share/bash-completion/completions/gatewayd",
        "/usr/share/zsh/vendor-completions/_gatewayd",
        "/etc/gatewayd/conf.d",
        "/etc/gatewayd/hw-profiles",
    ):
        assert expected in installed
    assert device.run("id", "--user", "--name", "gatewayd").stdout == "gatewayd\n"
    assert device.run("systemctl", "is-enabled", "gatewayd-metrics.service").stdout == "disabled\n"
    assert device.run("systemd-analyze", "verify", "--man=no", "gatewayd.service").stderr == ""


def test_bytecode_is_complete_and_belongs_to_its_python(device: Debian, package: Path) -> None:
    install(device, package)
    compiled = device.run("find", "/usr/lib/gatewayd/lib", "-name", "*.pyc").stdout.split()
    sources = device.run("find", "/usr/lib/gatewayd/lib", "-name", "*.py").stdout.split()
    assert len(compiled) == len(sources)
    # Importing everything the daemon imports writes nothing, and takes what is there.
    verbose = device.run("python3", "-vIS", "/usr/bin/gatewayd", "run", "--config", "/nonexistent").stderr
    taken = re.findall(r"matches (/usr/lib/gatewayd/lib/\S+)", verbose)
    assert len(taken) > 50
    assert not re.findall(r"# (?:wrote|could not create) \S*gatewayd\S*", verbose)
