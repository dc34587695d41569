"""The kinds of values that settings have: what each accepts, how it says so, and what it becomes.

A kind's `convert` takes what the TOML parser gave and returns the typed value, or raises `ValueError` with the message
for a person. Text is never repeated in a message: it may be a secret that landed in the wrong place.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from gatewayd.addresses import parse_address
from gatewayd.configuration.entries import plain
from gatewayd.configuration.report import listed
from gatewayd.configuration.secrets import is_secret, query_names_secret
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.configuration.entries import Entry
    from gatewayd.configuration.report import Path, Report

LONGEST_TEXT = 1000
"""Longest text of any setting, in characters: longer is a paste gone wrong."""
_LONGEST_SHOWN = 10**12


class Unsuitable(ValueError):
    """A value is not what its place allows; the message says what is."""


class Invalid(Enum):
    """Stands for a value that was reported as wrong."""

    INVALID = "invalid"


INVALID = Invalid.INVALID


class Kind(Protocol):
    """What may stand under a key."""

    def describe(self) -> str:
        """What is allowed, as the reference and messages say it: `a number from 1 to 5`."""
        ...

    def read(self, entry: Entry, path: Path, report: Report) -> object:
        """The typed value; or `INVALID`, with everything wrong in `report`."""
        ...


class Item(ABC):
    """A kind that judges one value by itself."""

    @abstractmethod
    def describe(self) -> str:
        """See `Kind`."""

    @abstractmethod
    def convert(self, value: object) -> object:
        """See the module."""

    def read(self, entry: Entry, path: Path, report: Report) -> object:
        """See `Kind`."""
        try:
            return self.convert(plain(entry))
        except ValueError as error:
            report.add(entry.source, path, str(error))
            return INVALID


def type_name(value: object) -> str:
    """What a TOML value is, in a person's words."""
    for kinds, name in _TYPE_NAMES:
        if isinstance(value, kinds):
            return name
    raise TypeError(f"{type(value).__name__} is no type of TOML")


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a number with a fraction"),
    (list, "an array"),
    (dict, "a table"),
    ((dt.date, dt.time), "a date or time"),
)


@dataclass(frozen=True)
class Flag(Item):
    """`true` or `false`."""

    def describe(self) -> str:
        """See `Kind`."""
        return "true or false"

    def convert(self, value: object) -> bool:
        """See the module."""
        if not isinstance(value, bool):
            raise Unsuitable(f"must be {self.describe()}, not {type_name(value)}")
        return value


