"""Keeps the line that `systemctl status` shows up to date, without waking anybody for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.control.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.control.schema import DaemonStatus

LOOK_INTERVAL_S = 2.0
"""Between two looks: how late the line may be when something happens."""
MEASURED_INTERVAL_S = 30.0
"""Between two lines of which only levels and times differ: each wakes the service manager, and whoever watches it."""


class StatusReport:
    """Gives `tell` the line for what `status` returns, when it changes."""

    def __init__(self, status: Callable[[], DaemonStatus], tell: Callable[[str], None]) -> None:
        self._status = status
        self._tell = tell
        self._lasting: str | None = None
        self._told: str | None = None
        self._told_s = 0.0

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        while True:
            self.look()
            await trio.sleep(LOOK_INTERVAL_S)

    def look(self) -> None:
        """Tell what is new at once."""
        now_s = trio.current_time()
        status = self._status()
        lasting = status_line(status, measured=False)
        if lasting == self._lasting and now_s - self._told_s < MEASURED_INTERVAL_S:
            return
        line = status_line(status)
        if line != self._told:
            self._tell(line)
        self._lasting, self._told, self._told_s = lasting, line, now_s
