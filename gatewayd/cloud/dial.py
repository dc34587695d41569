"""TCP and TLS connections that fail quickly, as what they are, and hold little that is unsent.

Sound is worth little when it is late. A frame is about 670 bytes on the wire, 50 a second; measured over a link of
Ethernet's size that swallows everything from one moment on:

- Linux by itself keeps 31 KB, 940 ms of sound, until sending blocks (over loopback up to 2 MB);
- with SO_SNDBUF at 16 KiB and TCP_NOTSENT_LOWAT at 8 KiB it keeps 47 KB, 1390 ms: it looks at both only when it begins
  a new packet, and the one that waits grows to half the peer's window;
- with SO_SNDBUF at 24 KiB and `FreshStream`, which asks for room before it sends, it keeps 15 KB, 460 ms.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
import select
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

import trio
import trio.abc

from gatewayd.addresses import is_loopback
from gatewayd.cloud import failures
from gatewayd.cloud.tunnel import open_tunnel
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from types import TracebackType

    from gatewayd.cloud.tunnel import Proxy

RESOLVER_THREADS = 4
"""Lookups at a time. The system's resolver cannot be cancelled: one that hangs keeps its thread until it gives up (30 s
or so with three dead servers), whoever asked being long gone. While all four hang, further lookups wait for one of
them, within their caller's own limit, and other threads of the process are not held up."""
ATTEMPT_DELAY_S = 0.25
"""Head start of each address over the next one (RFC 8305, section 5)."""
ADDRESS_LIMIT = 8
"""Of a name's addresses, as many are tried; the last starts after 1.75 s at most."""
USER_TIMEOUT_MS = 10_000
"""A connection that acknowledges nothing for this long is given up by the kernel (TCP_USER_TIMEOUT, tcp(7)); without
it a dead link looks alive for a quarter of an hour."""
SEND_BUFFER_BYTES = 24_576
"""SO_SNDBUF: with the kernel's overhead it holds 23 frames, so that round trips of up to 460 ms slow nothing down."""
UNSENT_LIMIT_BYTES = 8_192
"""TCP_NOTSENT_LOWAT: there is room for more while less than half of this has never been sent at all (120 ms)."""

Target = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Target]
"""As `socket.getaddrinfo` gives them: family, kind, protocol, canonical name, and what `connect` wants."""


class Resolver(Protocol):
    """`socket.getaddrinfo`, as far as it is needed here; called in a thread, and may block there."""

    def __call__(self, host: str, port: int, *, type: socket.SocketKind, flags: int) -> Sequence[Address]:  # noqa: A002 - its name there
        """Give the addresses in order of preference, at least one; raises `socket.gaierror` or `UnicodeError`."""
        ...


class TcpDialer:
    """The `Dialer` of the real world; `tls_context` as `cloud.tls.make_tls_context` makes it.

    With a `proxy` every stream goes through it, but those to this device itself. The proxy resolves the names then.
    """

    def __init__(
        self,
        *,
        tls_context: ssl.SSLContext,
        resolver: Resolver = socket.getaddrinfo,
        proxy: Proxy | None = None,
    ) -> None:
        self._tls_context = tls_context
        self._resolver = resolver
        self._resolver_threads = trio.CapacityLimiter(RESOLVER_THREADS)
        self._proxy = proxy

    def dial(self, *, host: str, port: int, tls: bool) -> TcpDialing:
        """See `seams.dialer.Dialer`; with a proxy also `PROXY_FAILED` and `PROXY_REFUSED`."""
        return TcpDialing(
            host,
            port,
            tls_context=self._tls_context if tls else None,
            proxy=None if is_loopback(host) else self._proxy,
            resolver=self._resolver,
            resolver_threads=self._resolver_threads,
        )


