"""Keeping a sound device open: when it is tried again, and what is said about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

import trio

from gatewayd.errors import DeviceError, DeviceRefused

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

DELAY_MIN_S = 0.25
"""Longest wait before the first new attempt; it doubles from there."""
DELAY_MAX_S = 2.0
"""Longest wait between attempts: a device that is plugged in again works again within this."""
REFUSED_DELAY_MAX_S = 30.0
"""Longest wait when the device does something else than it should: only other hardware or a person can help."""
STABLE_AFTER_S = 5.0
"""Open for so long, over twice the adapter's progress limit, a device works: its next failure is news again."""
_DOUBLINGS_MAX = 16

_StreamT = TypeVar("_StreamT")
_StreamT_co = TypeVar("_StreamT_co", covariant=True)


class _Device(Protocol[_StreamT_co]):
    def open(self) -> AbstractAsyncContextManager[_StreamT_co]: ...


class Reopening(Generic[_StreamT]):
    """Opens a device again and again, for ever.

    After a failure it waits for a random half to whole of a time that doubles from `DELAY_MIN_S` to `DELAY_MAX_S`. A
    failure is logged when it begins and when it changes, not at each attempt, and not each time for a device that comes
    and goes within `STABLE_AFTER_S`; so is its end.
    """

    def __init__(
        self,
        device: _Device[_StreamT],
        *,
        purpose: str,
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._device = device
        self._purpose = purpose
        self._chance = chance
        self._log = log
        self._failures = 0
        self._logged = ""
        self._down_logged = False
        self._openings = 0
        self.attempted = trio.Event()
        """Set once the first attempt to open was made, whatever came of it."""

    @property
    def reopens(self) -> int:
        """How often the device was opened again after it had been open before."""
        return max(0, self._openings - 1)

    async def run(self, use: Callable[[_StreamT], Awaitable[NoReturn]]) -> NoReturn:
        """Hand every opened stream to `use`, which ends only by raising; `DeviceError` leads to a new attempt."""
        while True:
            opened_at_s: float | None = None
            try:
                async with self._device.open() as stream:
                    opened_at_s = trio.current_time()
                    self._note_opened()
                    await use(stream)
            except DeviceError as error:
                delay_s = self._note_failure(error, stable=_open_for_s(opened_at_s) >= STABLE_AFTER_S)
            await trio.sleep(delay_s)

    def _note_opened(self) -> None:
        self._openings += 1
        if self._down_logged:
            self._log.info("%s works again", self._purpose)
            self._down_logged = False
        self.attempted.set()

    def _note_failure(self, error: DeviceError, *, stable: bool) -> float:
        if stable:
            self._failures = 0
            self._logged = ""
        said = f"{type(error).__name__} {error}"
        if said != self._logged:
            level = logging.ERROR if isinstance(error, DeviceRefused) else logging.WARNING
            self._log.log(level, "%s does not work and is tried again: %s", self._purpose, error)
            self._logged = said
            self._down_logged = True
        longest_s = REFUSED_DELAY_MAX_S if isinstance(error, DeviceRefused) else DELAY_MAX_S
        delay_s = min(longest_s, DELAY_MIN_S * 2.0 ** min(self._failures, _DOUBLINGS_MAX))
        self._failures += 1
        self.attempted.set()
        return delay_s * self._chance.uniform(0.5, 1.0)


def _open_for_s(opened_at_s: float | None) -> float:
    return 0.0 if opened_at_s is None else trio.current_time() - opened_at_s
