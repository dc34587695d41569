"""Tells systemd how the daemon is; the only importer of systemd-python."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STATUS_LIMIT = 256
"""Longest status text, in characters: `systemctl status` shows it on one line."""

_log = logging.getLogger("gatewayd.notify")


def watchdog_limit_s() -> float | None:
    """How long systemd waits for a sign of life before it starts this process anew; None where it does not watch it.

    sd_watchdog_enabled(3): `WATCHDOG_PID` says whom it means, since children inherit both variables.
    """
    try:
        limit_us = int(os.environ.get("WATCHDOG_USEC", ""))
        watched = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return limit_us / 1e6 if limit_us > 0 and watched == os.getpid() else None


def kept_descriptors() -> Mapping[str, int]:
    """The open files that systemd kept for this process, by the names that `Notifier.keep` gave them."""
    if "LISTEN_FDS" not in os.environ:
        return {}
    from systemd.daemon import listen_fds_with_names  # noqa: PLC0415 - as below

    return {name: descriptor for descriptor, name in listen_fds_with_names().items()}


class Notifier:
    """The way to the service manager; without one (`NOTIFY_SOCKET` is not set) every call does nothing.

    A call never fails: a service manager that cannot be reached is logged once, and left to its own time limits. It
    blocks only while the service manager's queue is full, which means that PID 1 itself hangs.
    """

    def __init__(self) -> None:
        self._send: Callable[..., object] | None = None
        self._unreachable = False
        if "NOTIFY_SOCKET" in os.environ:
            # libsystemd and what it is linked with take 0.9 MB, which are wanted only where somebody listens
            from systemd.daemon import notify  # noqa: PLC0415

            self._send = notify

    def ready(self) -> None:
        """Say that sound and supervisor run; systemd counts the service as started."""
        self._notify("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read anew; `ready` says that this is over, whatever came of it."""
        # the time lets systemd tell this reload from an earlier one (sd_notify(3))
        self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def alive(self) -> None:
        """Say that every part is alive; without it for `WatchdogSec=` systemd starts the daemon anew."""
        self._notify("WATCHDOG=1")

    def keep(self, name: str, descriptor: int) -> None:
        """Have systemd keep an open file for the next process of this service (`FileDescriptorStoreMax=`)."""
        self._notify(f"FDSTORE=1\nFDNAME={name}", [descriptor])

    def forget(self, name: str) -> None:
        """Have systemd keep it no longer."""
        self._notify(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def stopping(self) -> None:
        """Say that the daemon is leaving in good order."""
        self._notify("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._notify(f"STATUS={one_line(text)[:STATUS_LIMIT]}")

    def _notify(self, message: str, descriptors: Sequence[int] = ()) -> None:
        if self._send is None:
            return
        try:
            self._send(message, fds=list(descriptors)) if descriptors else self._send(message)
        except OSError as error:
            if not self._unreachable:
                _log.warning("systemd cannot be told %s: %s; is NOTIFY_SOCKET right?", message, error.strerror)
            self._unreachable = True
