"""Scripted other ends: real sockets or memory streams, with or without TLS, that behave or misbehave as told."""

from __future__ import annotations

import socket
import ssl
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import trio
import trio.abc
import trio.testing
import wsproto
import wsproto.events

from gatewayd.cloud.websocket import WebSocketTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    import trustme

    from gatewayd.cloud.websocket import WebSocket

    Behaviour = Callable[[trio.abc.Stream], Awaitable[None]]


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def listening(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve each connection with `behaviour`; gives the port. What it opened is closed, abruptly, at the end."""

    async def serve(connection: trio.SocketStream) -> None:
        stream: trio.abc.Stream = connection
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            try:
                if tls is not None:
                    stream = trio.SSLStream(connection, tls, server_side=True, https_compatible=True)
                await behaviour(stream)
            finally:
                await trio.aclose_forcefully(connection)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, listeners)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def silent(stream: trio.abc.Stream) -> None:
    """Take whatever comes and say nothing."""
    while await stream.receive_some(4096):
        pass


async def hang(_stream: trio.abc.Stream) -> None:
    """Not even read."""
    await trio.sleep_forever()


def answering(answer: bytes, *, heard: bytearray | None = None, close: bool = True) -> Behaviour:
    """Read a request's head (and keep it in `heard`), send `answer` and hang up, or not."""

    async def behave(stream: trio.abc.Stream) -> None:
        received = bytearray()
        while b"\r\n\r\n" not in received:
            data = await stream.receive_some(4096)
            if not data:
                return
            received += data
        if heard is not None:
            heard[:] = received
        await stream.send_all(answer)
        if not close:
            await silent(stream)

    return behave


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections: taken, but nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that answers nothing at all: its queue of connections is full, so that the kernel drops what comes."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class MemoryDialer:
    """A `Dialer` whose streams end in this process; `peer` is the other end of the last one opened."""

    def __init__(self, *, stuck_while: str = "") -> None:
        self.stuck_while = stuck_while
        self.dialled: list[tuple[str, int, bool]] = []
        self.opened = trio.Event()
        self.peer: trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
        self.stream: trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
        self.closed = False

    def dial(self, *, host: str, port: int, tls: bool) -> MemoryDialing:
        self.dialled.append((host, port, tls))
        return MemoryDialing(self)


class MemoryDialing:
    def __init__(self, dialer: MemoryDialer) -> None:
        self._dialer = dialer

    @property
    def step(self) -> str:
        return self._dialer.stuck_while

    async def __aenter__(self) -> trio.abc.Stream:
        if self._dialer.stuck_while:
            await trio.sleep_forever()
        self._dialer.stream, self._dialer.peer = trio.testing.memory_stream_pair()
        self._dialer.opened.set()
        return self._dialer.stream

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._dialer.closed = True
        await trio.aclose_forcefully(self._dialer.stream)


class WebSocketPeer:
    """The server's side of a WebSocket, frame by frame."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.protocol = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        self._events: list[wsproto.events.Event] = []

    async def accept(self, *, then: bytes = b"") -> wsproto.events.Request:
        """Take the upgrade; `then` goes out in the same segment."""
        request = await self.next_event()
        assert isinstance(request, wsproto.events.Request)
        await self.stream.send_all(self.protocol.send(wsproto.events.AcceptConnection()) + then)
        return request

    async def next_event(self) -> wsproto.events.Event:
        while not self._events:
            self.protocol.receive_data(bytes(await self.stream.receive_some(65536)) or None)
            self._events += list(self.protocol.events())
        return self._events.pop(0)

    async def send(self, *events: wsproto.events.Event) -> None:
        await self.stream.send_all(self.encode(*events))

    def encode(self, *events: wsproto.events.Event) -> bytes:
        return b"".join(self.protocol.send(event) for event in events)


@asynccontextmanager
async def conversation(*, then: bytes = b"") -> AsyncIterator[tuple[WebSocket, WebSocketPeer]]:
    """A WebSocket over memory streams, open on both sides; `then` comes in the same segment as the upgrade."""
    dialer = MemoryDialer()
    peers: list[WebSocketPeer] = []
    accepted = trio.Event()

    async def accept() -> None:
        await dialer.opened.wait()
        peers.append(WebSocketPeer(dialer.peer))
        await peers[0].accept(then=then)
        accepted.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        async with WebSocketTransport(dialer, connect_timeout_s=10).connect("wss://voice.example/ws") as connection:
            await accepted.wait()
            yield connection, peers[0]


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """A server's frame as RFC 6455, section 5.2, cuts it, whatever state anything is in."""
    length = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    if length < 126:
        return head + bytes([length]) + payload
    if length < 65536:
        return head + b"\x7e" + length.to_bytes(2, "big") + payload
    return head + b"\x7f" + length.to_bytes(8, "big") + payload


CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
