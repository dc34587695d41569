"""From those who see something happen to those who follow it: bounded, and never in the way of sound."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import Lost, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewayd.control.events import Event, Publish

QUEUE_CAPACITY = 256
"""Events that wait for one follower; a bad hour has about as many, and a follower reads within milliseconds."""


def rfc3339(time_s: float) -> str:
    """A time since 1970 in UTC, to the millisecond."""
    # datetime could do it as well, for half a megabyte of memory
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time_s))}.{int(time_s * 1000) % 1000:03}Z"


def _boottime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class EventBus:
    """Everything that is published goes to everyone who has subscribed; all on one event loop."""

    def __init__(
        self, *, wall_s: Callable[[], float] = time.time, boottime_s: Callable[[], float] = _boottime_s
    ) -> None:
        self._wall_s = wall_s
        self._boottime_s = boottime_s
        self._subscriptions: list[Subscription] = []

    def publish(self, event: Event, station: str | None = None) -> None:
        """Take what happened to `station`, or to the daemon as a whole. Never blocks."""
        if not self._subscriptions:
            return
        notice = Notice(rfc3339(self._wall_s()), self._boottime_s(), station, event)
        for subscription in self._subscriptions:
            subscription.put(notice)

    @property
    def followers(self) -> int:
        """How many follow at the moment."""
        return len(self._subscriptions)

    def of(self, station: str | None) -> Publish:
        """What this station's parts publish by."""
        return partial(self.publish, station=station)

    @contextmanager
    def subscribe(self, station: str | None = None) -> Iterator[Subscription]:
        """Follow what is published inside: all of it, or that of this station and of the daemon as a whole."""
        subscription = Subscription(station, self._stamped)
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)

    def _stamped(self, event: Event) -> Notice:
        return Notice(rfc3339(self._wall_s()), self._boottime_s(), None, event)


class Subscription:
    """One follower's queue. When it is full the oldest goes, and `Lost` stands in its place. One task takes."""

    def __init__(self, station: str | None, stamped: Callable[[Event], Notice]) -> None:
        self._station = station
        self._stamped = stamped
        self._waiting: deque[Notice] = deque()
        self._lost = 0
        self._filled = trio.Event()

    def put(self, notice: Notice) -> None:
        """Queue what was published, if it is of interest here."""
        if self._station is not None and notice.station not in (None, self._station):
            return
        if len(self._waiting) >= QUEUE_CAPACITY:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(notice)
        self._filled.set()

    async def next(self) -> Notice:
        """Wait for what comes next. Cancelling takes nothing."""
        while True:
            if self._lost:
                lost, self._lost = self._lost, 0
                return self._stamped(Lost(lost))
            if self._waiting:
                return self._waiting.popleft()
            self._filled = trio.Event()
            await self._filled.wait()
