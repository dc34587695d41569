"""The package for arm64, cross-built here, as far as another processor can be emulated: it starts and loads."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewayd import __version__
from tests.container.debian import ROOT, SUITE, depends

if TYPE_CHECKING:
    from pathlib import Path

EMULATOR = "/usr/bin/qemu-aarch64-static"


def emulated(device: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["chroot", device, EMULATOR, *command], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An arm64 Debian with the package and what it depends on, unpacked only: nothing of it can be configured here."""
    if os.geteuid() != 0:
        pytest.fail("changing the root directory needs root")
    package = ROOT / "dist" / f"gatewayd_{__version__}_arm64.deb"
    path = tmp_path_factory.mktemp("arm64") / "root"
    included = ",".join(name for name in depends(package) if name != "systemd")
    making = ["mmdebstrap", "--mode=root", "--variant=extract", "--architectures=arm64", f"--include={included}"]
    subprocess.run([*making, SUITE, path], check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "--extract", package, path], check=True)
    shutil.copy(EMULATOR, path / EMULATOR.lstrip("/"))
    return path


def test_it_starts(device: Path) -> None:
    assert emulated(device, "/usr/bin/python3", "-IS", "/usr/bin/gatewayd", "--version").stdout == (
        f"gatewayd {__version__}\n"
    )
    checked = emulated(device, "/usr/bin/python3", "-IS", "/usr/bin/gatewayd", "check")
    assert checked.returncode == 78
    assert "agent.url: is missing" in checked.stderr


def test_what_is_compiled_loads_and_counts(device: Path) -> None:
    asked = (
        "import sys; sys.path.insert(0, '/usr/lib/gatewayd/lib'); import numpy, alsaaudio, systemd.daemon, platform;"
        "print(platform.machine(), numpy.full((2, 2), 3.0).dot(numpy.full((2, 2), 2.0))[0, 0], alsaaudio.pcms())"
    )
    # qemu raises floating-point flags that no processor raises there, and numpy warns of them.
    ran = emulated(device, "/usr/bin/python3", "-ISc", f"import warnings; warnings.simplefilter('ignore'); {asked}")
    assert ran.stdout.startswith("aarch64 12.0 ["), ran.stderr
