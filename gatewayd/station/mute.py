"""A station's mute: its microphone closed because a person wants so, not merely unheard.

The switch outlives the capture that obeys it, and the station: neither a bug nor a new configuration opens a microphone
that somebody muted.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import Muted, Unmuted, publish_nowhere
from gatewayd.errors import Unavailable
from gatewayd.message_ids import MessageId

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from gatewayd.control.events import Publish
    from gatewayd.seams.muting import MuteStore

CLOSE_LIMIT_S = 1.0
"""Longest wait for the microphone to be closed, which takes a millisecond or two."""
KEEP_LIMIT_S = 3.0
"""Longest wait for a memory card to take the mute; the microphone is closed all the same."""


class MuteSwitch:
    """One station's; off, unless `keep_in` finds another in the store."""

    def __init__(self, *, log: logging.LoggerAdapter[logging.Logger], publish: Publish = publish_nowhere) -> None:
        self._log = log
        self._publish = publish
        self._store: MuteStore | None = None
        self._on = False
        self._lifted = trio.Event()
        self._closed = trio.Event()
        self._closed.set()
        self._close: Callable[[], None] = lambda: None
        self._keeping = trio.Lock()

    @property
    def on(self) -> bool:
        """Whether the station is muted: no sound that was captured may be handed on."""
        return self._on

    def keep_in(self, store: MuteStore | None, *, restore: bool) -> None:
        """Keep the mute there from now on, None: nowhere; with `restore` take it from there."""
        self._store = store
        if store is None or not restore:
            return
        try:
            self._on = store.read()
        except OSError as error:
            self._log.error("whether this station was muted is not known, so it is not: %s", error)
        if self._on:
            extra = {"message_id": MessageId.STATION_MUTED}
            self._log.info("muted, as it was before the restart: the microphone stays closed", extra=extra)

    # A person's side

    def turn_on(self) -> None:
        """Have the microphone closed, and kept closed; nothing of it is handed on from now on."""
        if not self._on:
            self._on = True
            self._lifted = trio.Event()
            self._log.info("muted: the microphone is closed", extra={"message_id": MessageId.STATION_MUTED})
            self._publish(Muted())
        self._close()

    async def closed(self) -> None:
        """Wait until the microphone is closed. Raises `Unavailable` when it is not within `CLOSE_LIMIT_S`."""
        with trio.move_on_after(CLOSE_LIMIT_S) as limit:
            await self._closed.wait()
        if limit.cancelled_caught:
            raise Unavailable("the microphone did not close, but nothing that it gives is sent; restart gatewayd")

    def turn_off(self) -> None:
        """Let the microphone be opened again, which takes a moment."""
        if self._on:
            self._on = False
            self._lifted.set()
            extra = {"message_id": MessageId.STATION_UNMUTED}
            self._log.info("no longer muted: the microphone is opened", extra=extra)
            self._publish(Unmuted())

    async def keep(self) -> None:
        """Have the store know, if there is one; what it cannot take is told in the log."""
        if self._store is None:
            return
        store = self._store
        with trio.move_on_after(KEEP_LIMIT_S) as limit:
            async with self._keeping:
                try:
                    await trio.to_thread.run_sync(lambda: store.write(muted=self._on), abandon_on_cancel=True)
                except OSError as error:
                    self._log.error("the mute will not survive a restart: %s", error)
        if limit.cancelled_caught:
            self._log.error("the mute may not survive a restart: the disk took longer than %g s", KEEP_LIMIT_S)

    # Capture's side

    async def lifted(self) -> None:
        """Wait while the station is muted."""
        while self._on:
            await self._lifted.wait()

    @contextmanager
    def microphone_open(self, close: Callable[[], None]) -> Iterator[None]:
        """Around an open microphone; `close` has it closed."""
        self._closed = trio.Event()
        self._close = close
        try:
            yield
        finally:
            self._close = lambda: None
            self._closed.set()
