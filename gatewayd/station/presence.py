"""Whether a microphone gives sound, as its session is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DEVICE_GRACE_S = 3.0
"""How long a microphone may be gone before its absence is reported and ends a session: a USB glitch is over by then."""


class Presence:
    """Whether sound flows, reported when it changes for longer than a glitch."""

    def __init__(self, report: Callable[[bool], Awaitable[None]]) -> None:
        self._report = report
        self._found = trio.Event()
        self._lost = trio.Event()
        self._lost.set()

    def found(self) -> None:
        """Sound flows; cheap to say again."""
        if not self._found.is_set():
            self._found.set()
            self._lost = trio.Event()

    def lost(self) -> None:
        """No sound flows."""
        if not self._lost.is_set():
            self._lost.set()
            self._found = trio.Event()

    async def run(self) -> NoReturn:
        """Report for ever; nothing but the next report waits for one."""
        reported: bool | None = None
        while True:
            with trio.move_on_after(DEVICE_GRACE_S) as grace:
                await self._found.wait()
            present = not grace.cancelled_caught
            if present is not reported:
                await self._report(present)
                reported = present
            await (self._lost if present else self._found).wait()
