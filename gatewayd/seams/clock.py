"""Time, where the event loop's own clock is not enough."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Clocks that tests replace; neither of the first two ever goes backwards."""

    def monotonic_s(self) -> float:
        """Seconds on the event loop's clock (virtual in tests): every deadline of the daemon is in these."""
        ...

    def boottime_s(self) -> float:
        """Seconds that also pass while the device sleeps (CLOCK_BOOTTIME): the age of a token is in these."""
        ...

    def synchronised(self) -> bool:
        """Whether this device knows the time: until it does, certificates cannot be judged."""
        ...
