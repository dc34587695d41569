"""The service's end of an HTTP/1.1 connection, without I/O: one request, one answer, or the turn to a WebSocket."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import field
from typing import TYPE_CHECKING

import h11

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_LIMIT_BYTES = 16_384
BODY_LIMIT_BYTES = 65_536
"""A token request's body is a small JSON object."""
_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""


class Refused(Exception):
    """The request is answered with this status and nothing else; `str()` is the reason, for the log and the answer."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(reason)


@dataclass(frozen=True)
class Request:
    """A whole request. Headers and body may carry secrets and stay out of its repr."""

    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; of a repeated header the values joined by commas."""
    body: bytes = field(repr=False)

    def lists(self, header: str, value: str) -> bool:
        """Whether a comma-separated header holds `value`, in any case."""
        return value in (part.strip().lower() for part in self.headers.get(header, "").split(","))


class HttpConnection:
    """Reads one request and frames one answer, after which the connection is to be closed or is a WebSocket."""

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        self._head: h11.Request | None = None
        self._body = bytearray()

    def receive(self, data: bytes) -> Request | None:
        """Take bytes (none: the client's end); the request once it is whole. Raises `Refused`."""
        try:
            self._h11.receive_data(data)
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    return None
                if isinstance(event, h11.Request):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > BODY_LIMIT_BYTES:
                        raise Refused(413, f"a body of over {BODY_LIMIT_BYTES} bytes")
                elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                    return self._request(self._head)
        except h11.RemoteProtocolError as error:
            # its text would repeat what was sent, a credential perhaps
            raise Refused(error.error_status_hint, "this is not HTTP/1.1, or too much of it") from None

    @property
    def wants_continue(self) -> bool:
        """The client holds its body back until told to go on (`Expect: 100-continue`)."""
        return self._h11.they_are_waiting_for_100_continue

    def send_continue(self) -> bytes:
        """Tell it to."""
        return self._h11.send(h11.InformationalResponse(status_code=100, headers=[])) or b""

    @property
    def trailing(self) -> bytes:
        """What was received after the request: the WebSocket's first bytes."""
        return bytes(self._h11.trailing_data[0])

    def respond(self, status: int, headers: Mapping[str, str], body_bytes: int) -> bytes:
        """The head of an answer whose body has so many bytes and follows as it is.

        Raises `h11.LocalProtocolError` for headers that HTTP does not allow.
        """
        fields = {"content-type": "application/json", **{name.lower(): value for name, value in headers.items()}}
        fields |= {"content-length": str(body_bytes), "connection": "close"}
        return self._h11.send(h11.Response(status_code=status, headers=list(fields.items()))) or b""

    def switch(self, request: Request) -> bytes:
        """The answer that turns the connection into a WebSocket; without extensions. Raises `Refused`."""
        key = _websocket_key(request)
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID, usedforsecurity=False).digest())
        headers = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-accept", accept)]
        answer = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        return self._h11.send(answer) or b""

    def _request(self, head: h11.Request) -> Request:
        headers: dict[str, str] = {}
        for name, value in head.headers:
            text = value.decode("latin-1")
            key = name.decode("ascii").lower()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        path = head.target.decode("ascii").partition("?")[0]
        return Request(head.method.decode("ascii"), path, headers, bytes(self._body))


def _websocket_key(request: Request) -> bytes:
    """The checked `Sec-WebSocket-Key` of a handshake (RFC 6455, 4.2.1)."""
    if not request.lists("connection", "upgrade") or not request.lists("upgrade", "websocket"):
        raise Refused(426, "only WebSocket here", {"Upgrade": "websocket"})
    if request.headers.get("sec-websocket-version") != "13":
        raise Refused(426, "only WebSocket version 13 here", {"Sec-WebSocket-Version": "13"})
    key = request.headers.get("sec-websocket-key", "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        whole = False
    if not whole:
        raise Refused(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return key.encode("ascii")


def check_method(request: Request, allowed: str) -> None:
    """Raises `Refused` with 405 for another method."""
    if request.method != allowed:
        raise Refused(405, f"{request.path} wants {allowed}", {"Allow": allowed})


def check_credential(request: Request, credential: str | None) -> None:
    """Raises `Refused` with 401 where a credential is required and `Authorization: Bearer` does not carry it."""
    if credential is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), credential.encode()):
        raise Refused(401, "wrong or missing device credential", {"WWW-Authenticate": "Bearer"})


def check_json_object(request: Request) -> None:
    """Raises `Refused` with 400 where there is a body that is not a JSON object."""
    if not request.body:
        return
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused(400, "the body must be a JSON object, or empty")
