"""What happened, as it happened, and whether it should have."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S = 0.02


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Transcript:
    """Prints a line for each thing done and each check, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.checks = 0
        self.failures: list[str] = []

    def note(self, text: str) -> None:
        """Something that was done, or seen."""
        say(f"[{time.monotonic() - self._began_s:6.1f}] {text}")

    def check(self, what: str, holds: bool, seen: object = "") -> None:
        """Something that must hold now; `seen` is what stands in its place."""
        self.checks += 1
        told = f" ({seen})" if seen != "" else ""
        if holds:
            self.note(f"  ok    {what}{told}")
            return
        self.failures.append(what)
        self.note(f"  FAIL  {what}{told}")

    def within(self, limit_s: float, what: str, condition: Callable[[], bool], *, patience_s: float = 15.0) -> None:
        """Something that must come within `limit_s` from now; waited for longer, to tell how late it is."""
        began_s = time.monotonic()
        while not condition():
            waited_s = time.monotonic() - began_s
            if waited_s > max(limit_s, patience_s):
                self.check(what, False, f"not within {waited_s:.0f} s")
                return
            time.sleep(POLL_S)
        taken_s = time.monotonic() - began_s
        self.check(what, taken_s <= limit_s, f"{taken_s:.2f} s, of {limit_s:g}")
