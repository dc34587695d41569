from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.errors import Unavailable
from gatewayd.resources import resource_dir

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["config", "hw-profiles", "systemd"])
def test_in_a_source_tree_they_are_at_its_top(name: str) -> None:
    assert resource_dir(name) == ROOT / name
    assert any((ROOT / name).iterdir())


def test_installed_they_are_inside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "gatewayd"
    (package / "data" / "config").mkdir(parents=True)
    assert resource_dir("config", package=package) == package / "data" / "config"


def test_another_packages_directory_is_not_taken_for_them(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "gatewayd"
    package.mkdir(parents=True)
    (tmp_path / "site-packages" / "config").mkdir()
    with pytest.raises(Unavailable, match=r"gatewayd/data/config is missing; install gatewayd anew"):
        resource_dir("config", package=package)
