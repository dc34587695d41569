"""The step of the clock: without the time no certificate can be judged."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from gatewayd.diagnosis.advice import SET_CLOCK
from gatewayd.diagnosis.results import failed, passed, warned
from gatewayd.diagnosis.walk import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.seams.clock import Clock

EARLIEST_YEAR, LATEST_YEAR = 2025, 2099
"""This program is younger than the first, and no certificate lives to the second: outside, the clock is wrong."""


def read_clock(clock: Clock, now_s: Callable[[], float]) -> Found[bool]:
    """Whether this device knows the time; `now_s` gives seconds since 1970 (`time.time`)."""
    try:
        now = datetime.fromtimestamp(now_s(), timezone.utc)
    except (OverflowError, ValueError, OSError):
        return Found(failed("it shows a time that is no date", SET_CLOCK), True)
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if not EARLIEST_YEAR <= now.year <= LATEST_YEAR:
        return Found(failed(f"{told} cannot be: certificates will be refused", SET_CLOCK), True)
    if not clock.synchronised():
        return Found(
            warned(f"{told}, and nobody keeps it right: no time daemon says that it is synchronised", SET_CLOCK), True
        )
    return Found(passed(f"{told}, synchronised"), True)
