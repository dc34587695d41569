"""Collects all that is wrong in files that people wrote, as lines fit for a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewayd.errors import ConfigurationInvalid, Problem
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str, ...]
"""Where a key stands: the names of its tables, then its own."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_LONGEST_NAME = 60
"""Longest name that is shown whole: room for any real key, while a message stays one readable line."""


def name_of(key: str) -> str:
    """One key as TOML would write it, in one line; a very long one is cut."""
    if _BARE_KEY.match(key) is None:
        key = '"' + one_line(key.replace("\\", "\\\\").replace('"', '\\"')) + '"'
    return key if len(key) <= _LONGEST_NAME else key[:_LONGEST_NAME] + "…"


def place_of(path: Path) -> str:
    """A dotted path as TOML would write it, in one line."""
    return ".".join(name_of(key) for key in path)


def listed(names: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


class Report:
    """What is wrong so far; `raise_if_any` ends the collecting."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._paths: list[Path] = []
        self.incomplete = False
        """A file could not be read or parsed: what is missing elsewhere may stand in it, so absence is no problem."""

    def add(self, source: str, path: Path, what: str, *, spoils: bool = True) -> None:
        """Note that `what` is wrong at `path`, which stands in the file `source`.

        `spoils` says that nothing more can be judged from what stands there.
        """
        self._problems.append(Problem(one_line(source), place_of(path), one_line(what)))
        if spoils:
            self._paths.append(path)

    def add_file(self, source: str, what: str) -> None:
        """Note that the file `source` as a whole is unusable."""
        self.incomplete = True
        self._problems.append(Problem(one_line(source), "", one_line(what)))

    def take(self, other: Report) -> None:
        """Take over the problems of a report on other files, whose paths are no concern of this one."""
        self._problems += other._problems

    def spoiled(self, path: Path) -> bool:
        """Whether something at `path`, in it or around it is already known to be wrong."""
        return any(path[: len(known)] == known or known[: len(path)] == path for known in self._paths)

    def raise_if_any(self) -> None:
        """Raise `ConfigurationInvalid` with every problem, in the order they were found."""
        if self._problems:
            raise ConfigurationInvalid(self._problems)
