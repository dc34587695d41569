"""Tells of lost log records though none follows: a good day logs so little that the next one may come a week later."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.control.events import LogMessagesLost
from gatewayd.system.logs import lost_records, tell_losses

if TYPE_CHECKING:
    from gatewayd.control.events import Publish

LOOK_INTERVAL_S = 30.0
"""Between two looks: how long a loss stays untold once journald listens again."""


class LossReport:
    """Tells in the log itself, and those who follow the daemon's events."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._published = 0

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            await trio.sleep(LOOK_INTERVAL_S)
            tell_losses()
            lost = sum(lost_records().values())
            if lost > self._published:
                self._publish(LogMessagesLost(lost - self._published))
                self._published = lost
