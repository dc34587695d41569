"""Which of many like events are worth a line of their own: the first of each kind, and then sums.

A service that is away for a day is one fact, not three thousand. The first event of a kind is told at once; those that
follow are counted, and told together after 1 min, 10 min, an hour, and then every hour. A kind that was not seen for
an hour is told at once again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

INTERVALS_S = (60.0, 600.0, 3600.0)
"""From one telling to the next sum; the last goes on for ever."""
RECENT_S = 3600.0
"""A kind last seen longer ago than this counts as new."""
CHANGES_AT_ONCE = 3
"""Somebody who tries a plug, and pulls it again, is to see each of it."""
SETTLED_S = 600.0
"""A state that lasts for so long is told, however often it came before."""
KINDS_LIMIT = 16
"""Kinds kept apart; further ones count as one, so that a text from outside which is never the same twice cannot fill a
log."""

_OTHERS = "others"


@dataclass(frozen=True)
class Sum:
    """Events that were not told one by one."""

    counts: Mapping[Hashable, int]
    """Of each kind."""
    span_s: float
    """From the last telling to the last of them."""

    @property
    def count(self) -> int:
        """Of all kinds."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Verdict:
    """What to do about an event."""

    tell: bool
    """Tell it as it is."""
    sum: Sum | None = None
    """Tell these together: the event among them, or, where it is to be told as it is, what came before it."""


class Repetitions:
    """All times are seconds on one monotonic clock, which the caller owns."""

    def __init__(
        self, intervals_s: Sequence[float] = INTERVALS_S, recent_s: float = RECENT_S, *, at_once: int = 1
    ) -> None:
        self._intervals_s = intervals_s
        self._recent_s = recent_s
        self._at_once = at_once
        self._seen_s: dict[Hashable, float] = {}
        self._times: dict[Hashable, int] = {}
        """How often each kind was told as it is; up to `at_once` times in a row."""
        self._held: dict[Hashable, int] = {}
        self._held_until_s = 0.0
        self._told_s = 0.0
        self._tellings = 0
        """Since it was quiet; how far the intervals have grown."""

    def note(self, kind: Hashable, now_s: float) -> Verdict:
        """Take an event, and say whether to tell it."""
        for old in [known for known, at_s in self._seen_s.items() if now_s - at_s >= self._recent_s]:
            del self._seen_s[old], self._times[old]
        if not self._seen_s:
            self._tellings = 0
        if kind not in self._seen_s and len(self._seen_s) >= KINDS_LIMIT:
            kind = _OTHERS
        times = self._times.setdefault(kind, 0)
        self._seen_s[kind] = now_s
        if times < self._at_once:
            self._times[kind] += 1
            return Verdict(tell=True, sum=None if self._tellings else self._sum_up(now_s))
        self._held[kind] = self._held.get(kind, 0) + 1
        self._held_until_s = now_s
        due_s = self._told_s + self._intervals_s[min(self._tellings, len(self._intervals_s)) - 1]
        return Verdict(tell=False, sum=self._sum_up(now_s) if now_s >= due_s else None)

    def _sum_up(self, now_s: float) -> Sum | None:
        """What is held back, if anything; the next sum is an interval away from now."""
        held = Sum(self._held, self._held_until_s - self._told_s) if self._held else None
        self._held = {}
        self._told_s = now_s
        self._tellings += 1
        return held


class Changes:
    """Which changes of a state that may come and go a hundred times an hour are worth a line.

    As with `Repetitions`; and a state that was held back is told once it has lasted for `SETTLED_S`, so that a log
    never ends with the wrong one.
    """

    def __init__(self, state: Hashable) -> None:
        self._repetitions = Repetitions(at_once=CHANGES_AT_ONCE)
        self._state = state
        self._since_s = 0.0
        self.held = False
        """Whether the present state was not told."""

    def note(self, state: Hashable, now_s: float) -> Verdict:
        """Take the state as it is, and say whether to tell it, with a sum of what was held back, if one is due."""
        if state == self._state:
            if not self.held or now_s - self._since_s < SETTLED_S:
                return Verdict(tell=False)
            self.held = False
            return Verdict(tell=True)
        self._state, self._since_s = state, now_s
        verdict = self._repetitions.note(state, now_s)
        self.held = not (verdict.tell or verdict.sum)
        return Verdict(tell=not self.held, sum=verdict.sum)

    def reset(self, state: Hashable) -> None:
        """This is the state, and nobody needs to be told."""
        self._state, self.held = state, False


def with_sum(text: str, summed: Sum | None) -> str:
    """`text`, with how often it changed unseen before."""
    if summed is None:
        return text
    return f"{text} (with {summed.count} changes in {duration(summed.span_s)} that were not told one by one)"


def duration(seconds: float) -> str:
    """A length of time for a person, to two units: `45 s`, `9 min 30 s`, `3 h 12 min`, `2 d 5 h`."""
    whole = round(seconds)
    for name, size, lesser, lesser_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // lesser_size
            return f"{whole // size} {name} {rest} {lesser}" if rest else f"{whole // size} {name}"
    return f"{whole} s"
