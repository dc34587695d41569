"""The clocks of the real world, as `seams.clock` wants them."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import trio

TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd touches it when it has set the clock (systemd-timesyncd.service(8))."""
_TIMEX_BYTES = 208
"""Size of `struct timex` on 64-bit Linux (adjtimex(2))."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while nobody keeps the clock synchronised."""


class SystemClock:
    """The event loop's clock, and the kernel's that goes on while the device sleeps."""

    def __init__(self, timesync_mark: Path = TIMESYNC_MARK) -> None:
        self._timesync_mark = timesync_mark

    def monotonic_s(self) -> float:
        """Seconds on trio's clock; only inside `trio.run`."""
        return trio.current_time()

    def boottime_s(self) -> float:
        """Seconds on CLOCK_BOOTTIME, see clock_gettime(2)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def synchronised(self) -> bool:
        """Whether systemd-timesyncd has set the clock, or any other time daemon tells the kernel that it keeps it.

        Where the kernel may not be asked (systemd's `ProtectClock=`), only timesyncd's word is left.
        """
        return self._timesync_mark.exists() or 0 <= _kernel_clock_state() < _TIME_ERROR


def _kernel_clock_state() -> int:
    request = ctypes.create_string_buffer(_TIMEX_BYTES)  # all zero: nothing is changed
    return int(ctypes.CDLL(None).adjtimex(request))
