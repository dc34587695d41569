"""`python -m tests.container`: the installed package and its unit, under a real systemd, against the voice service.

A clean Debian 12 is booted in a container (machine.py), with a wire (network.py) to a namespace in which `gatewayd sim`
runs (voice.py). The package is what `make deb` built before. What is done and seen is printed; the exit code is 0 only
if every check holds. Needs root, Debian, and the packages mmdebstrap, systemd-container and iproute2.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd import __version__
from gatewayd.errors import GatewayError
from tests.container import installed, kept_secret, logged, measured, reloaded, restarted, talking
from tests.container.debian import ROOT, debian, made_for
from tests.container.device import SOUND, Device, make_rack
from tests.container.machine import machine
from tests.container.network import private_network
from tests.container.voice import voice_service
from tests.vm.guest.transcript import Transcript, say

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = ROOT / "build" / "container"
"""Where the console and the journal of the last run are left."""
UNUSABLE_EXIT = 69


def main() -> int:
    """Build what is missing, tell the story, and return the exit code."""
    if os.geteuid() != 0:
        sys.stderr.write("booting a container needs root\n")
        return UNUSABLE_EXIT
    package = _package()
    if not package.is_file():
        sys.stderr.write(f"{package.relative_to(ROOT)} is not there: `make deb` builds it\n")
        return UNUSABLE_EXIT
    # Whoever ends us has the machine, its mounts and its network taken away as after any other end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began_s = time.monotonic()
    made = made_for(package)
    say(f"Debian made in {time.monotonic() - began_s:.0f} s")
    transcript = Transcript()
    began_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="gatewayd-container-") as folder:
            _story(transcript, package, made, Path(folder))
    except KeyboardInterrupt:
        transcript.check("the story goes on", False, "interrupted")
    except (GatewayError, OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
        transcript.check("the story goes on", False, f"{type(error).__name__}: {error}")
    say(f"ran for {time.monotonic() - began_s:.0f} s; the last console and journal are in {KEPT.relative_to(ROOT)}")
    say(f"{transcript.checks} checks, {len(transcript.failures)} failed{''.join(map(_line, transcript.failures))}")
    return 1 if transcript.failures else 0


def _line(failure: str) -> str:
    return f"\n  {failure}"


def _package() -> Path:
    own = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    return ROOT / "dist" / f"gatewayd_{__version__}_{own}.deb"


def _story(transcript: Transcript, package: Path, made: Path, folder: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    credential = f"canary-{secrets.token_hex(20)}"
    changes, recorded = folder / "device", folder / "service"
    changes.mkdir()
    recorded.mkdir()
    rack = make_rack(folder / "sound")
    with (
        private_network() as network,
        voice_service(network, recorded, credential) as voice,
        debian(made, changes) as system,
        machine(system, network, KEPT / "console.log", bound={rack.root: SOUND}) as booted,
    ):
        system.copy_in(package, installed.PACKAGE)
        device = Device(booted, rack)
        with _journal_kept(device):
            transcript.note(booted.run("systemctl", "--version").stdout.splitlines()[0])
            installed.install(transcript, device)
            installed.unconfigured(transcript, device)
            talking.started_offline(transcript, device, voice, credential)
            talking.calm_offline(transcript, device)
            talking.online(transcript, device, voice, network)
            talking.operated(transcript, device, voice)
            talking.wrote_nothing(transcript, device)
            measured.served(transcript, device)
            logged.fields(transcript, device)
            logged.journald_stopped(transcript, device, voice)
            reloaded.reloads(transcript, device, voice)
            kept_secret.encrypted(transcript, device, voice, credential)
            restarted.stopped(transcript, device)
            restarted.killed(transcript, device)
            restarted.frozen(transcript, device)
            installed.upgraded(transcript, device)
            kept_secret.nowhere(transcript, device, credential)
            installed.purged(transcript, device)


@contextmanager
def _journal_kept(device: Device) -> Iterator[None]:
    """Whatever comes, leave the machine's journal where a person can read it."""
    try:
        yield
    finally:
        told = device.run("journalctl", "--output=short-monotonic", "--catalog", "--no-pager")
        (KEPT / "journal.txt").write_text(told.stdout)


if __name__ == "__main__":
    sys.exit(main())
