"""How many samples a second a card really gives."""

from __future__ import annotations

from collections import deque
from math import inf

TURN_S = 10.0
"""Time from one anchor to the next, on average."""
LISTEN_S = 5.0
"""First part of each turn, in which the anchor is looked for; two anchors are thus at least 5 s apart."""
INTERVALS = 3
"""Intervals between anchors that a verdict needs: one that a stall of the machine has spoilt decides nothing."""
AGREEMENT = 0.001
"""Share up to which two of the last three intervals must agree for the rate to be known."""
WRONG_FROM = 0.005
"""Share by which the rate must be off. Crystals are within 0.01 %, cheap ones 0.1 %; a mistaken rate is 2 % off or more
(a wrong clock divider), most often 8 % (44.1 for 48 kHz) or a factor of 2 or 3."""
RIGHT_UP_TO = 0.004
"""Share up to which a rate that was wrong must come back."""


class RateMonitor:
    """Compares samples received with the time they were received at.

    Sound is received late, by anything up to some tens of milliseconds, but never early. So the time that is least late
    within `LISTEN_S` is an anchor with little error, and the samples between two anchors over the time between them
    are the rate: at 2 ms of error and 10 s of distance to 0.03 %.
    """

    def __init__(self, rate_hz: int) -> None:
        self._nominal_hz = float(rate_hz)
        self._recent: deque[float] = deque(maxlen=INTERVALS)
        self.reset()

    def reset(self) -> None:
        """Forget all, the verdict too: the device was opened again."""
        self._wrong = False
        self._expected_hz = self._nominal_hz
        self.restart()

    def restart(self) -> None:
        """Sound was lost: count anew from here. What was found stays until there is something newer to say."""
        self._recent.clear()
        self._frames = 0
        self._turn_ends_s = -inf
        self._previous: tuple[int, float] | None = None
        self._anchor: tuple[int, float] | None = None
        self._least_late_s = inf

    def feed(self, frames: int, at_s: float) -> None:
        """Take that `frames` more (one at least) were there at `at_s`, on a clock that never goes backwards."""
        self._frames += frames
        if at_s >= self._turn_ends_s:
            self._turn_ends_s = at_s + TURN_S
            self._least_late_s = inf
        if self._turn_ends_s - at_s > TURN_S - LISTEN_S:
            late_s = at_s - self._frames / self._expected_hz
            if late_s < self._least_late_s:
                self._least_late_s = late_s
                self._anchor = (self._frames, at_s)
        elif self._anchor is not None:
            self._take_anchor(self._anchor)
            self._anchor = None

    def _take_anchor(self, anchor: tuple[int, float]) -> None:
        previous, self._previous = self._previous, anchor
        if previous is None or anchor[1] <= previous[1]:
            return
        self._recent.append((anchor[0] - previous[0]) / (anchor[1] - previous[1]))
        in_order = sorted(self._recent)
        # What is late is judged by the rate found, not by the rate wished for, or anchors would lie at a turn's edge.
        self._expected_hz = in_order[len(in_order) // 2]
        if len(in_order) == INTERVALS:
            self._judge([rate_hz / self._nominal_hz - 1.0 for rate_hz in in_order])

    def _judge(self, off: list[float]) -> None:
        if max(off[0], -off[-1]) > WRONG_FROM:
            self._wrong = True
        elif max(-off[0], off[-1]) <= RIGHT_UP_TO:
            self._wrong = False

    @property
    def wrong(self) -> bool:
        """Whether the card gives noticeably more or fewer samples than it says, found in all of the last intervals."""
        return self._wrong

    @property
    def rate_hz(self) -> float | None:
        """Samples a second, the median of the last intervals; None while they do not agree to `AGREEMENT`."""
        if len(self._recent) < INTERVALS:
            return None
        low, middle, high = sorted(self._recent)
        return middle if min(middle - low, high - middle) <= AGREEMENT * middle else None
