"""Signs of life: what the watchdog goes by."""

from __future__ import annotations

import math

LATENESS_S = 5.0
"""By how much a part may be late on a machine that is busy, beyond what it is allowed by its own limits."""


class Progress:
    """One part's signs of life: when it gave the last, and by when it must give the next.

    A part notes one when it does something anyway, with the time within which it must do something again by its own
    limits. Nothing wakes up for it: whoever is stuck gives none, and is found out by that. Times are the event loop's,
    in seconds.
    """

    __slots__ = ("due_s", "part", "seen_s")

    def __init__(self, part: str) -> None:
        self.part = part
        """What a person calls it: `capture`, `session`."""
        self.seen_s = -math.inf
        self.due_s = math.inf

    def note(self, now_s: float, within_s: float) -> None:
        """It lives at `now_s`, and does something again within `within_s`, which may be infinite."""
        self.seen_s = now_s
        self.due_s = now_s + within_s

    def rest(self, now_s: float) -> None:
        """It lives, and waits for something that may never come: a word of the agent's, a person."""
        self.note(now_s, math.inf)

    def overdue(self, now_s: float) -> bool:
        """Whether it should have done something by now."""
        return now_s > self.due_s
