"""The kernel's news of sound hardware that came or went, through libudev; the only importer of pyudev.

The same news comes twice, and both are listened to:

* from **udev**, once it has given the device its group and permissions. Right wherever udevd runs. Its messages do not
  leave the network namespace it runs in.
* from the **kernel**, as soon as the device is there, which is before udev has done its part. All there is in a
  container, or beside busybox's mdev.

Hence a different time to settle for each: whoever hears of a card is to find it complete and permitted. libudev checks
who sent a message; only the kernel and root are believed.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLE_S: Mapping[str, float] = {"udev": 0.1, "kernel": 0.5}
"""How long after the first of its messages each source is believed to be done with a card.

A USB microphone makes about ten messages (control, capture, the card as a whole) within a few milliseconds. udev takes
tens of milliseconds for its rules on a small board; half a second leaves room for a busy one.
"""
BUFFER_BYTES = 256 * 1024
"""Room in the kernel for what is not yet read, instead of the 128 MB that libudev asks for. An overrun loses nothing:
it counts as news, and whoever waits looks at everything anyway."""
MESSAGES_AT_ONCE_MAX = 1000
"""Messages read in one go, so that a device gone mad cannot keep the other tasks waiting."""

_NETLINK_KOBJECT_UEVENT = 15
"""From linux/netlink.h; Python's socket module does not have it."""

_log = logging.getLogger(__name__)


class _Monitor(Protocol):
    """The part of `pyudev.Monitor` that is used."""

    def fileno(self) -> int: ...

    def poll(self, timeout: float) -> object | None: ...


class KernelNews:
    """Tells whoever waits that hardware came or went; implements `seams.hardware.Hotplug`.

    `subsystem` is the kernel's: `sound` for cards. Where no news can be had (no netlink in the sandbox, no libudev) a
    line in the log says so once, `changed` waits for ever, and whoever waits looks by itself after a while.
    """

    def __init__(
        self, subsystem: str = "sound", *, settle_s: Mapping[str, float] = SETTLE_S, buffer_bytes: int = BUFFER_BYTES
    ) -> None:
        self._subsystem = subsystem
        self._settle_s = settle_s
        self._buffer_bytes = buffer_bytes
        self._next = trio.Event()

    async def changed(self) -> None:
        """Wait until hardware comes or goes after this call; see `seams.hardware.Hotplug`."""
        await self._next.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled; started once it does, or knows that it cannot. Ends by nothing else.

        Blocks for about 10 ms at first: libudev is looked for and loaded.
        """
        monitors = self._subscribe()
        async with trio.open_nursery() as nursery:
            for source, monitor in monitors.items():
                nursery.start_soon(self._follow, monitor, self._settle_s[source])
            task_status.started()
            await trio.sleep_forever()

    def _subscribe(self) -> dict[str, _Monitor]:
        monitors: dict[str, _Monitor] = {}
        reason = ""
        try:
            _netlink_socket().close()  # pyudev does not tell why it cannot have one
            import pyudev  # noqa: PLC0415 - a megabyte that only the daemon needs

            context = pyudev.Context()
            for source in self._settle_s:
                monitor = pyudev.Monitor.from_netlink(context, source=source)
                monitor.filter_by(self._subsystem)
                with contextlib.suppress(OSError):  # an old libudev asks for CAP_NET_ADMIN, and keeps what it has
                    monitor.set_receive_buffer_size(self._buffer_bytes)
                monitor.start()
                monitors[source] = monitor
        except (ImportError, OSError, ValueError) as error:  # a ValueError is pyudev's EINVAL
            reason = getattr(error, "strerror", None) or str(error)
        if reason:
            _log_silence(reason)
        return monitors

    async def _follow(self, monitor: _Monitor, settle_s: float) -> None:
        try:
            while True:
                await trio.lowlevel.wait_readable(monitor.fileno())
                if _drain(monitor):
                    await trio.sleep(settle_s)
                    _drain(monitor)
                    self._tell()
        except OSError as error:
            _log_silence(error.strerror or str(error))

    def _tell(self) -> None:
        heard, self._next = self._next, trio.Event()
        heard.set()


def _drain(monitor: _Monitor) -> bool:
    """Read what there is; whether any of it was of the subsystem, or may have been. Raises `OSError` for good."""
    news = False
    for _ in range(MESSAGES_AT_ONCE_MAX):
        try:
            if monitor.poll(timeout=0) is None:
                break
        except OSError as error:
            if errno.ENOBUFS not in (error.errno, _pending_error(monitor.fileno())):
                raise
            _log.debug("more news of hardware came than the kernel's buffer holds")
        except (ValueError, OverflowError):  # a message that libudev cannot read, which pyudev tells by these
            continue
        news = True
    return news


def _pending_error(descriptor: int) -> int:
    """The error a socket has in store, which asking takes away: pyudev only tells that there is one."""
    with socket.socket(fileno=os.dup(descriptor)) as same:
        return same.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _netlink_socket() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_KOBJECT_UEVENT)


def _log_silence(reason: str) -> None:
    _log.warning(
        "no news of sound hardware that comes or goes can be had from the kernel (%s); it is looked for every few "
        "seconds instead",
        reason,
    )
