"""Draws the session's state diagram in docs/architecture.md from the table that the machine runs on.

`make docs` writes it; a test holds the page against the table.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.session.transitions import TABLE, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN = "<!-- drawn from gatewayd/session/transitions.py by `make docs`; do not edit -->"
END = "<!-- end of the drawing -->"


def diagram() -> str:
    """A Mermaid state diagram: one arrow for each change of phase, labelled with the events that make it."""
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> IDLE", *_arrows(), "    STOPPED --> [*]", "```"])


def _arrows() -> Iterator[str]:
    labels: dict[tuple[Phase, Phase], list[str]] = {}
    for (phase, event), transition in TABLE.items():
        for target in transition.targets - {phase}:
            labels.setdefault((phase, target), []).append(_words(event.__name__))
    order = list(Phase)
    for (source, target), names in sorted(labels.items(), key=lambda item: [order.index(end) for end in item[0]]):
        yield f"    {source.name} --> {target.name}: {', '.join(sorted(names))}"


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def drawn_into(page: str) -> str:
    """The page with its drawing made anew. Raises `ValueError` when it has no place for one."""
    before, marker, rest = page.partition(BEGIN)
    _, end_marker, after = rest.partition(END)
    if not marker or not end_marker:
        raise ValueError(f"the page needs a line {BEGIN!r} and a line {END!r}")
    return f"{before}{BEGIN}\n\n{diagram()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(drawn_into(PAGE.read_text()))
