"""Lean dataclasses are the standard library's in everything but their size."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from gatewayd import lean

KINDS: list[dict[str, Any]] = [
    {},
    {"frozen": True},
    {"order": True},
    {"frozen": True, "order": True},
    {"eq": False},
    {"repr": False},
    {"unsafe_hash": True},
]


def both(options: dict[str, Any]) -> list[type[Any]]:
    """The same class, made by the standard library and by ours."""

    def make(decorate: Any) -> type[Any]:
        class Thing:
            number: int
            name: str = "x"
            secret: str = field(default="s3cret", repr=False)
            source: str = field(default="", compare=False)

        made: type[Any] = decorate(**options)(Thing)
        return made

    return [make(dataclasses.dataclass), make(lean.dataclass)]


def outcome(action: Any) -> object:
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - what it raises is what is compared
        return type(error), str(error).replace("test_lean.", "")


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_it_behaves_as_the_standard_librarys(options: dict[str, Any]) -> None:
    for act in (
        lambda kind: "s3cret" in repr(kind(1)),
        lambda kind: kind(1) == kind(1),
        lambda kind: kind(1) == kind(2),
        lambda kind: kind(1, source="a") == kind(1, source="b"),
        lambda kind: kind(1) == (1, "x", "s3cret"),
        lambda kind: kind(1) < kind(2),
        lambda kind: hash(kind(1)) == hash(kind(1)),
        lambda kind: len({kind(1), kind(1, source="b"), kind(2)}),
        lambda kind: setattr(kind(1), "number", 3),
        lambda kind: delattr(kind(1), "number"),
        lambda kind: setattr(kind(1), "unknown", 3),
        lambda kind: dataclasses.asdict(dataclasses.replace(kind(1), name="y")),
    ):
        standard, ours = both(options)
        assert outcome(lambda: act(standard)) == outcome(lambda: act(ours))  # noqa: B023 - called at once


def test_its_words_are_the_same() -> None:
    standard, ours = both({"frozen": True})
    assert repr(ours(1)) == repr(standard(1))


def test_what_a_class_says_itself_stays() -> None:
    @lean.dataclass(frozen=True)
    class Short:
        number: int

        def __repr__(self) -> str:
            return "short"

    assert repr(Short(1)) == "short"
    with pytest.raises(FrozenInstanceError, match="number"):
        Short(1).number = 2  # type: ignore[misc]  # what must not work


def test_without_options_too() -> None:
    @lean.dataclass
    class Plain:
        number: int

    plain = Plain(1)
    plain.number = 2
    assert plain == Plain(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(plain)


def test_the_daemon_carries_no_library_for_reading_packages() -> None:
    """trio-websocket would load `importlib.metadata`, with it the email and zip libraries: 1 MB."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, gatewayd.cli.run; print({'email', 'importlib.metadata', 'zipfile'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout == "set()\n"
