from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest

from gatewayd.configuration.entries import entries
from gatewayd.configuration.model import Configuration
from gatewayd.configuration.reference import default_of, main, reference, update
from gatewayd.configuration.report import Report
from gatewayd.configuration.schema import ROOT
from gatewayd.configuration.tables import NamedTables, PlacedTables, Table, TableArray
from gatewayd.configuration.toml import parse_toml
from gatewayd.hardware.profile_schema import PROFILE

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
GIVEN = {"name", "source", "origins", "place"}
"""What models have that no key gives."""


def tables(table: Table[Any]) -> list[Table[Any]]:
    found = [table]
    for key in table.keys.values():
        kind = key.kind.table if isinstance(key.kind, (NamedTables, PlacedTables, TableArray)) else key.kind
        if isinstance(kind, Table):
            found += tables(kind)
    return found


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert update(page) == page, "run: python -m gatewayd.configuration.reference docs/configuration.md"


def test_the_page_is_brought_up_to_date_by_its_command(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    stale = tmp_path / "configuration.md"
    stale.write_text(page.replace("a number from 0.1 to 300 s", "any number"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "gatewayd.configuration.reference", str(stale)], check=True)
    assert stale.read_text(encoding="utf-8") == page
    main(str(stale))
    assert stale.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("table", [*tables(ROOT)[1:], *tables(PROFILE)], ids=lambda table: table.model.__name__)
def test_keys_and_model_have_the_same_names(table: Table[Any]) -> None:
    names = {field.name for field in fields(cast("Any", table.model))}
    assert set(table.keys) - GIVEN == names - GIVEN


def test_the_root_has_all_of_the_configuration() -> None:
    assert set(ROOT.keys) == {field.name for field in fields(Configuration)} - GIVEN


@pytest.mark.parametrize("table", [*tables(ROOT)[1:], *tables(PROFILE)], ids=lambda table: table.model.__name__)
def test_each_default_is_itself_allowed(table: Table[Any]) -> None:
    defaults = {
        name: default_of(table, name)
        for name, key in table.keys.items()
        if not (isinstance(key.kind, (Table, TableArray)) or key.required)
    }
    for name, default in defaults.items():
        if default != "null":
            report = Report()
            table.keys[name].kind.read(
                entries(parse_toml(f"it = {default}".encode())["it"], "default"), (name,), report
            )
            report.raise_if_any()
            assert f"| `{name}` | {table.keys[name].kind.describe()} | " in reference(table)


def test_arrays_of_tables_and_tables_of_places_are_shown_as_they_are_written() -> None:
    headings = [line for line in reference(PROFILE).splitlines() if line.startswith("#### ")]
    assert headings == [
        "#### `[match]`",
        "#### `[capture]`",
        "#### `[playback]`",
        "#### `[duplex]`",
        "#### `[[mixer]]`",
        "#### `[recovery]`",
        "#### `[provenance.PLACE]`",
    ]


def test_every_key_is_explained_in_sentences() -> None:
    rows = [line for table in (ROOT, PROFILE) for line in reference(table).splitlines() if line.startswith("| `")]
    assert rows
    assert all(line.endswith(". |") for line in rows)
