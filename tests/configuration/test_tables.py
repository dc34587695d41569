"""Arrays of tables, and tables under the place they speak for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatewayd.configuration.entries import entries
from gatewayd.configuration.kinds import INVALID, Whole
from gatewayd.configuration.report import Report
from gatewayd.configuration.tables import Key, PlacedTables, Table, TableArray
from gatewayd.configuration.toml import parse_toml
from gatewayd.errors import ConfigurationInvalid


@dataclass(frozen=True)
class Knob:
    level: int
    place: str = ""


KNOB = Table(Knob, {"level": Key(Whole(0, 9), required=True)})
KNOBS = TableArray(KNOB, 2)
NOTES = PlacedTables(KNOB)


BOX: Table[dict[str, object]] = Table(dict, {"knob": Key(KNOB, required=True)})


def read(kind: Table[Any] | TableArray[Knob] | PlacedTables[Knob], text: str) -> tuple[object, list[str]]:
    """What became of the key `it`, and what was said."""
    report = Report()
    value = kind.read(entries(parse_toml(text.encode())["it"], "a.toml"), ("it",), report)
    try:
        report.raise_if_any()
    except ConfigurationInvalid as error:
        return value, str(error).splitlines()
    return value, []


def test_a_table_may_ask_for_another() -> None:
    assert read(BOX, "[it.knob]\nlevel = 1") == ({"knob": Knob(1)}, [])
    assert read(BOX, "[it]") == (INVALID, ["a.toml: it.knob: is missing; it must be a table"])


def test_each_table_of_an_array_becomes_one() -> None:
    assert read(KNOBS, "[[it]]\nlevel = 1\n[[it]]\nlevel = 2") == ((Knob(1), Knob(2)), [])
    assert read(KNOBS, "it = []") == ((), [])


def test_places_in_an_array_count_from_one_and_wrong_tables_are_left_out() -> None:
    assert read(KNOBS, "[[it]]\nlevel = 1\n[[it]]\nlevel = 10") == (
        (Knob(1),),
        ["a.toml: it.2.level: must be a whole number from 0 to 9, not 10"],
    )


def test_what_is_no_array_of_tables_is_told_so() -> None:
    assert read(KNOBS, "it = [{level = 1}, 2]") == (INVALID, ["a.toml: it: must be up to 2 tables, each [[it]]"])
    assert read(KNOBS, "it = 1") == (INVALID, ["a.toml: it: must be up to 2 tables, each [[it]], not a whole number"])
    assert read(KNOBS, "it = [{}, {}, {}]") == (INVALID, ["a.toml: it: must be up to 2 tables; it has 3"])


def test_places_may_be_quoted_dotted_or_nested() -> None:
    found: tuple[object, list[str]] = ((Knob(1, "a"), Knob(2, "a.b c"), Knob(3, "d.e")), [])
    assert read(NOTES, 'it.a = {level = 1}\nit."a.b c" = {level = 2}\nit."d.e" = {level = 3}') == found
    assert read(NOTES, '[it.a]\nlevel = 1\n[it.a."b c"]\nlevel = 2\n[it.d]\ne = {level = 3}') == found


def test_what_is_wrong_below_a_place_is_told_with_it() -> None:
    assert read(NOTES, 'it.a.b = {level = 10}\nit.c = 3\nit."d.e" = {}') == (
        (),
        [
            "a.toml: it.a.b.level: must be a whole number from 0 to 9, not 10",
            "a.toml: it.c: must be a table, [it.c], not a whole number",
            'a.toml: it."d.e".level: is missing; it must be a whole number from 0 to 9',
        ],
    )
    assert read(NOTES, "it = 1") == (
        INVALID,
        ["a.toml: it: must be one table for each place, [it.PLACE], not a whole number"],
    )
