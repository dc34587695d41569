"""The stream under a WebSocket, watched: the answer to the upgrade is judged before the WebSocket library sees it, and
how the stream ended is kept.

The library by itself reads the whole body of a refusal, waits for ever when the other end hangs up instead of
answering, and keeps no reason for a lost connection.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
import trio
import trio.abc

from gatewayd.cloud import failures
from gatewayd.cloud.retry_after import retry_after_s
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER_LIMIT_BYTES = 16_384
"""Status line and headers of the answer to the upgrade."""
LAST_WORDS_S = 0.1
"""How long the end of what is received waits for a send that is under way. Of a connection that it gave up the kernel
tells the reason once, to whoever asks first, and to the other only that it is over."""


class UpgradingStream(trio.abc.Stream):
    """Passes bytes on. The first `receive_some` waits for a whole answer to the upgrade, and raises `CloudError` when
    it is anything but an agreement; the body of a refusal is not read.
    """

    def __init__(self, stream: trio.abc.Stream, host: str) -> None:
        self._stream = stream
        self._host = host
        self._upgraded = False
        self._sending = False
        self._sent = trio.lowlevel.ParkingLot()
        self.ending: CloudError | None = None
        """Why nothing more can come, once that is so."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As any stream; what came with the answer to the upgrade may exceed `max_bytes`."""
        if self._upgraded:
            return await self._receive(max_bytes)
        received = await self._receive_upgrade()
        self._upgraded = True
        return received

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As any stream; one that is cancelled half-way closes it, because what was sent ends in the middle."""
        sent = False
        self._sending = True
        try:
            await self._stream.send_all(data)
            sent = True
        except trio.BrokenResourceError as error:
            self._end(failures.connection_broke(error))
            raise
        finally:
            self._sending = False
            self._sent.unpark_all()
            if not sent:
                self._end(CloudError(Cause.CONNECTION_LOST, "the connection was given up in the middle of a message"))
                await trio.aclose_forcefully(self._stream)

    async def wait_send_all_might_not_block(self) -> None:
        """As any stream."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close by force, at once."""
        self._end(CloudError(Cause.CONNECTION_LOST, "the connection was closed here"))
        await trio.aclose_forcefully(self._stream)

    def _end(self, ending: CloudError) -> None:
        self.ending = self.ending or ending

    async def _receive(self, max_bytes: int | None) -> bytes:
        try:
            received = bytes(await self._stream.receive_some(max_bytes))
        except trio.BrokenResourceError as error:
            self._end(failures.connection_broke(error))
            raise
        if not received:
            await self._hear_sender()
            self._end(CloudError(Cause.CONNECTION_LOST, f"{self._host} hung up without saying why"))
        return received

    async def _hear_sender(self) -> None:
        with trio.move_on_after(LAST_WORDS_S):
            while self._sending:
                await self._sent.park()

    async def _receive_upgrade(self) -> bytes:
        protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_LIMIT_BYTES)
        # what was really asked has been sent already; this only tells the parser what kind of answer may come
        asked = [("Host", "example.invalid"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        protocol.send(h11.Request(method="GET", target="/", headers=asked))
        protocol.send(h11.EndOfMessage())
        received = bytearray()
        while True:
            try:
                event = protocol.next_event()
            except h11.RemoteProtocolError:
                raise CloudError(
                    Cause.UPGRADE_FAILED, f"{self._host} did not answer the WebSocket upgrade in HTTP/1.1"
                ) from None
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                    if not all(value.isascii() for _, value in event.headers):  # the library would fail on them
                        raise CloudError(
                            Cause.UPGRADE_FAILED, f"{self._host} answered the WebSocket upgrade with a broken header"
                        )
                    return bytes(received)
                # early hints and the like, which the library would take for a refusal
                received = bytearray(protocol.trailing_data[0])
            if isinstance(event, h11.Response):
                raise _refusal(self._host, event.status_code, event.headers)
            if event is h11.NEED_DATA:
                data = await self._receive_answer()
                received += data
                protocol.receive_data(data)

    async def _receive_answer(self) -> bytes:
        try:
            data = await self._receive(HEADER_LIMIT_BYTES)
        except trio.BrokenResourceError:
            assert self.ending is not None  # noqa: S101 - set right before it was raised
            raise self.ending from None
        if not data:
            raise CloudError(Cause.UPGRADE_FAILED, f"{self._host} hung up instead of answering the WebSocket upgrade")
        return data


def _refusal(host: str, status: int, headers: Iterable[tuple[bytes, bytes]]) -> CloudError:
    if 200 <= status <= 299:
        what = "there is no WebSocket at this address"
    elif 300 <= status <= 399:
        what = "redirects are not followed; use the address it leads to"
    elif status in (401, 403):
        what = "not authorised"
    elif status == 404:
        what = "nothing at this address; check its path"
    else:
        what = _phrase(status)
    texts = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    return CloudError(
        Cause.UPGRADE_REFUSED,
        f"{host} refused the WebSocket with HTTP {status}: {what}",
        http_status=status,
        retry_after_s=retry_after_s(texts),
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "a status that HTTP does not define"
