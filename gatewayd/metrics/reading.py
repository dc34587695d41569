"""Reads the numbers of metrics out of what the daemon answered.

An answer may come from an older or a newer daemon, and Python's JSON knows no types: whatever is not there, or not what
a metric can be, gives no sample, and everything else is told all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from gatewayd.lean import dataclass
from gatewayd.text import one_line

LABEL_LIMIT = 128
"""Longest label value, in characters."""
LABELS_LIMIT = 64
"""Most label values of one metric and station: causes are a closed list of 40."""

COUNT_LIMIT = 2.0**53
"""Greatest count of a histogram: up to here numbers are whole and exact."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Distribution:
    """A histogram: the upper ends of its parts, which are ascending, and one more count than those."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


Value = float | Distribution | Mapping[str, bool] | Mapping[str, str]
"""A number, a histogram, which one of some states it is, or what is known in words."""


@dataclass(frozen=True)
class Point:
    """A value, and what tells it from the others of its metric: the values of the metric's own labels."""

    labels: tuple[str, ...]
    value: Value


Read = Callable[[object], Iterator[Point]]
"""Takes JSON, gives the points in it; never raises."""


def label(text: str) -> str:
    """`text` as a label's value: one line that encodes as UTF-8, and no longer than `LABEL_LIMIT`."""
    return one_line(text[:LABEL_LIMIT])[:LABEL_LIMIT]


def at(value: object, path: Path) -> object:
    """What stands at `path` below `value`; None where nothing does."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def number(*path: str, scale: float = 1.0, least: float = -math.inf) -> Read:
    """The number at `path` times `scale`, or true and false as 1 and 0; none below `least`."""

    def read(value: object) -> Iterator[Point]:
        found = finite(at(value, path))
        if found is not None and found >= least:
            yield Point((), found * scale)

    return read


def count(*path: str) -> Read:
    """The number at `path`, which only ever grows."""
    return number(*path, least=0.0)


def counts(*path: str) -> Read:
    """The numbers under the names at `path`; the name is the label."""

    def read(value: object) -> Iterator[Point]:
        found = at(value, path)
        if isinstance(found, Mapping):
            for name, each in list(found.items())[:LABELS_LIMIT]:
                counted = finite(each)
                if counted is not None and counted >= 0:
                    yield Point((label(name),), counted)

    return read


def length(*path: str) -> Read:
    """How many items the list at `path` has."""

    def read(value: object) -> Iterator[Point]:
        found = at(value, path)
        if isinstance(found, list):
            yield Point((), float(len(found)))

    return read


def kinds(kinds: Sequence[str], *path: str) -> Read:
    """How many items of each kind the list of tables at `path` has; the kind, `kind` in each table, is the label."""

    def read(value: object) -> Iterator[Point]:
        found = at(value, path)
        if isinstance(found, list):
            there = [at(item, ("kind",)) for item in found]
            for kind in kinds:
                yield Point((kind,), float(there.count(kind)))

    return read


def state(states: Sequence[str], *path: str) -> Read:
    """Which of `states` stands at `path`; one that a newer daemon knows is none of them."""

    def read(value: object) -> Iterator[Point]:
        found = at(value, path)
        if isinstance(found, str):
            yield Point((), {state: state == found for state in states})

    return read


def words(**paths: Path) -> Read:
    """Texts that say what something is, each under its name; one that is not there is empty."""

    def read(value: object) -> Iterator[Point]:
        found = {name: at(value, path) for name, path in paths.items()}
        yield Point((), {name: label(text) if isinstance(text, str) else "" for name, text in found.items()})

    return read


def distribution(*path: str) -> Read:
    """The histogram at `path`, as `Histogram.as_json` gives it."""

    def read(value: object) -> Iterator[Point]:
        found = _distribution(at(value, path))
        if found is not None:
            yield Point((), found)

    return read


def _distribution(value: object) -> Distribution | None:
    bounds, total = _numbers(at(value, ("bounds",))), finite(at(value, ("sum",)))
    counted = _numbers(at(value, ("counts",)))
    if not bounds or counted is None or total is None or len(counted) != len(bounds) + 1:
        return None
    ascending = all(lower < upper for lower, upper in pairwise(bounds))
    whole = all(0 <= each <= COUNT_LIMIT and each.is_integer() for each in counted)
    if not ascending or not whole or (bounds[0] >= 0 > total):
        return None
    return Distribution(tuple(bounds), tuple(int(each) for each in counted), total)


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list):
        return None
    found = [finite(each) for each in value]
    numbers = [each for each in found if each is not None]
    return numbers if len(numbers) == len(found) else None


def finite(value: object) -> float | None:
    """`value` as a number; None for what is none, and for what is infinite or no float can hold."""
    if not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
