"""Secrets whose every trace is looked for: a token and a device key that a service repeats wherever it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STRETCH = 12
"""So many characters of a secret in a row give it away; fewer may be chance."""


@dataclass(frozen=True)
class Canary:
    """A secret, found whole or in part, in upper or lower case."""

    name: str
    value: str

    def shows_in(self, text: str) -> bool:
        folded, secret = text.lower(), self.value.lower()
        return any(secret[at : at + STRETCH] in folded for at in range(len(secret) - STRETCH + 1))


TOKEN = Canary("token", "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4c1dyRjVtRGIyeFV5R2hL")
KEY = Canary("device key", "dk7Rw2ZtYp4Nq8Bv1Xc6Mf3Js9Hg5LaEuTi0Od")


def leaks(writings: Iterable[tuple[str, str]]) -> list[str]:
    """The lines in which a secret shows, each with where it was written."""
    return [
        f"{place}: the {canary.name} in {line[:300]!r}"
        for place, text in writings
        for line in text.splitlines()
        for canary in (TOKEN, KEY)
        if canary.shows_in(line)
    ]


def files_under(folder: Path, *, without: Iterable[Path] = ()) -> list[tuple[str, str]]:
    """Every file below a folder, byte for byte as text."""
    left_out = set(without)
    return [
        (str(path.relative_to(folder)), path.read_bytes().decode("latin-1"))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in left_out
    ]