@dataclass(frozen=True)
class Number(Item):
    """A finite number within a range, both ends included."""

    minimum: float
    maximum: float
    unit: str = ""

    def describe(self) -> str:
        """See `Kind`."""
        return f"a number from {self.minimum:g} to {self.maximum:g}{self.unit and ' ' + self.unit}"

    def convert(self, value: object) -> float:
        """See the module."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Unsuitable(f"must be {self.describe()}, not {type_name(value)}")
        _within(self.minimum, self.maximum, value, self.describe())
        return float(value)


@dataclass(frozen=True)
class Whole(Item):
    """A whole number within a range, both ends included."""

    minimum: int
    maximum: int
    unit: str = ""

    def describe(self) -> str:
        """See `Kind`."""
        return f"a whole number from {self.minimum} to {self.maximum}{self.unit and ' ' + self.unit}"

    def convert(self, value: object) -> int:
        """See the module."""
        number = _whole(value, self.describe())
        _within(self.minimum, self.maximum, number, self.describe())
        return number


@dataclass(frozen=True)
class OneOfNumbers(Item):
    """A whole number out of a few."""

    allowed: tuple[int, ...]
    unit: str = ""

    def describe(self) -> str:
        """See `Kind`."""
        return f"{listed(str(number) for number in self.allowed)}{self.unit and ' ' + self.unit}"

    def convert(self, value: object) -> int:
        """See the module."""
        number = _whole(value, self.describe())
        if number not in self.allowed:
            raise Unsuitable(f"must be {self.describe()}, not {_shown(number)}")
        return number


@dataclass(frozen=True)
class OneOf(Item):
    """One of the values of a text enumeration."""

    allowed: type[Enum]

    def describe(self) -> str:
        """See `Kind`."""
        return listed(f'"{member.value}"' for member in self.allowed)

    def convert(self, value: object) -> Enum:
        """See the module."""
        if not isinstance(value, str):
            raise Unsuitable(f"must be {self.describe()}, not {type_name(value)}")
        for member in self.allowed:
            if member.value == value:
                return member
        raise Unsuitable(f"must be {self.describe()}")


@dataclass(frozen=True)
class Text(Item):
    """Text without control characters, as a whole of the form `pattern`; `allowed` says that form in words."""

    allowed: str = "text"
    pattern: str = r".+"
    empty: bool = False

    def describe(self) -> str:
        """See `Kind`."""
        return f'{self.allowed}, or ""' if self.empty else self.allowed

    def convert(self, value: object) -> str:
        """See the module."""
        text = plain_text(value, self.describe())
        if not (self.empty and not text) and re.fullmatch(self.pattern, text) is None:
            raise Unsuitable(f"must be {self.describe()}" + ("" if text else "; it is empty"))
        if is_secret(text):
            raise Unsuitable("looks like a secret, which must not stand in a configuration file")
        return text


@dataclass(frozen=True)
class AddressText(Item):
    """A whole address; whether plaintext is allowed is a rule of its own, as another key decides it."""

    schemes: tuple[str, ...]

    def describe(self) -> str:
        """See `Kind`."""
        return f'{listed(f"{scheme}://…" for scheme in self.schemes)}, or ""'

    def convert(self, value: object) -> str:
        """See the module."""
        text = plain_text(value, self.describe())
        if text:
            parse_address(text, schemes=self.schemes, allow_plaintext=True)
            if query_names_secret(text):
                raise Unsuitable("carries a secret in its query; put it into a file and name that in token.credential")
        return text


@dataclass(frozen=True)
class Items(Item):
    """An array of values of one kind."""

    item: Item
    minimum: int
    maximum: int
    unique: bool = False

    def describe(self) -> str:
        """See `Kind`."""
        least = f"{self.minimum} to " if self.minimum else "up to "
        return f"an array of {least}{self.maximum}, each {self.item.describe()}"

    def convert(self, value: object) -> tuple[object, ...]:
        """See the module."""
        if not isinstance(value, list):
            raise Unsuitable(f"must be {self.describe()}, not {type_name(value)}")
        if not self.minimum <= len(value) <= self.maximum:
            raise Unsuitable(f"must be {self.describe()}; it has {len(value)}")
        items = [self._item(index, item) for index, item in enumerate(value, start=1)]
        if self.unique and len(set(items)) < len(items):
            raise Unsuitable("names something twice; each may stand there once")
        return tuple(items)

    def _item(self, number: int, value: object) -> object:
        try:
            return self.item.convert(value)
        except ValueError as error:
            raise Unsuitable(f"item {number} {error}") from None


def plain_text(value: object, allowed: str) -> str:
    """`value` as text fit for paths, headers and names. Raises `ValueError` naming what is `allowed`."""
    if not isinstance(value, str):
        raise Unsuitable(f"must be {allowed}, not {type_name(value)}")
    if len(value) > LONGEST_TEXT:
        raise Unsuitable(f"is longer than {LONGEST_TEXT} characters")
    if not value.isprintable():
        raise Unsuitable("must not have control characters or line breaks in it")
    return value


def _whole(value: object, allowed: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unsuitable(f"must be {allowed}, not {type_name(value)}")
    return value


def _within(minimum: float, maximum: float, value: float, allowed: str) -> None:
    if not minimum <= value <= maximum:
        raise Unsuitable(f"must be {allowed}, not {_shown(value)}")


def _shown(value: float) -> str:
    """A number, if it is short; Python refuses to write very long ones."""
    return "so much" if _LONGEST_SHOWN <= abs(value) < math.inf else f"{value:.12g}"
