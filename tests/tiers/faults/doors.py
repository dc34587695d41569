"""The service's ports: what happens to the first connections is scripted, the rest is `gatewayd.sim` over TLS."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from gatewayd.sim.certificates import Authority, Flaw

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from gatewayd.sim.certificates import ServerTls
    from gatewayd.sim.service import Service

SMALL_BUFFER_BYTES = 4_096
"""SO_RCVBUF of a door whose peer stops reading: the kernel must not go on reading in its place for seconds."""


class Certificates:
    """One authority that the gateway trusts, one that it does not, and a certificate with each flaw."""

    def __init__(self, directory: Path) -> None:
        trusted = Authority(directory)
        self.good: ServerTls = trusted.server_tls()
        self.ca_file = str(trusted.ca_file)
        self.flawed: Mapping[Flaw, ssl.SSLContext] = {flaw: trusted.server_tls(flaw=flaw).context for flaw in Flaw}
        self.mutual: ssl.SSLContext = trusted.server_tls(clients=trusted).context
        self.untrusted: ssl.SSLContext = Authority(directory, name="stranger.pem").server_tls().context


@dataclass(frozen=True)
class Visit:
    """One TCP connection, just accepted."""

    tcp: trio.SocketStream
    certificates: Certificates
    service: Service

    async def secure(self, context: ssl.SSLContext | None = None) -> trio.SSLStream[trio.SocketStream]:
        """Shake hands, with the good certificate unless told otherwise."""
        stream = trio.SSLStream(
            self.tcp, context or self.certificates.good.context, server_side=True, https_compatible=True
        )
        await stream.do_handshake()
        return stream

    async def serve(self) -> None:
        """What the service usually does."""
        await self.service.serve_http(await self.secure())


if TYPE_CHECKING:
    Behaviour = Callable[[Visit], Awaitable[None]]


class Door:
    """A port. It refuses connections until `may_open` is set."""

    def __init__(
        self, behaviours: Sequence[Behaviour], service: Service, certificates: Certificates, *, small_buffer: bool
    ) -> None:
        self.may_open = trio.Event()
        self._behaviours = list(behaviours)
        self._service = service
        self._certificates = certificates
        self._socket = socket.socket()
        if small_buffer:  # which the connections inherit
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    async def serve(self) -> None:
        """Serve until cancelled; every connection is then closed by force."""
        with self._socket:
            await self.may_open.wait()
            self._socket.setblocking(False)
            self._socket.listen(64)
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._socket))
            await trio.serve_listeners(self._receive, [listener])

    async def _receive(self, tcp: trio.SocketStream) -> None:
        behave = self._behaviours.pop(0) if self._behaviours else Visit.serve
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await behave(Visit(tcp, self._certificates, self._service))
        finally:
            await trio.aclose_forcefully(tcp)
