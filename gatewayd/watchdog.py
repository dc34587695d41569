"""Tells systemd that all is well, if it is: every part has given the signs of life that its own limits ask for.

Whoever is stuck is found out, and gatewayd started anew by systemd. A mere timer would go on telling that all is well
while nothing is; and what only waits, for a network or a microphone, is not stuck: it tries again in time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.message_ids import MessageId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatewayd.metrics.measurements import Histogram
    from gatewayd.progress import Progress

LOOK_INTERVAL_S = 10.0
"""Between two looks where nobody watches: the log and the status tell all the same."""
FEEDS = 3
"""How often systemd is told within its limit, so that a look that comes late does no harm."""

_log = logging.getLogger(__name__)


class Watchdog:
    """`parts` gives those that live now, by the names that people know them by; `feed` tells systemd. How late the
    event loop wakes it up goes to `lag_s`.
    """

    def __init__(
        self,
        parts: Callable[[], Mapping[str, Progress]],
        feed: Callable[[], None],
        *,
        limit_s: float | None,
        lag_s: Histogram | None = None,
    ) -> None:
        self._parts = parts
        self._feed = feed
        self._interval_s = LOOK_INTERVAL_S if limit_s is None else limit_s / FEEDS
        self._lag_s = lag_s
        self._told: set[str] = set()
        self.problems: tuple[str, ...] = ()
        """What is stuck, in a person's words."""

    async def run(self) -> NoReturn:
        """Look and feed until cancelled."""
        while True:
            self._look(trio.current_time())
            due_s = trio.current_time() + self._interval_s
            await trio.sleep_until(due_s)
            if self._lag_s is not None:
                self._lag_s.observe(trio.current_time() - due_s)

    def _look(self, now_s: float) -> None:
        stuck = {name: part for name, part in self._parts().items() if part.overdue(now_s)}
        self.problems = tuple(f"{name} is stuck" for name in stuck)
        for name, part in stuck.items():
            if name not in self._told:
                _log.error(
                    "%s is stuck: it has done nothing for %.0f s, and should have after %.0f; systemd's watchdog is "
                    "not fed while that lasts, and will start gatewayd anew",
                    name,
                    now_s - part.seen_s,
                    part.due_s - part.seen_s,
                    extra={
                        "message_id": MessageId.WATCHDOG_WITHHELD,
                        "what": name,
                        "age_s": now_s - part.seen_s,
                        "limit_s": part.due_s - part.seen_s,
                    },
                )
        for name in self._told - set(stuck):
            _log.warning("%s is no longer stuck", name)
        self._told = set(stuck)
        if not stuck:
            self._feed()
