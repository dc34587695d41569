"""The real dialer, watched: are the sockets that it opened closed in the end?"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import trio
import trio.abc

from gatewayd.cloud.dial import FreshStream

if TYPE_CHECKING:
    from types import TracebackType

    from gatewayd.seams.dialer import Dialer, Dialing


class WatchedDialer:
    """Passes everything on, and keeps the sockets of the streams."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._sockets: list[trio.socket.SocketType] = []

    @property
    def opened(self) -> int:
        """How many streams were opened so far."""
        return len(self._sockets)

    @property
    def left_open(self) -> int:
        """How many of them still have their socket."""
        return sum(opened.fileno() != -1 for opened in self._sockets)

    def dial(self, *, host: str, port: int, tls: bool) -> WatchedDialing:
        return WatchedDialing(self._dialer.dial(host=host, port=port, tls=tls), self._sockets)


class WatchedDialing:
    """One attempt."""

    def __init__(self, dialing: Dialing, sockets: list[trio.socket.SocketType]) -> None:
        self._dialing = dialing
        self._sockets = sockets
        self._entered = AsyncExitStack()

    @property
    def step(self) -> str:
        return self._dialing.step

    async def __aenter__(self) -> trio.abc.Stream:
        stream = await self._entered.enter_async_context(self._dialing)
        self._sockets.append(_socket_of(stream))
        return stream

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._entered.aclose()


def _socket_of(stream: trio.abc.Stream) -> trio.socket.SocketType:
    fresh = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    assert isinstance(fresh, FreshStream)
    return fresh.tcp.socket
