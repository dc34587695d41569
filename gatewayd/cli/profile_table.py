"""What `gatewayd profiles` prints for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from gatewayd.hardware.profile import Confidence
from gatewayd.hardware.profile_text import captures, echo, facts, plays, recognised_by, recovery
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewayd.hardware.profile import Profile

_HEAD = ("NAME", "CAPTURES", "ECHO", "RECOVERY", "RECOGNISED BY", "BOARD")
_DIM, _RESET = "\x1b[2m", "\x1b[0m"
_QUIRKS_WIDTH = 100


def table(profiles: Iterable[Profile], *, width: int | None) -> str:
    """Columns with a line for each profile, cut to `width` characters if it is given."""
    rows = [_HEAD, *(_row(profile) for profile in profiles)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(line if width is None else _cut(line, width) for line in lines)


def one(profile: Profile, *, colours: bool) -> str:
    """All of one profile, each fact with how sure it is and where it comes from; what is unsure is dimmed."""
    told = [fact for fact in facts(profile) if fact.place != "quirks"]
    places = max((len(fact.place) for fact in told), default=0)
    values = max((len(fact.value) for fact in told if len(fact.value) <= _QUIRKS_WIDTH // 2), default=0)
    lines = [profile.name, f"  {profile.description}", ""]
    if profile.quirks:
        lines += [*(f"  {line}" for line in textwrap.wrap(profile.quirks, _QUIRKS_WIDTH, break_on_hyphens=False)), ""]
    for title, text in (
        ("recognised by", recognised_by(profile.match)),
        ("captures", captures(profile.capture)),
        ("plays", plays(profile.playback)),
        ("echo", "taken out by the board" if profile.capture.echo_cancelled else "not taken out by the board"),
        ("recovery", recovery(profile)),
        ("file", one_line(profile.source)),
    ):
        lines.append(f"  {title:<14} {text}")
    lines += ["", "  facts, how sure each is, and where it comes from:"]
    for fact in told:
        dim = colours and fact.confidence is Confidence.UNVERIFIED
        line = f"  {fact.place:<{places}}  {fact.value:<{values}}  {fact.confidence.value}: {fact.source}"
        lines.append(f"{_DIM}{line}{_RESET}" if dim else line)
    return "\n".join(lines)


def _row(profile: Profile) -> tuple[str, ...]:
    return (
        profile.name,
        captures(profile.capture),
        echo(profile),
        recovery(profile),
        recognised_by(profile.match),
        profile.description,
    )


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: max(width - 1, 0)]}…"
