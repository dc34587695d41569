"""Reads expected.toml: what must be found in each root."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.hardware.inventory import Inventory
    from gatewayd.hardware.profile import Profile

ROOTS = Path(__file__).parent


@dataclass(frozen=True)
class Expected:
    """What a station gets: by `profile` and `card`, or the `error` with the `words` that it must hold."""

    root: str
    profile: str = ""
    card: str = ""
    capture: str = ""
    """The parameters that the microphone is opened with; empty: only the live device tells."""
    playback: str = ""
    """The same for the loudspeaker; `nothing`: the board has none."""
    error: str = ""
    words: tuple[str, ...] = ()
    port: str | None = None
    """What the station's configuration says."""
    station_profile: str = "auto"
    problems: tuple[str, ...] = ()
    """Parts of lines that reading must tell of, in order; nothing else may be told."""
    why: str = ""
    """Where the expectation is not plain from the root's name."""

    def __str__(self) -> str:
        said = "" if self.station_profile == "auto" else f" with {self.station_profile}"
        return f"{self.root}{said}{f' at {self.port}' if self.port else ''}"


@cache
def shipped_profiles() -> Mapping[str, Profile]:
    """The profiles that come with the program, and nobody's own."""
    return load_profiles([resource_dir("hw-profiles")])


@cache
def inventory_of(root: str) -> Inventory:
    """What is found in a root."""
    return read_inventory(ROOTS / root)


def expectations() -> list[Expected]:
    """Every expectation of the file, in its order."""
    tables = tomllib.loads((ROOTS / "expected.toml").read_text())
    return [
        expected
        for root, table in tables.items()
        for expected in (_expected(root, table), *(_expected(root, each) for each in table.get("stations", [])))
    ]


def recorded() -> list[str]:
    """The names of all folders with a root in it."""
    return sorted(entry.name for entry in ROOTS.iterdir() if entry.is_dir() and entry.name != "__pycache__")


def _expected(root: str, table: dict[str, Any]) -> Expected:
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    given.pop("stations", None)
    return Expected(root, **given)
