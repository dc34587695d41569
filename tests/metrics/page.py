"""Writes the table of metrics in docs/metrics.md from the catalogue: `python -m tests.metrics.page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.metrics.catalogue import FAMILIES

if TYPE_CHECKING:
    from gatewayd.metrics.family import Family

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
_PLACE = re.compile(r"(<!-- made from gatewayd/metrics/catalogue\.py [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)


def table() -> str:
    """A row for each metric."""
    rows = ["| metric | type | labels | what it is |", "|---|---|---|---|"]
    return "\n".join([*rows, *map(_row, FAMILIES)])


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind.value} | {labels} | {family.text} |"


def update(page: str) -> str:
    """`page` with its table made anew."""
    return _PLACE.sub(lambda found: f"{found[1]}\n{table()}\n\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(update(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
