"""The socket on which systemd listens to its services, and what a daemon says there."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from tests.endtoend.running import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.endtoend.running import Setting


class ServiceManager:
    """Keeps all that was said, in order; a datagram is one message."""

    def __init__(self, path: Path, incoming: trio.socket.SocketType) -> None:
        self._path = path
        self._incoming = incoming
        self.told: list[str] = []

    def watching(self, setting: Setting, watchdog_s: float | None = None) -> Setting:
        """The setting of a daemon that this manager has started."""
        environment = {**setting.environment, "NOTIFY_SOCKET": str(self._path)}
        if watchdog_s is not None:
            environment["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))
        return replace(setting, environment=environment)

    async def next(self) -> str:
        message, *_ = await self._incoming.recvmsg(65536, socket.CMSG_SPACE(4))
        self.told.append(message.decode())
        return self.told[-1]

    async def wait_for(self, wanted: Callable[[str], bool]) -> str:
        """The next message that is wanted."""
        with trio.fail_after(PATIENCE_S):
            while not wanted(message := await self.next()):
                pass
        return message

    async def wait_quiet(self, quiet_s: float) -> None:
        """Wait until nothing was said for so long."""
        with trio.fail_after(PATIENCE_S):
            heard = True
            while heard:
                with trio.move_on_after(quiet_s) as silence:
                    await self.next()
                heard = not silence.cancelled_caught


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """Listens in `folder`."""
    path = folder / "notify"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(path))
    with trio.socket.from_stdlib_socket(listening) as incoming:
        yield ServiceManager(path, incoming)
