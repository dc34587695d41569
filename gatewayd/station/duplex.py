"""What capture and playback of one station ask of each other, on boards whose two directions are not independent."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PLAYBACK_LIMIT_S = 3.0
"""How long capture waits until playback runs, or is closed: longer than a playback that is there takes for either."""


class Duplex:
    """Shared by the two supervisors of a station. Without a playback supervisor nothing here waits for one."""

    def __init__(self) -> None:
        self.silence_wanted = False
        """Whether playback opened from now on is to play silence while it has nothing to say, whatever its settings."""
        self._permitted = trio.Event()
        self._permitted.set()
        self._closed = trio.Event()
        self._closed.set()
        self._running = trio.Event()
        self._close_playback: Callable[[], None] = lambda: None

    # Playback's side

    async def playback_permitted(self) -> None:
        """Wait while capture needs playback closed: for as long as a USB reset takes at most."""
        await self._permitted.wait()

    @contextmanager
    def playback_open(self, close: Callable[[], None]) -> Iterator[None]:
        """Around an open playback stream; `close` has it closed, and opened again once that is permitted."""
        self._closed = trio.Event()
        self._close_playback = close
        try:
            yield
        finally:
            self._close_playback = lambda: None
            if self._running.is_set():
                self._running = trio.Event()
            self._closed.set()

    def note_playback_running(self) -> None:
        """Playback is open and does what it is to do, which may be nothing."""
        self._running.set()

    # Capture's side

    async def playback_running(self) -> bool:
        """Wait until playback runs, for `PLAYBACK_LIMIT_S`; whether it does."""
        with trio.move_on_after(PLAYBACK_LIMIT_S) as limit:
            await self._running.wait()
        return not limit.cancelled_caught

    @asynccontextmanager
    async def playback_closed(self) -> AsyncIterator[None]:
        """Playback is closed inside, at the latest after `PLAYBACK_LIMIT_S` of waiting for it."""
        self._permitted = trio.Event()
        try:
            self._close_playback()
            with trio.move_on_after(PLAYBACK_LIMIT_S):
                await self._closed.wait()
            yield
        finally:
            self._permitted.set()
