"""Keeping a sound device open: when it is tried again, and what is said about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

import trio

from gatewayd.errors import DeviceAmbiguous, DeviceDenied, DeviceError, DeviceRefused
from gatewayd.message_ids import MessageId
from gatewayd.progress import LATENESS_S, Progress
from gatewayd.repetitions import Changes, with_sum

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from gatewayd.seams.hardware import Hotplug

DELAY_MIN_S = 0.25
"""Longest wait before the first new attempt; it doubles from there."""
DELAY_MAX_S = 2.0
"""Longest wait between attempts: a device that is plugged in again works again within this, without any news of it."""
REFUSED_DELAY_MAX_S = 30.0
"""Longest wait while only other hardware or a person can help; news of hardware ends it at once."""
NEWS_INTERVAL_S = 1.0
"""Between two attempts made at once for news of hardware: a loose plug gives hundreds of them."""
STABLE_AFTER_S = 5.0
"""Open for so long, over twice the adapter's progress limit, a device works: its next failure is news again."""
OPENING_LIMIT_S = 15.0
"""For one step on the way to an open device: what is waited for in one has limits of its own, of 3 s at most each."""
SOUND_LIMIT_S = 10.0
"""For sound to move while it should. The adapter says after 2 s itself that none does: this is for an adapter that
hangs."""
_DOUBLINGS_MAX = 16
_FOR_A_PERSON = (DeviceAmbiguous, DeviceDenied, DeviceRefused)
_WORKS = "works"
_LOST = {"capture": MessageId.MICROPHONE_LOST, "playback": MessageId.SPEAKER_LOST}
_FOUND = {"capture": MessageId.MICROPHONE_FOUND, "playback": MessageId.SPEAKER_FOUND}

_StreamT = TypeVar("_StreamT")


class NothingToOpen(Exception):
    """The station has no such device now; it is looked for again when hardware comes, or after a while."""


class Reopening(Generic[_StreamT]):
    """Opens a device again and again, for ever.

    `open_stream` looks for the device anew each time, and raises `DeviceError` or `NothingToOpen`. After a failure it
    is called again after a random half to whole of a time that doubles from `DELAY_MIN_S` to `DELAY_MAX_S`; at once
    when sound hardware comes or goes, and then as after a first failure, since a device that came may be opened only
    some 100 ms after the kernel's news of it, when udev has set its permissions. A failure is logged when it begins and
    when it changes, not at each attempt, and not each time for a device that comes and goes within `STABLE_AFTER_S`; so
    is its end.
    """

    def __init__(
        self,
        open_stream: Callable[[], AbstractAsyncContextManager[_StreamT]],
        *,
        purpose: str,
        hotplug: Hotplug,
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
        note_failure: Callable[[DeviceError], None] = lambda _error: None,
    ) -> None:
        self._open_stream = open_stream
        self._purpose = purpose
        self._hotplug = hotplug
        self._chance = chance
        self._log = log
        self._tell_failure = note_failure
        self._failures = 0
        self._changes = Changes(_WORKS)
        self._reopens = 0
        self._was_open = False
        self._heeded_s = float("-inf")
        self._use_scope: trio.CancelScope | None = None
        self.progress = Progress(purpose)
        """Noted here while there is no stream; while there is one, by `use`."""
        self.problem: str | None = None
        """Why there is no stream that works; None from `note_works` on."""
        self.attempted = trio.Event()
        """Set once the first attempt to open was made, whatever came of it."""

    @property
    def reopens(self) -> int:
        """How often the device was opened again after it had been open before, unless it had rested."""
        return self._reopens

    async def run(self, use: Callable[[_StreamT], Awaitable[NoReturn]]) -> NoReturn:
        """Hand every opened stream to `use`, which ends only by raising; `DeviceError` leads to a new attempt."""
        while True:
            opened_at_s: float | None = None
            self.note_opening()
            try:
                async with self._open_stream() as stream:
                    opened_at_s = trio.current_time()
                    self.note_sound()
                    self._reopens += self._was_open
                    self._was_open = True
                    self.attempted.set()
                    with trio.CancelScope() as self._use_scope:
                        await use(stream)
                continue  # it was closed on purpose
            except NothingToOpen:
                self._failures, self.problem = 0, None
                self._changes.reset(_WORKS)
                delay_s = REFUSED_DELAY_MAX_S
            except DeviceError as error:
                delay_s = self._note_failure(error, stable=_open_for_s(opened_at_s) >= STABLE_AFTER_S)
            finally:
                self._use_scope = None
                self.attempted.set()
            self.progress.note(trio.current_time(), delay_s + NEWS_INTERVAL_S + LATENESS_S)
            await self._wait(delay_s)

    def reopen(self) -> None:
        """Have the stream closed and opened anew, at once; without one, nothing."""
        if self._use_scope is not None:
            self._use_scope.cancel()

    def rest(self) -> None:
        """It is not to be open for now: what was wrong before counts no longer, and its next opening as the first."""
        self._was_open = False
        self._failures, self.problem = 0, None
        self._changes.reset(_WORKS)
        self.progress.rest(trio.current_time())
        self.attempted.set()

    def note_opening(self) -> None:
        """A step on the way to an open device begins."""
        self.progress.note(trio.current_time(), OPENING_LIMIT_S)

    def note_sound(self) -> None:
        """Sound moves, or is about to; cheap to say again."""
        self.progress.note(trio.current_time(), SOUND_LIMIT_S)

    def note_works(self) -> None:
        """The stream does what it is for; cheap to say again."""
        if self.problem is not None or self._changes.held:
            self.problem = None
            self._tell(logging.INFO, _WORKS, "works again", _FOUND)

    def _note_failure(self, error: DeviceError, *, stable: bool) -> float:
        if stable:
            self._failures = 0
            self._changes.reset(_WORKS)
        self.problem = str(error)
        level = logging.ERROR if isinstance(error, _FOR_A_PERSON) else logging.WARNING
        said = f"{type(error).__name__} {error}"
        ids = dict.fromkeys(_LOST, MessageId.DEVICE_REFUSED) if isinstance(error, _FOR_A_PERSON) else _LOST
        self._tell(level, said, f"does not work and is tried again: {error}", ids, device=error.device)
        self._tell_failure(error)
        longest_s = REFUSED_DELAY_MAX_S if isinstance(error, _FOR_A_PERSON) else DELAY_MAX_S
        delay_s = min(longest_s, DELAY_MIN_S * 2.0 ** min(self._failures, _DOUBLINGS_MAX))
        self._failures += 1
        return delay_s * self._chance.uniform(0.5, 1.0)

    def _tell(self, level: int, state: str, text: str, ids: Mapping[str, MessageId], device: str | None = None) -> None:
        verdict = self._changes.note(state, trio.current_time())
        if not verdict.tell:
            level = logging.DEBUG
        extra = {"message_id": ids.get(self._purpose), "device": device}
        self._log.log(level, "%s %s", self._purpose, with_sum(text, verdict.sum), extra=extra)

    async def _wait(self, delay_s: float) -> None:
        with trio.move_on_after(delay_s):
            await self._hotplug.changed()
            await trio.sleep_until(self._heeded_s + NEWS_INTERVAL_S)
            self._heeded_s = trio.current_time()
            self._failures = 0


def _open_for_s(opened_at_s: float | None) -> float:
    return 0.0 if opened_at_s is None else trio.current_time() - opened_at_s
