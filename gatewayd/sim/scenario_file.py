"""Scenario files: TOML, strict, all problems at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, cast

from gatewayd.configuration.report import Report
from gatewayd.configuration.toml import parse_toml
from gatewayd.sim.script import Action, Place, Point, Scenario, Script, Step, Then
from gatewayd.sim.verbs import ACCEPT, HEARTBEAT, VERBS, Verb, one_of, seconds, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STEPS_LIMIT = 1000
"""Steps of one connection, and connections of one scenario: a hundred times what any fault needs."""
FRAMES_LIMIT = 10**9
_PLACES = ", ".join(place.value for place in Place if place is not Place.FRAMES) + " or frames:N"


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises `ConfigurationInvalid` with everything that is wrong with it."""
    report = Report()
    try:
        data = path.read_bytes()
    except OSError as error:
        report.add_file(str(path), f"cannot be read: {error.strerror}")
        report.raise_if_any()
        raise AssertionError from None  # pragma: no cover - raise_if_any raised
    return parse_scenario(data, str(path))


def parse_scenario(data: bytes, source: str) -> Scenario:
    """Parse a scenario file's content. Raises `ConfigurationInvalid` with everything that is wrong with it."""
    report = Report()
    try:
        tree = parse_toml(data)
    except ValueError as error:
        report.add_file(source, str(error))
        tree = {}
    scenario = _Reader(source, report).scenario(tree)
    report.raise_if_any()
    return scenario


class _Reader:
    """Walks one file's tree; what is wrong goes into the report, and something harmless into the result."""

    def __init__(self, source: str, report: Report) -> None:
        self._source = source
        self._report = report

    def scenario(self, tree: dict[str, object]) -> Scenario:
        self._known(tree, ("then", "token_body", "connections", ACCEPT, HEARTBEAT), ())
        then, token_body = Then.NORMAL, ""
        if "then" in tree:
            then = cast("Then", self._checked(tree["then"], one_of(Then), ("then",), then))
        if "token_body" in tree:
            token_body = cast("str", self._checked(tree["token_body"], text, ("token_body",), ""))
        connections = [
            self._connection(table, path) for table, path in self._tables(tree.get("connections", []), ("connections",))
        ]
        accepts = self._tables(tree.get(ACCEPT, []), (ACCEPT,))
        heartbeat = self._tables(tree.get(HEARTBEAT, []), (HEARTBEAT,))
        return Scenario(
            connections=tuple(connections),
            then=then,
            heartbeat=tuple(self._steps(heartbeat, HEARTBEAT)),
            accepts=tuple(self._steps(accepts, ACCEPT)),
            token_body=token_body,
        )

    def _connection(self, table: dict[str, object], path: tuple[str, ...]) -> Script:
        self._known(table, ("name", "steps"), path)
        name = self._checked(table.get("name", ""), text, (*path, "name"), "")
        if "steps" not in table:
            self._wrong((*path, "steps"), "is missing; it must be an array of steps, which may be empty")
        steps = self._tables(table.get("steps", []), (*path, "steps"))
        return Script(tuple(self._steps(steps, None)), cast("str", name))

    def _steps(self, tables: Iterable[tuple[dict[str, object], tuple[str, ...]]], point: str | None) -> Iterable[Step]:
        for table, path in tables:
            step = self._step(table, path, point)
            if step is not None:
                yield step

    def _step(self, table: dict[str, object], path: tuple[str, ...], outside: str | None) -> Step | None:
        """A step; those outside an attempt have no `on`, their table says where they stand."""
        on = Point(Place.TOKEN) if outside is not None else self._point(table, path)
        after_s = cast("float", self._checked(table.get("after_s", 0.0), seconds, (*path, "after_s"), 0.0))
        do = table.get("do")
        verb = VERBS.get(do) if isinstance(do, str) else None
        if verb is None:
            self._wrong((*path, "do"), self._unknown_verb(do))
            return None
        if on is None:
            return None
        where = outside or on.place.value
        if where not in verb.points:
            possible = ", ".join(name for name, other in VERBS.items() if where in other.points)
            self._wrong((*path, "do"), f"cannot stand at {where}; possible there: {possible}")
            return None
        common = ("do", "after_s") if outside is not None else ("on", "do", "after_s")
        action = self._action(verb, {key: value for key, value in table.items() if key not in common}, path)
        return Step(on, action, after_s) if action is not None else None

    def _point(self, table: dict[str, object], path: tuple[str, ...]) -> Point | None:
        on = table.get("on")
        place, _, count = on.partition(":") if isinstance(on, str) else ("", "", "")
        if place == Place.FRAMES.value and count.isascii() and count.isdigit() and 0 < len(count) < 10:
            frames = int(count)
            if 0 < frames < FRAMES_LIMIT:
                return Point(Place.FRAMES, frames)
        elif not count and on != Place.FRAMES.value and place in {known.value for known in Place}:
            return Point(Place(place))
        self._wrong((*path, "on"), f"must be {_PLACES}, in quotes; N counts the binary messages heard, from 1")
        return None

    def _action(self, verb: Verb, given: dict[str, object], path: tuple[str, ...]) -> Action | None:
        values: dict[str, object] = {}
        complete = self._known(given, tuple(verb.keys), path)
        for key, check in verb.keys.items():
            if key in given:
                value = self._checked(given[key], check, (*path, key), None)
                complete &= value is not None
                values[key] = value
            elif key in verb.required:
                self._wrong((*path, key), "is missing")
                complete = False
        if not complete:
            return None
        try:
            return verb.build(**values)
        except ValueError as error:
            self._wrong(path, str(error))
            return None

    def _tables(self, value: object, path: tuple[str, ...]) -> list[tuple[dict[str, object], tuple[str, ...]]]:
        """The tables of an array, each with its path, counted from 1 as people count."""
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(path, "must be an array of tables")
            return []
        if len(value) > STEPS_LIMIT:
            self._wrong(path, f"has {len(value)} entries; at most {STEPS_LIMIT} are allowed")
            return []
        return [(item, (*path, str(index))) for index, item in enumerate(value, start=1)]

    def _known(self, table: dict[str, object], allowed: tuple[str, ...], path: tuple[str, ...]) -> bool:
        unknown = [key for key in table if key not in allowed]
        for key in unknown:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(allowed) or 'none'}"
            self._wrong((*path, key), f"is not a known key; {hint}")
        return not unknown

    def _checked(self, value: object, check: object, path: tuple[str, ...], otherwise: object) -> object:
        assert callable(check)  # noqa: S101 - `Check`, which isinstance cannot tell
        try:
            return check(value)
        except ValueError as error:
            self._wrong(path, str(error))
            return otherwise

    def _unknown_verb(self, do: object) -> str:
        near = difflib.get_close_matches(do, VERBS, n=1) if isinstance(do, str) else []
        return f"did you mean {near[0]}?" if near else f"must be one of {', '.join(VERBS)}"

    def _wrong(self, path: tuple[str, ...], what: str) -> None:
        self._report.add(self._source, path, what)
