"""How often the daemon died lately: one that keeps dying is not to start again each second, for ever.

systemd's own `RestartSteps=` is not known before its version 254, and never starts from the beginning again. Here the
count lies in a file in memory, which systemd keeps from one life to the next (`FileDescriptorStoreMax=`) and throws
away when the service is stopped; nothing is written to what the device runs from.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewayd.system.notify import kept_descriptors

if TYPE_CHECKING:
    import random

    from gatewayd.system.notify import Notifier

NAME = "lives"
DELAY_MIN_S = 1.0
"""Longest wait after the first death; it doubles with each."""
DELAY_MAX_S = 60.0
STABLE_AFTER_S = 600.0
"""Whoever lived for so long did not die of how it starts."""
_DOUBLINGS_MAX = 6
_RECORD_BYTES = 64


class Lives:
    """The record of the lives before this one; without systemd there is none. One a process."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self.deaths = 0
        """In a row, each before `STABLE_AFTER_S`."""

    def begin(self, chance: random.Random) -> float:
        """Note that a life begins; how long it should wait before it does anything, in seconds."""
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        descriptor = kept_descriptors().get(NAME)
        if descriptor is None:
            descriptor = os.memfd_create(NAME)
            self._notifier.keep(NAME, descriptor)
        else:
            before, began_s = _read(descriptor)
            self.deaths = 1 if now_s - began_s >= STABLE_AFTER_S else before + 1
        delay_s = _delay_s(self.deaths, chance)
        with suppress(OSError):  # out of memory: the wait is as it was
            os.pwrite(descriptor, f"{self.deaths} {now_s + delay_s:.3f}\n".ljust(_RECORD_BYTES).encode(), 0)
        os.close(descriptor)
        return delay_s

    def end(self) -> None:
        """Note that this life ends in good order, which is no death."""
        self._notifier.forget(NAME)


def _delay_s(deaths: int, chance: random.Random) -> float:
    """A random half to whole of what doubles with each death: a street of devices does not come back in step."""
    if deaths == 0:
        return 0.0
    return min(DELAY_MAX_S, DELAY_MIN_S * 2.0 ** min(deaths - 1, _DOUBLINGS_MAX)) * chance.uniform(0.5, 1.0)


def _read(descriptor: int) -> tuple[int, float]:
    """Deaths before, and when the last life began on CLOCK_BOOTTIME; of what cannot be read, none and long ago."""
    try:
        deaths, began_s = os.pread(descriptor, _RECORD_BYTES, 0).split()
        return max(0, int(deaths)), float(began_s)
    except (OSError, ValueError):
        return 0, float("-inf")
