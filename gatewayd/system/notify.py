"""Tells systemd how the daemon is; the only importer of systemd-python."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS_LIMIT = 256
"""Longest status text, in characters: `systemctl status` shows it on one line."""

_log = logging.getLogger("gatewayd.notify")


class Notifier:
    """The way to the service manager; without one (`NOTIFY_SOCKET` is not set) every call does nothing.

    A call never fails: a service manager that cannot be reached is logged once, and left to its own time limits. It
    blocks only while the service manager's queue is full, which means that PID 1 itself hangs.
    """

    def __init__(self) -> None:
        self._send: Callable[[str], object] | None = None
        self._unreachable = False
        if "NOTIFY_SOCKET" in os.environ:
            # libsystemd and what it is linked with take 0.9 MB, which are wanted only where somebody listens
            from systemd.daemon import notify  # noqa: PLC0415

            self._send = notify

    def ready(self) -> None:
        """Say that sound and supervisor run; systemd counts the service as started."""
        self._notify("READY=1")

    def stopping(self) -> None:
        """Say that the daemon is leaving in good order."""
        self._notify("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._notify(f"STATUS={one_line(text)[:STATUS_LIMIT]}")

    def _notify(self, message: str) -> None:
        if self._send is None:
            return
        try:
            self._send(message)
        except OSError as error:
            if not self._unreachable:
                _log.warning("systemd cannot be told %s: %s; is NOTIFY_SOCKET right?", message, error.strerror)
            self._unreachable = True
