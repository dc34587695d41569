"""Answers Prometheus over HTTP: `GET /metrics`, one request a connection, nothing else.

It is made for this device's own scraper and endures whatever else connects: every wait, size and number is bounded, and
a client can do no more than be refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import h11
import trio

from gatewayd.addresses import is_loopback
from gatewayd.errors import Unavailable
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from typing import NoReturn

PATH = "/metrics"
CLIENTS_LIMIT = 8
"""Connections at a time; a further one is told 503. A scraper needs one."""
REQUEST_LIMIT_S = 5.0
"""Longest a client may take for its whole request."""
SEND_LIMIT_S = 10.0
"""Longest a client may take to accept the answer."""
HEAD_LIMIT_BYTES = 16_384
"""Longest head of a request; Prometheus's has about 400 bytes."""
_CHUNK_BYTES = 4096
_TEXT = "text/plain; charset=utf-8"

Render = Callable[[str], Awaitable[tuple[str, bytes]]]
"""Takes a request's `Accept` header; gives the content type and the text. Its own bounds are its own business."""


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    content_type: str = _TEXT
    headers: tuple[tuple[str, str], ...] = ()


class _Refused(Exception):
    """A request that is answered with this and nothing else."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        self.answer = _Answer(status, f"{reason}\n".encode(), headers=headers)
        super().__init__(reason)


async def serve(
    host: str, port: int, render: Render, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
) -> NoReturn:
    """Answer on an IP address and port until cancelled; started, with the port, once clients can connect.

    On a loopback address only requests made to a loopback name or address are answered: a web page that has its own
    name point here (DNS rebinding) learns nothing. Raises `Unavailable` when the port cannot be had.
    """
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unavailable(f"metrics.listen: cannot serve on {host} port {port}: {reason}") from None
    reception = Reception(render, local=is_loopback(host))
    async with listeners[0]:
        task_status.started(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(reception.receive, listeners)


class Reception:
    """Admits clients and answers each once."""

    def __init__(self, render: Render, *, local: bool) -> None:
        self._render = render
        self._local = local
        self._places = trio.Semaphore(CLIENTS_LIMIT)

    async def receive(self, stream: trio.abc.Stream) -> None:
        """Answer a client or turn it away."""
        with suppress(trio.BrokenResourceError):  # the client hung up: its business, not ours
            async with stream:
                try:
                    self._places.acquire_nowait()
                except trio.WouldBlock:
                    answer = _Answer(503, b"too many clients\n")
                    await _send(stream, h11.Connection(h11.SERVER), answer, head_only=False)
                    return
                try:
                    await self._converse(stream)
                finally:
                    self._places.release()

    async def _converse(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        request = None
        try:
            with trio.move_on_after(REQUEST_LIMIT_S):
                request = await _request(stream, connection)
            if request is None:  # it left, or is too slow for an answer
                return
            answer = await self._answer(request)
        except _Refused as refused:
            answer = refused.answer
        await _send(stream, connection, answer, head_only=request is not None and request.method == b"HEAD")

    async def _answer(self, request: h11.Request) -> _Answer:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        if self._local and not _names_loopback(headers.get("host", "")):
            raise _Refused(421, "ask for this device by its own address")
        if request.target.partition(b"?")[0] != PATH.encode():
            raise _Refused(404, f"there is only {PATH} here")
        if request.method not in (b"GET", b"HEAD"):
            raise _Refused(405, f"{PATH} wants GET", ("allow", "GET, HEAD"))
        content_type, body = await self._render(headers.get("accept", ""))
        return _Answer(200, body, content_type)


async def _request(stream: trio.abc.Stream, connection: h11.Connection) -> h11.Request | None:
    """The head of the client's request; None once it has left without one. Raises `_Refused`."""
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(_CHUNK_BYTES)))
    except h11.RemoteProtocolError as error:
        # its text may repeat what was sent
        raise _Refused(error.error_status_hint, "this is not HTTP/1.1, or too much of it") from None
    return event if isinstance(event, h11.Request) else None


async def _send(stream: trio.abc.Stream, connection: h11.Connection, answer: _Answer, *, head_only: bool) -> None:
    headers = [
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        ("connection", "close"),
        *answer.headers,
    ]
    data = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
    with trio.move_on_after(SEND_LIMIT_S):
        await stream.send_all(data if head_only else data + answer.body)


def _names_loopback(host: str) -> bool:
    """Whether a `Host` header, with or without a port, names this device itself."""
    name, colon, port = host.rpartition(":")
    return is_loopback((name if colon and port.isdigit() else host).strip("[]"))
