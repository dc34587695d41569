from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> dict[tuple[str, str], set[str]]:
    """The hashes of each pinned version."""
    found: dict[tuple[str, str], set[str]] = {}
    pinned: set[str] = set()
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        if head := re.match(r"([a-z0-9-]+)==(\S+)", line):
            pinned = found.setdefault((head[1], head[2]), set())
        elif digest := re.search(r"--hash=(\S+)", line):
            pinned.add(digest[1])
    return found


def test_a_device_gets_what_was_tested() -> None:
    runtime, development = pins("runtime.txt"), pins("dev.txt")
    assert runtime
    assert {pin: development.get(pin) for pin in runtime} == runtime, "make lock"


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.match(r"[a-z0-9-]+", text, re.IGNORECASE)[0] for text in project["dependencies"]}  # type: ignore[index] # each has a name
    assert wanted <= {name for name, _ in pins("runtime.txt")}, "make lock"
