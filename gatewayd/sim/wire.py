"""The service's end of a WebSocket, without I/O: bytes to events, and frames to bytes.

Reading is wsproto's; frames to send are built here, so that a script can break every rule that wsproto keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE_LIMIT_BYTES = 65_536
"""A hundred audio frames: no client of this protocol has anything longer to say."""
NO_STATUS = 1005
"""What a close frame without a code counts as (RFC 6455, 7.1.5)."""
NOT_UTF8, TOO_BIG = 1007, 1009

OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


@dataclass(frozen=True)
class TextReceived:
    """A whole text message."""

    text: str


@dataclass(frozen=True)
class BinaryReceived:
    """A whole binary message."""

    data: bytes


@dataclass(frozen=True)
class PingReceived:
    """A ping that wants a pong with the same payload."""

    payload: bytes


@dataclass(frozen=True)
class PongReceived:
    """An answer to a ping of the service's."""

    payload: bytes


@dataclass(frozen=True)
class CloseReceived:
    """The client's close frame."""

    code: int
    reason: str


@dataclass(frozen=True)
class WireViolated:
    """What came is no WebSocket; nothing further can be understood."""

    close_code: int
    detail: str


WireEvent = TextReceived | BinaryReceived | PingReceived | PongReceived | CloseReceived | WireViolated


class WireReader:
    """Turns bytes into events; after `CloseReceived` or `WireViolated` it takes no notice of anything more."""

    def __init__(self) -> None:
        self._connection = Connection(ConnectionType.SERVER)
        self._texts: list[str] = []
        self._portions: list[bytes] = []
        self._size = 0
        self._over = False

    def receive(self, data: bytes) -> Iterator[WireEvent]:
        """Take bytes from the stream, in any portions."""
        if self._over:
            return
        self._connection.receive_data(data)
        for received in self._connection.events():
            event = self._understand(received)
            if event is None:
                continue
            self._over = isinstance(event, (CloseReceived, WireViolated))
            yield event
            if isinstance(event, (CloseReceived, WireViolated)):
                return

    def _understand(self, event: Event) -> WireEvent | None:
        if isinstance(event, (TextMessage, BytesMessage)):
            return self._collect(event)
        if isinstance(event, Ping):
            return PingReceived(bytes(event.payload))
        if isinstance(event, Pong):
            return PongReceived(bytes(event.payload))
        if isinstance(event, CloseConnection):
            if self._connection.state is ConnectionState.OPEN:  # how wsproto tells a broken frame from a close
                detail = "text that is not UTF-8" if event.code == NOT_UTF8 else event.reason or "a broken frame"
                return WireViolated(int(event.code), detail)
            return CloseReceived(int(event.code), event.reason or "")
        return None

    def _collect(self, event: TextMessage | BytesMessage) -> WireEvent | None:
        """The whole message once its last part is there; wsproto sees to it that parts of two do not mix."""
        if isinstance(event, TextMessage):
            self._texts.append(event.data)
        else:
            self._portions.append(bytes(event.data))
        self._size += len(event.data)
        if self._size > MESSAGE_LIMIT_BYTES:
            return WireViolated(TOO_BIG, f"a message of over {MESSAGE_LIMIT_BYTES} bytes")
        if not event.message_finished:
            return None
        texts, portions = self._texts, self._portions
        self._texts, self._portions, self._size = [], [], 0
        return TextReceived("".join(texts)) if isinstance(event, TextMessage) else BinaryReceived(b"".join(portions))


def encode_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """One unmasked frame, as servers send them (RFC 6455, 5.2)."""
    first = opcode | (0x80 if fin else 0)
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def encode_message(opcode: int, payload: bytes, fragments: int = 1) -> bytes:
    """A message in so many fragments of about the same size; text may be cut inside a character, as the RFC allows."""
    size = -(-len(payload) // fragments)
    frames = []
    for index in range(fragments):
        part = payload[index * size : (index + 1) * size]
        kind = OP_CONTINUATION if index else opcode
        frames.append(encode_frame(kind, part, fin=index == fragments - 1))
    return b"".join(frames)


def encode_close(code: int | None, reason: str = "") -> bytes:
    """A close frame; any code a script asks for, also those that must never be sent. The reason is cut to fit."""
    if code is None or code == NO_STATUS:
        return encode_frame(OP_CLOSE, b"")
    text = reason.encode()[:123].decode("utf-8", "ignore").encode()
    return encode_frame(OP_CLOSE, code.to_bytes(2, "big") + text)
