"""Tables of settings: which keys they have, what each may be, and what a whole table becomes.

A table is declared once, as a `Table`; loading validates by it, and the reference for people is made from it.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Generic, TypeVar

from gatewayd.configuration.entries import Branch, Entry, entries, plain
from gatewayd.configuration.kinds import INVALID, Invalid, Kind, type_name
from gatewayd.configuration.report import Path, Report, listed, name_of, place_of
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """One key of a table."""

    kind: Kind
    text: str = ""
    """What it is for, in one sentence for the reference."""
    required: bool = False
    left_out: str = ""
    """What holds when it is left out, in words, where the model's default does not say it."""


@dataclass(frozen=True)
class Table(Generic[T]):
    """A table with a fixed set of keys; the others are errors."""

    model: Callable[..., T]
    """Called with the values of the keys that are there; has the defaults of the others."""
    keys: Mapping[str, Key]

    def describe(self) -> str:
        """See `Kind`."""
        return "a table"

    def read(self, entry: Entry, path: Path, report: Report, **given: object) -> T | Invalid:
        """See `Kind`; a wrong value leaves its default in place, a missing required one makes the table `INVALID`.

        `given` goes to the model as it is.
        """
        if not isinstance(entry, Branch):
            report.add(entry.source, path, f"must be a table, [{place_of(path)}], not {type_name(entry.value)}")
            return INVALID
        values = {}
        for name, inner in entry.children.items():
            key = self.keys.get(name)
            if key is None:
                report.add(inner.source, (*path, name), self._unknown(name, path))
                continue
            value = key.kind.read(inner, (*path, name), report)
            if value is not INVALID:
                values[name] = value
        usable = True
        for name, key in self.keys.items():
            usable = usable and not (key.required and name not in values)
            if key.required and name not in entry.children and not report.incomplete:
                report.add(entry.source, (*path, name), f"is missing; it must be {key.kind.describe()}")
        return self.model(**given, **values) if usable else INVALID

    def _unknown(self, name: str, path: Path) -> str:
        near = difflib.get_close_matches(name, self.keys, n=1)
        if near:
            return f"is not a known key; did you mean {place_of((*path, near[0]))}?"
        inside = [key for key, inner in self.keys.items() if isinstance(inner.kind, Table) and name in inner.kind.keys]
        if inside:
            return f"is not a known key here; did you mean {listed(place_of((*path, key, name)) for key in inside)}?"
        return f"is not a known key; known here: {', '.join(self.keys)}"


@dataclass(frozen=True)
class NamedTables(Generic[T]):
    """A table whose keys a person chooses; each holds a table of the same form, and becomes one item of a tuple."""

    table: Table[T]
    pattern: str
    allowed: str
    """What a name must be, in words."""

    def describe(self) -> str:
        """See `Kind`."""
        return "one table for each name"

    def read(self, entry: Entry, path: Path, report: Report) -> tuple[T, ...] | Invalid:
        """See `Kind`; the model is given each `name`."""
        if not isinstance(entry, Branch):
            what = f"must be {self.describe()}, [{place_of(path)}.NAME], not {type_name(entry.value)}"
            report.add(entry.source, path, what)
            return INVALID
        found = []
        for name, inner in entry.children.items():
            if re.fullmatch(self.pattern, name) is None:
                report.add(inner.source, (*path, name), f"is no good name; use {self.allowed}", spoils=False)
            value = self.table.read(inner, (*path, name), report, name=name)
            if not isinstance(value, Invalid):
                found.append(value)
        return tuple(found)


@dataclass(frozen=True)
class TableArray(Generic[T]):
    """An array of tables of one form, `[[name]]` in TOML; places count from 1: `mixer.2.raw`."""

    table: Table[T]
    maximum: int

    def describe(self) -> str:
        """See `Kind`."""
        return f"up to {self.maximum} tables"

    def read(self, entry: Entry, path: Path, report: Report) -> tuple[T, ...] | Invalid:
        """See `Kind`; tables that are `INVALID` are left out."""
        items = plain(entry)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            what = f"must be {self.describe()}, each [[{place_of(path)}]]"
            report.add(entry.source, path, what if isinstance(items, list) else f"{what}, not {type_name(items)}")
            return INVALID
        if len(items) > self.maximum:
            report.add(entry.source, path, f"must be {self.describe()}; it has {len(items)}")
            return INVALID
        read = [
            self.table.read(entries(item, entry.source), (*path, str(number)), report)
            for number, item in enumerate(items, start=1)
        ]
        return tuple(value for value in read if not isinstance(value, Invalid))


@dataclass(frozen=True)
class PlacedTables(Generic[T]):
    """Tables of one form, each under the dotted place it speaks for; becomes one item of a tuple for each.

    `"capture.rate_hz" = { … }`, `capture.rate_hz = { … }` and `[….capture]` with `rate_hz = { … }` are the same.
    """

    table: Table[T]

    def describe(self) -> str:
        """See `Kind`."""
        return "one table for each place"

    def read(self, entry: Entry, path: Path, report: Report) -> tuple[T, ...] | Invalid:
        """See `Kind`; the model is given each `place`."""
        if not isinstance(entry, Branch):
            what = f"must be {self.describe()}, [{place_of(path)}.PLACE], not {type_name(entry.value)}"
            report.add(entry.source, path, what)
            return INVALID
        read = [
            self.table.read(inner, (*path, *place), report, place=".".join(place))
            for place, inner in _placed(entry, ())
        ]
        return tuple(value for value in read if not isinstance(value, Invalid))


def _placed(branch: Branch, place: Path) -> Iterator[tuple[Path, Entry]]:
    """Each table with its place; one that holds nothing but tables is only the way to them."""
    for name, inner in branch.children.items():
        if not isinstance(inner, Branch):
            yield (*place, name), inner
            continue
        own = {key: value for key, value in inner.children.items() if not isinstance(value, Branch)}
        deeper = {key: value for key, value in inner.children.items() if key not in own}
        if own or not deeper:
            yield (*place, name), Branch(inner.source, own)
        yield from _placed(Branch(inner.source, deeper), (*place, name))


def nearest(name: str, known: Mapping[str, object]) -> str:
    """`did you mean …?`, or the list of what is known, for a name that is not."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {name_of(near[0])}?"
    return f"known: {', '.join(name_of(key) for key in sorted(known))}"
