"""What an exception consists of, and where it struck: all that may be told of a bug, as its text may hold a secret."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.errors import GatewayError
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCES = Path(__file__).resolve().parent
_OUTERMOST = _SOURCES / "cli" / "main.py"


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, as trio's nurseries raise them, or the one that is none."""
    # By its attribute, because Python 3.10 has no exception groups of its own.
    members = getattr(error, "exceptions", None)
    if not isinstance(members, (tuple, list)):
        yield error
        return
    for member in members:
        yield from leaves(member)


def place(error: BaseException) -> str:
    """File and line where a bug struck: the innermost of this package's, since a library's says little."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if _SOURCES in path.parents and path != _OUTERMOST:
            return f"gatewayd/{path.relative_to(_SOURCES)}:{frame.lineno}"
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"


def told(error: BaseException) -> str:
    """One line for a person: what an expected error says, and of a bug its type and place."""
    return "; ".join(
        one_line(str(leaf)) if isinstance(leaf, GatewayError) else f"{type(leaf).__name__} at {place(leaf)}"
        for leaf in leaves(error)
    )
