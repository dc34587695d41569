"""The profiles that come with the program as Markdown, and their place in a page.

`python -m gatewayd.hardware.profile_page docs/hardware.md` brings the page up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.hardware.profile_text import captures, echo, facts, plays, recognised_by, recovery, sureness
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewayd.hardware.profile import Profile

_HEAD = (
    "| profile | board | recognised by | captures | plays | echo | when it gives nothing usable | facts |\n"
    "|---|---|---|---|---|---|---|---|"
)


def overview(profiles: Iterable[Profile]) -> str:
    """A Markdown table with a row for each profile."""
    return "\n".join([_HEAD, *(_row(profile) for profile in profiles)])


def details(profiles: Iterable[Profile]) -> str:
    """A section for each profile: what a person should know, and every fact with what it rests on."""
    return "\n\n".join("\n\n".join(_section(profile)) for profile in profiles)


def update(page: str, profiles: Iterable[Profile]) -> str:
    """`page` with what stands between its markers made anew; `KeyError` for a marker that means none of them."""
    made = {"overview": overview, "details": details}
    shown = tuple(profiles)
    return re.sub(
        r"(<!-- profiles (?P<name>\w+)[^>]*-->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{made[found['name']](shown)}\n{found[3]}",
        page,
        flags=re.DOTALL,
    )


def _row(profile: Profile) -> str:
    cells = (
        f"[{profile.name}](#{profile.name.lower()})",
        profile.description,
        recognised_by(profile.match),
        captures(profile.capture),
        plays(profile.playback),
        echo(profile),
        recovery(profile),
        sureness(profile),
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _section(profile: Profile) -> Iterator[str]:
    yield f"### {profile.name}"
    yield f"{profile.description}.{' ' + profile.quirks if profile.quirks else ''}"
    rows = [
        f"| `{fact.place}` | {_cell(fact.value)} | {fact.confidence.value} | {_cell(fact.source)} |"
        for fact in facts(profile)
        if fact.place != "quirks"
    ]
    yield "\n".join(["| fact | value | confidence | where it comes from |", "|---|---|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(page: str) -> None:
    """Bring the page at that path up to date with the profiles that come with the program."""
    path = Path(page)
    profiles = load_profiles([resource_dir("hw-profiles")]).values()
    path.write_text(update(path.read_text(encoding="utf-8"), profiles), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
