"""WebSocket connections: the only file that imports trio-websocket, and knows how to live with it.

The library gets a stream that this file opened and closes by force itself, so that no end of a connection waits for the
other side. Its reader runs under a guard (`_Reader`): whatever ends it, also the errors it lets out (a ping that
arrives after our close is one), ends every wait for the other side and nothing else.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, cast

import h11
import trio
import wsproto.connection
import wsproto.utilities

import gatewayd
from gatewayd.addresses import parse_address
from gatewayd.cloud.upgrade import UpgradingStream
from gatewayd.cloud.versions import versions_of_modules
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from gatewayd.session.messages import cause_of_close_code
from gatewayd.text import one_line

with versions_of_modules():
    import trio_websocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from gatewayd.addresses import Address
    from gatewayd.seams.dialer import Dialer

MESSAGE_LIMIT_BYTES = 65_536
"""A frame has 640 bytes and the longest text message a few hundred."""
WAITING_MESSAGES = 64
"""Received and not yet taken: 1.3 s of sound, 4 MiB at the very most. When it is full nothing is dropped: the library
stops reading, and with it answering pings, until there is room. Whoever receives must not dawdle."""
NO_STATUS, ABNORMAL = 1005, 1006
"""Close codes that stand for "none was said" (RFC 6455, section 7.4.1)."""

_TOO_LARGE = f"Exceeded maximum message size: {MESSAGE_LIMIT_BYTES} bytes"
"""The library's own words, by which its verdict is told from the peer's."""
_READER_ERRORS = (CloudError, wsproto.utilities.ProtocolError, h11.ProtocolError, trio_websocket.HandshakeError)
"""What the library's reader lets out when the other side misbehaves; anything else would be a bug."""

# at DEBUG it would write whole addresses, queries included
logging.getLogger("trio-websocket").setLevel(logging.WARNING)


class WebSocketTransport:
    """The `Transport` of the real world. ws:// only to this device itself, unless `allow_plaintext`."""

    def __init__(self, dialer: Dialer, *, connect_timeout_s: float, allow_plaintext: bool = False) -> None:
        self._dialer = dialer
        self._connect_timeout_s = connect_timeout_s
        self._allow_plaintext = allow_plaintext

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[WebSocket]:
        """Connect, secure and upgrade within `connect_timeout_s`; see `seams.transport.Transport`.

        Raises `CloudError` on entering: a connecting cause, `CONNECT_TIMED_OUT` naming the step, `UPGRADE_REFUSED` with
        `http_status` and `retry_after_s`, or `UPGRADE_FAILED`. Leaving the block closes by force, at once, and lets
        what the block raised pass as it is.
        """
        try:
            address = parse_address(url, schemes=("wss", "ws"), allow_plaintext=self._allow_plaintext)
        except ValueError as error:
            raise CloudError(Cause.UPGRADE_FAILED, f"the WebSocket address {error}") from None
        dialing = self._dialer.dial(host=address.host, port=address.port, tls=address.tls)
        step = f"waiting for {address.host} to answer the WebSocket upgrade"
        upgrading = False
        with trio.CancelScope(deadline=trio.current_time() + self._connect_timeout_s) as limit:
            async with dialing as stream:
                upgrading = True
                async with _websocket(UpgradingStream(stream, address.host), address) as connection:
                    limit.deadline = float("inf")
                    yield connection
        if limit.cancelled_caught:
            where = step if upgrading else dialing.step
            raise CloudError(Cause.CONNECT_TIMED_OUT, f"timed out after {self._connect_timeout_s:g} s while {where}")


@asynccontextmanager
async def _websocket(stream: UpgradingStream, address: Address) -> AsyncIterator[WebSocket]:
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            reader = _Reader(nursery, stream)
            yield WebSocket(await reader.upgrade(address), stream, reader)
        except BaseException as error:  # noqa: BLE001, ASYNC103 - raised again below, where no nursery wraps it
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


