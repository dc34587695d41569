"""The reference of all keys as Markdown, made from the schemas, and its place in a page.

`python -m gatewayd.configuration.reference docs/configuration.md` brings the page up to date.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gatewayd.configuration.schema import ROOT
from gatewayd.configuration.tables import Key, NamedTables, PlacedTables, Table, TableArray
from gatewayd.hardware.profile_schema import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = "| key | allowed | left out | what it is for |\n|---|---|---|---|"


def reference(table: Table[Any], path: tuple[str, ...] = ()) -> str:
    """A Markdown table of keys for `table`, then one for each table in it."""
    return "\n\n".join(_sections(table, path, f"[{'.'.join(path)}]"))


def update(page: str) -> str:
    """`page` with the references between its markers made anew; `KeyError` for a marker that means none of them."""
    return re.sub(
        r"(<!-- reference (?P<name>\w+)[^>]*-->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{_REFERENCES[found['name']]()}\n{found[3]}",
        page,
        flags=re.DOTALL,
    )


def default_of(table: Table[Any], name: str) -> str:
    """A key's default, taken from the table's model, as TOML writes it. `StopIteration` where the model has no such."""
    field = next(each for each in fields(cast("Any", table.model)) if each.name == name)
    return _toml(field.default if field.default_factory is MISSING else field.default_factory())


_REFERENCES = {"configuration": lambda: reference(ROOT), "profile": lambda: reference(PROFILE)}


_HOLDING_KEYS = (Table, NamedTables, TableArray, PlacedTables)


def _sections(table: Table[Any], path: tuple[str, ...], title: str) -> Iterator[str]:
    rows = [_row(name, key, table) for name, key in table.keys.items() if not isinstance(key.kind, _HOLDING_KEYS)]
    if rows:
        heading = f"#### `{title}`\n\n" if path else ""
        yield f"{heading}{_HEAD}\n" + "\n".join(rows)
    for name, key in table.keys.items():
        kind, inside = key.kind, (*path, name)
        if isinstance(kind, Table):
            yield from _sections(kind, inside, f"[{'.'.join(inside)}]")
        elif isinstance(kind, NamedTables):
            yield from _sections(kind.table, (*inside, "NAME"), f"[{'.'.join(inside)}.NAME]")
        elif isinstance(kind, TableArray):
            yield from _sections(kind.table, inside, f"[[{'.'.join(inside)}]]")
        elif isinstance(kind, PlacedTables):
            yield from _sections(kind.table, inside, f"[{'.'.join(inside)}.PLACE]")


def _row(name: str, key: Key, table: Table[Any]) -> str:
    left_out = "**required**" if key.required else key.left_out or f"`{default_of(table, name)}`"
    return f"| `{name}` | {key.kind.describe()} | {left_out} | {key.text} |"


def _toml(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def main(page: str) -> None:
    """Bring the page at that path up to date."""
    path = Path(page)
    path.write_text(update(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
