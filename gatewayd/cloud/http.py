"""HTTP/1.1 requests, one connection each, over the same streams as the WebSocket.

h11 on our own stream rather than an HTTP library: the token, the heartbeat and the WebSocket then fail for the same
causes, under the same limits, with the same certificates; what a library adds (pools, cookies, redirects, proxies) is
unwanted here and costs 2 MB. Nothing of a request or an answer is ever logged.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import h11
import trio
import trio.abc

import gatewayd
from gatewayd.addresses import parse_address
from gatewayd.cloud import failures
from gatewayd.errors import CloudError
from gatewayd.seams.http import HttpResponse
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from gatewayd.addresses import Address
    from gatewayd.seams.dialer import Dialer
    from gatewayd.seams.http import HttpRequest

HEADER_LIMIT_BYTES = 16_384
"""Status line and headers of an answer; common servers send under 1 KiB and allow themselves 8 KiB."""
CHUNK_BYTES = 16_384
"""Read at a time: one TLS record."""

_BEGINNING = b"HTTP/"
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
"""Headers that say how the request is cut and carried; a configured one of these names is not sent."""


class H11Client:
    """The `HttpClient` of the real world. http:// only to this device itself, unless `allow_plaintext`."""

    def __init__(self, dialer: Dialer, *, allow_plaintext: bool = False) -> None:
        self._dialer = dialer
        self._allow_plaintext = allow_plaintext

    async def request(self, request: HttpRequest, *, timeout_s: float, body_limit_bytes: int) -> HttpResponse:
        """Send and wait for the whole answer, or for the head of one whose status is not 200 to 299, the body of which
        is left out; redirects are not followed.

        Raises `CloudError` with a connecting cause; `CONNECT_TIMED_OUT` after `timeout_s`, naming the step;
        `CONNECTION_LOST` when the connection ended before the answer did; `PROTOCOL_VIOLATED` for an answer that is
        not HTTP, or larger than allowed. Cancelling closes the connection.
        """
        try:
            address = parse_address(request.url, schemes=("https", "http"), allow_plaintext=self._allow_plaintext)
        except ValueError as error:
            raise CloudError(Cause.CONNECT_FAILED, f"the address {error}") from None
        dialing = self._dialer.dial(host=address.host, port=address.port, tls=address.tls)
        exchange: _Exchange | None = None
        with trio.move_on_after(timeout_s):
            async with dialing as stream:
                exchange = _Exchange(stream, address, body_limit_bytes)
                return await exchange.run(request)
        step = exchange.step if exchange else dialing.step
        raise CloudError(Cause.CONNECT_TIMED_OUT, f"timed out after {timeout_s:g} s while {step}")


class _Exchange:
    """One request and its answer on an open stream."""

    def __init__(self, stream: trio.abc.Stream, address: Address, body_limit_bytes: int) -> None:
        self._stream = stream
        self._address = address
        self._body_limit_bytes = body_limit_bytes
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_LIMIT_BYTES)
        self._beginning = b""
        self.step = f"sending the request to {address.host}"

    async def run(self, request: HttpRequest) -> HttpResponse:
        data = self._encode(request)
        with suppress(trio.BrokenResourceError):
            # a server may refuse a request before it has read all of it: what it said is still to be read
            await self._stream.send_all(data)
        self.step = f"waiting for the answer of {self._address.host}"
        head = await self._receive_head()
        self.step = f"reading the answer of {self._address.host}"
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        # what a refusal has to say is in its head; waiting for its body could lose that, should it be long or slow
        body = await self._receive_body() if 200 <= head.status_code <= 299 else b""
        return HttpResponse(status=head.status_code, headers=headers, body=body)

    def _encode(self, request: HttpRequest) -> bytes:
        headers = {
            "host": self._address.authority,
            "user-agent": f"gatewayd/{gatewayd.__version__}",
            "accept": "application/json, */*",
            "accept-encoding": "identity",
            "connection": "close",
        }
        headers.update((name.lower(), value) for name, value in request.headers.items() if name.lower() not in _OURS)
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            headers["content-length"] = str(len(request.body))
        try:
            head = h11.Request(method=request.method, target=self._address.target, headers=list(headers.items()))
        except (h11.LocalProtocolError, UnicodeError):
            # h11's own words repeat the value, which may be a secret
            raise CloudError(
                Cause.PROTOCOL_VIOLATED,
                f"the request to {self._address} cannot be sent: its method or one of its headers "
                f"({', '.join(sorted(request.headers))}) has characters that HTTP does not allow",
            ) from None
        return b"".join(
            self._protocol.send(event) or b"" for event in (head, h11.Data(data=request.body), h11.EndOfMessage())
        )

    async def _receive_head(self) -> h11.Response:
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise self._not_http()

    async def _receive_body(self) -> bytes:
        body = bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._body_limit_bytes:
                    raise CloudError(
                        Cause.PROTOCOL_VIOLATED,
                        f"{self._address.host} answered with more than {self._body_limit_bytes} bytes",
                    )
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            else:
                raise self._not_http()

    async def _next_event(self) -> h11.Event:
        ended = False
        while True:
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError:
                raise self._ended_early() if ended else self._not_http() from None
            if isinstance(event, h11.ConnectionClosed):
                raise self._ended_early()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise self._not_http()
            data = await self._receive()
            ended = not data
            self._check_beginning(data)
            self._protocol.receive_data(data)

    def _check_beginning(self, data: bytes) -> None:
        """Tell another protocol by its first bytes: the parser would wait for a whole head."""
        if len(self._beginning) < len(_BEGINNING):
            self._beginning += data[: len(_BEGINNING) - len(self._beginning)]
            if not _BEGINNING.startswith(self._beginning):
                raise self._not_http()

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(CHUNK_BYTES))
        except trio.BrokenResourceError as error:
            raise failures.connection_broke(error) from None

    def _ended_early(self) -> CloudError:
        return CloudError(Cause.CONNECTION_LOST, f"{self._address.host} hung up before its answer was complete")

    def _not_http(self) -> CloudError:
        return CloudError(
            Cause.PROTOCOL_VIOLATED, f"{self._address.host} port {self._address.port} did not answer in HTTP/1.1"
        )