class WebSocket:
    """An open connection; see `seams.transport.Connection`."""

    def __init__(self, library: trio_websocket.WebSocketConnection, stream: UpgradingStream, reader: _Reader) -> None:
        self._library = library
        self._stream = stream
        self._reader = reader
        self._said_goodbye = False

    async def send_text(self, text: str) -> None:
        """Send one text message.

        Raises `CloudError`. Cancelled while its bytes are on the way it breaks the connection for good; cancelled
        before that, it leaves it whole and the message unsent.
        """
        await self._send(text)

    async def send_binary(self, data: bytes) -> None:
        """Send one binary message. Raises and is cancelled as `send_text`."""
        await self._send(data)

    async def receive(self) -> str | bytes:
        """Wait for one message; what came before the end is given first, then `CloudError` is raised."""
        try:
            return await self._library.get_message()
        except trio_websocket.ConnectionClosed as closed:
            raise self._ended(closed) from None

    async def ping(self) -> float:
        """Measure one round trip, in seconds. Raises `CloudError`; the caller bounds the wait."""
        started_s = trio.current_time()
        try:
            with self._reader.needed():
                await self._library.ping()
        except trio_websocket.ConnectionClosed as closed:
            raise self._ended(closed) from None
        return trio.current_time() - started_s

    async def close(self, code: int) -> None:
        """Say goodbye and wait for the answer; never raises for a peer that is gone. The caller bounds the wait."""
        self._said_goodbye = self._library.closed is None
        # a peer that goes instead of answering raises here; that is an end too
        with suppress(CloudError), self._reader.needed():
            await self._library.aclose(code)

    async def _send(self, message: str | bytes) -> None:
        try:
            await self._library.send_message(message)
        except trio_websocket.ConnectionClosed as closed:
            raise self._ended(closed) from None

    def _ended(self, closed: trio_websocket.ConnectionClosed) -> CloudError:
        """How the connection ended, by the close code if one was said."""
        reason = closed.reason
        if self._said_goodbye:
            return CloudError(Cause.CLOSED_NORMALLY, "the connection was closed here")
        if reason is None or reason.code == ABNORMAL:
            return self._reader.failure or self._stream.ending or _closed(reason)
        if reason.reason == _TOO_LARGE:
            return CloudError(
                Cause.PROTOCOL_VIOLATED, f"the service sent a message of more than {MESSAGE_LIMIT_BYTES} bytes"
            )
        # the library's verdict on a broken frame looks like a close by the service, but for its own state
        if self._library._wsproto.state is wsproto.connection.ConnectionState.OPEN:  # noqa: SLF001 - said nowhere else
            return _violated(reason.reason or f"close code {int(reason.code)}")
        return _closed(reason)


def _closed(reason: trio_websocket.CloseReason | None) -> CloudError:
    if reason is None or reason.code == ABNORMAL:
        return CloudError(cause_of_close_code(None), "the connection ended without a close code")
    if reason.code == NO_STATUS:
        return CloudError(cause_of_close_code(NO_STATUS), "the service closed the connection without a close code")
    words = f": {one_line(reason.reason)}" if reason.reason else ""
    code = int(reason.code)  # the library has names for some of them
    detail = f"the service closed the connection with code {code}{words}"
    return CloudError(cause_of_close_code(code), detail, close_code=code)


def _violated(how: str) -> CloudError:
    return CloudError(Cause.PROTOCOL_VIOLATED, f"the service broke the WebSocket protocol: {one_line(how[:200])}")


class _Reader:
    """Runs the library's reader, and ends every wait that needs it when it ends."""

    def __init__(self, nursery: trio.Nursery, stream: UpgradingStream) -> None:
        self._nursery = nursery
        self._stream = stream
        self._waits: set[trio.CancelScope] = set()
        self._upgraded = False
        self._ended = False
        self.failure: CloudError | None = None
        """What it let out, if anything."""

    async def upgrade(self, address: Address) -> trio_websocket.WebSocketConnection:
        with self.needed():
            library = await trio_websocket.wrap_client_stream(
                # the library uses a nursery's start_soon, and nothing else of it
                cast("trio.Nursery", self),
                cast("trio.SocketStream", self._stream),
                address.authority,
                address.target,
                extra_headers=[(b"User-Agent", f"gatewayd/{gatewayd.__version__}".encode())],
                message_queue_size=WAITING_MESSAGES,
                max_message_size=MESSAGE_LIMIT_BYTES,
            )
        self._upgraded = True
        return library

    def start_soon(self, read: Callable[[], Awaitable[None]]) -> None:
        """Stand in for the nursery that the library wants for its reader."""
        self._nursery.start_soon(self._guard, read)

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Bound a wait by the life of the reader: raises `CloudError` when that is over."""
        with trio.CancelScope() as scope:
            self._waits.add(scope)
            if self._ended:
                scope.cancel()
            try:
                yield
            finally:
                self._waits.discard(scope)
        if scope.cancelled_caught:
            raise self.failure or self._stream.ending or CloudError(Cause.CONNECTION_LOST, "the connection has ended")

    async def _guard(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except _READER_ERRORS as error:
            self.failure = self._misbehaviour(error)
        finally:
            self._ended = True
            for scope in self._waits:
                scope.cancel()

    def _misbehaviour(self, error: Exception) -> CloudError:
        if isinstance(error, CloudError):
            return error
        if not self._upgraded:
            return CloudError(Cause.UPGRADE_FAILED, "the answer to the WebSocket upgrade breaks the WebSocket protocol")
        return _violated(str(error))
