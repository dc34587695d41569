"""How often something may happen: so many times a second, with some more at once now and then."""

from __future__ import annotations


class Pace:
    """The generic cell rate algorithm (ITU-T I.371): at most `burst` at once, and `per_s` a second for long."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._interval_s = 1.0 / per_s
        self._tolerance_s = (burst - 1) / per_s
        self._expected_s = float("-inf")

    def delay_s(self, now_s: float) -> float:
        """Count one more, and say how long it has to wait; 0.0: not at all."""
        due_s = max(self._expected_s, now_s)
        self._expected_s = due_s + self._interval_s
        return max(0.0, due_s - self._tolerance_s - now_s)

    def allows(self, now_s: float) -> bool:
        """Count one more if it may happen now; whether it may."""
        if self._expected_s - self._tolerance_s > now_s:
            return False
        self.delay_s(now_s)
        return True
