"""What waits to be sent in one session: bounded, in order, and able to forget the agent's voice.

Two lanes share one order. Control (messages, pongs, close frames) is never dropped; the agent's frames are, the oldest
first, once a second of them waits.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gatewayd.audio.formats import FRAME_MS
from gatewayd.sim.commands import HangUp, Say, Send

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES_LIMIT = 1000 // FRAME_MS
"""One second: what waits longer is no conversation."""
CONTROL_LIMIT_BYTES = 32 * 1024 * 1024
"""More than any script may send at once; a client that pings without reading its pongs gets no further."""

Item = Send | Say | HangUp


class Outbox:
    """A queue of what is to be sent."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._frames = 0
        self._control_bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(tuple(self._items))

    @property
    def overrun(self) -> bool:
        """More control messages wait than any client that reads would leave waiting."""
        return self._control_bytes > CONTROL_LIMIT_BYTES

    def put(self, item: Item) -> int:
        """Append; returns how many frames had to be forgotten for it, 0 or 1."""
        if isinstance(item, Send):
            self._control_bytes += len(item.data)
        dropped = 0
        if isinstance(item, Say):
            self._frames += 1
            if self._frames > FRAMES_LIMIT:
                self._forget_oldest_frame()
                dropped = 1
        self._items.append(item)
        return dropped

    def take(self) -> Item:
        """The next item. Raises `IndexError` when there is none."""
        item = self._items.popleft()
        if isinstance(item, Say):
            self._frames -= 1
        elif isinstance(item, Send):
            self._control_bytes -= len(item.data)
        return item

    def _forget_oldest_frame(self) -> None:
        for index, item in enumerate(self._items):
            if isinstance(item, Say):
                del self._items[index]
                self._frames -= 1
                return