class TcpDialing:
    """One attempt; see `seams.dialer.Dialing`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls_context: ssl.SSLContext | None,
        proxy: Proxy | None,
        resolver: Resolver,
        resolver_threads: trio.CapacityLimiter,
    ) -> None:
        self._host = host
        self._port = port
        self._tls_context = tls_context
        self._proxy = proxy
        self._resolver = resolver
        self._resolver_threads = resolver_threads
        self._step = f"preparing to connect to {host}"
        self._opened = AsyncExitStack()

    @property
    def step(self) -> str:
        """What it is at."""
        return self._step

    async def __aenter__(self) -> trio.abc.Stream:
        async with AsyncExitStack() as opened:
            tcp = await self._reach(opened)
            stream: trio.abc.Stream = tcp
            if self._tls_context is not None:
                self._step = f"securing the connection to {self._host}"
                stream = await self._secure(tcp, self._tls_context)
            self._opened = opened.pop_all()
            return stream
        raise AssertionError("an exit stack swallows nothing")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    async def _reach(self, opened: AsyncExitStack) -> FreshStream:
        """A stream that leads to the host, straight or through the proxy."""
        proxy = self._proxy
        if proxy is None:
            return await self._open(opened, self._host, self._port)
        try:
            tcp = await self._open(opened, proxy.host, proxy.port, what="the proxy ")
        except CloudError as error:
            raise CloudError(Cause.PROXY_FAILED, f"the proxy (agent.proxy): {error.detail}") from None
        self._step = f"waiting for the proxy {proxy.host} to reach {self._host}"
        await open_tunnel(tcp, proxy, host=self._host, port=self._port)
        return tcp

    async def _open(self, opened: AsyncExitStack, host: str, port: int, *, what: str = "") -> FreshStream:
        self._step = f"resolving {what}{host}"
        addresses = await self._resolve(host, port)
        self._step = f"connecting to {what}{host}"
        tcp = await self._connect(host, port, addresses)
        opened.push_async_callback(trio.aclose_forcefully, tcp)
        return tcp

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        try:
            if _is_numeric(host):
                return self._resolver(
                    host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
                )  # no lookup, so no thread
            lookup = functools.partial(self._resolver, host, port, type=socket.SOCK_STREAM, flags=0)
            return await trio.to_thread.run_sync(lookup, abandon_on_cancel=True, limiter=self._resolver_threads)
        except (socket.gaierror, UnicodeError) as error:
            raise failures.resolving_failed(host, error) from None

    async def _connect(self, host: str, port: int, addresses: Sequence[Address]) -> FreshStream:
        """Try the addresses in turn, families alternating, each after `ATTEMPT_DELAY_S` or the failure of the one
        before it; the first to connect wins (RFC 8305, "Happy Eyeballs").
        """
        sockets: list[trio.socket.SocketType] = []
        errors: list[OSError] = []
        connected: trio.socket.SocketType | None = None
        kept: trio.socket.SocketType | None = None

        async def attempt(family: int, target: Target, failed: trio.Event) -> None:
            nonlocal connected
            try:
                candidate = trio.socket.socket(family, socket.SOCK_STREAM)
                sockets.append(candidate)
                _set_options(candidate)
                await candidate.connect(target)
            except OSError as error:
                errors.append(error)
                failed.set()
            else:
                connected = connected or candidate
                nursery.cancel_scope.cancel()

        try:
            async with trio.open_nursery() as nursery:
                for family, _kind, _protocol, _name, target in _alternate(addresses)[:ADDRESS_LIMIT]:
                    failed = trio.Event()
                    nursery.start_soon(attempt, family, target, failed)
                    with trio.move_on_after(ATTEMPT_DELAY_S):
                        await failed.wait()
            kept = connected
        finally:
            for candidate in sockets:
                if candidate is not kept:
                    candidate.close()
        if kept is None:
            raise failures.connecting_failed(host, port, errors)
        stream = trio.SocketStream(kept)
        # not before: SocketStream sets a limit of its own
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LIMIT_BYTES)
        return FreshStream(stream)

    async def _secure(self, tcp: FreshStream, tls_context: ssl.SSLContext) -> trio.SSLStream[FreshStream]:
        try:
            # HTTP and WebSocket say themselves where a message ends, so that TLS need not: `https_compatible`.
            # No certificate writes the dot that may end a complete host name.
            name = self._host.removesuffix(".")
            secured = trio.SSLStream(tcp, tls_context, server_hostname=name, https_compatible=True)
            await secured.do_handshake()
        except (trio.BrokenResourceError, ValueError) as error:
            raise failures.securing_failed(self._host, error) from None
        return secured


class FreshStream(trio.abc.Stream):
    """A TCP stream that gives the kernel nothing while it still has enough; see the top of this file."""

    def __init__(self, tcp: trio.SocketStream) -> None:
        self.tcp = tcp
        self._room = select.poll()
        self._room.register(tcp.socket.fileno(), select.POLLOUT)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As any stream."""
        # asked without waiting first: a trip through the event loop costs a hundred times as much
        if not self._room.poll(0):
            await self.tcp.wait_send_all_might_not_block()
        await self.tcp.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As any stream."""
        await self.tcp.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As any stream."""
        return bytes(await self.tcp.receive_some(max_bytes))

    async def aclose(self) -> None:
        """Close at once."""
        await self.tcp.aclose()


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _set_options(candidate: trio.socket.SocketType) -> None:
    candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    candidate.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def _alternate(addresses: Sequence[Address]) -> Sequence[Address]:
    """The first address stays first; after it the families take turns (RFC 8305, section 4)."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = itertools.zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]
