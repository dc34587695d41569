from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewayd import __version__
from tests.container.debian import ROOT, Debian, debian, made_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def package() -> Path:
    if os.geteuid() != 0:
        pytest.fail("installing packages needs root")
    own = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    path = ROOT / "dist" / f"gatewayd_{__version__}_{own}.deb"
    assert path.is_file(), "make deb builds it"
    return path


@pytest.fixture(scope="session")
def clean(package: Path) -> Path:
    """A Debian with what the package depends on, not to be changed."""
    return made_for(package)


@pytest.fixture
def device(clean: Path, tmp_path: Path) -> Iterator[Debian]:
    """A device on which nothing is installed yet."""
    folder = tmp_path / "device"
    folder.mkdir()
    with debian(clean, folder) as system:
        yield system


@pytest.fixture
def newer(package: Path, tmp_path: Path) -> Path:
    """The same package as its next version, whose default configuration is another."""
    folder, path = tmp_path / "newer", tmp_path / "newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    control = folder / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"\nVersion: {__version__}\n", f"\nVersion: {__version__}+next\n"))
    shipped = folder / "etc/gatewayd/gatewayd.toml"
    shipped.write_text(f"# Of the next version.\n{shipped.read_text()}")
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", folder, path], check=True)
    return path
