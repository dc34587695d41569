"""The clocks of the real world, as `seams.clock` wants them."""

from __future__ import annotations

import time

import trio


class SystemClock:
    """The event loop's clock, and the kernel's that goes on while the device sleeps."""

    def monotonic_s(self) -> float:
        """Seconds on trio's clock; only inside `trio.run`."""
        return trio.current_time()

    def boottime_s(self) -> float:
        """Seconds on CLOCK_BOOTTIME, see clock_gettime(2)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
