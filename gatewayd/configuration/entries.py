"""A tree of settings in which every value knows the file it came from, and how files are laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewayd.configuration.report import Path


@dataclass(frozen=True)
class Source:
    """One file's name, as it is shown to people, and its content."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Leaf:
    """A value that is replaced as a whole: anything but a table."""

    source: str
    value: object


@dataclass(frozen=True)
class Branch:
    """A table; `source` is the first file that has it."""

    source: str
    children: Mapping[str, Entry]


Entry = Leaf | Branch


def entries(value: object, source: str) -> Entry:
    """The tree of a parsed value, all of it from `source`."""
    if isinstance(value, dict):
        return Branch(source, {key: entries(inner, source) for key, inner in value.items()})
    return Leaf(source, value)


def plain(entry: Entry) -> object:
    """The parsed value again, without the files."""
    if isinstance(entry, Branch):
        return {key: plain(inner) for key, inner in entry.children.items()}
    return entry.value


def overlay(base: Entry, over: Entry) -> Entry:
    """`over` laid over `base`: tables merge, everything else is replaced."""
    if not isinstance(base, Branch) or not isinstance(over, Branch):
        return over
    children = dict(base.children)
    for key, entry in over.children.items():
        children[key] = overlay(children[key], entry) if key in children else entry
    return Branch(base.source, children)


def walk(entry: Entry, path: Path = ()) -> Iterator[tuple[Path, Entry]]:
    """Every entry with its path, tables before what is in them."""
    yield path, entry
    if isinstance(entry, Branch):
        for key, inner in entry.children.items():
            yield from walk(inner, (*path, key))


def source_of(entry: Entry, path: Path) -> str:
    """The file in which `path` stands, or, where nothing stands there, its nearest table."""
    for key in path:
        if not isinstance(entry, Branch) or key not in entry.children:
            break
        entry = entry.children[key]
    return entry.source
