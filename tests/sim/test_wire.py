"""Bytes from outside: whatever comes, however it is cut, gives the same events and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from gatewayd.sim.wire import (
    MESSAGE_LIMIT_BYTES,
    OP_BINARY,
    OP_TEXT,
    BinaryReceived,
    CloseReceived,
    PingReceived,
    PongReceived,
    TextReceived,
    WireEvent,
    WireReader,
    WireViolated,
    encode_close,
    encode_frame,
    encode_message,
)


def read(*portions: bytes) -> list[WireEvent]:
    reader = WireReader()
    return [event for portion in portions for event in reader.receive(portion)]


def client_bytes(*events: TextMessage | BytesMessage | Ping | Pong | CloseConnection) -> bytes:
    client = Connection(ConnectionType.CLIENT)
    return b"".join(client.send(event) for event in events)


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame with the mask 0."""
    frame = encode_frame(opcode, payload, fin=fin)
    head = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
    return frame[:1] + bytes([frame[1] | 0x80]) + frame[2:head] + bytes(4) + payload


def test_everything_a_client_may_say() -> None:
    data = client_bytes(
        TextMessage(data="grüß "),
        BytesMessage(data=bytes(640)),
        Ping(payload=b"now"),
        Pong(payload=b""),
        CloseConnection(code=4242, reason="enough"),
    )
    assert read(data + b"and more") == [
        TextReceived("grüß "),
        BinaryReceived(bytes(640)),
        PingReceived(b"now"),
        PongReceived(b""),
        CloseReceived(4242, "enough"),
    ]


@pytest.mark.parametrize(
    ("data", "close_code"),
    [
        (b"\x81\x02hi", 1002),  # not masked
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that is not
        (b"\xc1\x80\0\0\0\0", 1002),  # a reserved bit
        (b"\x80\x80\0\0\0\0", 1002),  # a continuation of nothing
        (b"\x89\xfe\x01\x00\0\0\0\0", 1002),  # a ping of 256 bytes
        (masked(1, b"\xc3\x28"), 1007),
        (masked(8, b"\x00"), 1002),
        (masked(2, bytes(MESSAGE_LIMIT_BYTES + 1)), 1009),
        (masked(2, bytes(MESSAGE_LIMIT_BYTES), fin=False) + masked(0, b"\0"), 1009),
    ],
)
def test_what_breaks_the_rules(data: bytes, close_code: int) -> None:
    (*_, last) = read(data, masked(2, b"never seen"))
    assert isinstance(last, WireViolated)
    assert last.close_code == close_code


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_bytes_are_events_and_end_for_good(portions: list[bytes]) -> None:
    events = read(*portions)
    ends = [isinstance(event, (CloseReceived, WireViolated)) for event in events]
    assert not any(ends[:-1])


FRAMES = st.tuples(
    st.sampled_from([0, 1, 2, 8, 9, 10]), st.one_of(st.binary(max_size=130), st.text().map(str.encode)), st.booleans()
).map(lambda parts: masked(parts[0], parts[1], fin=parts[2]))


@given(st.lists(FRAMES, max_size=6).map(b"".join), st.data())
def test_any_cut_gives_the_same_events(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=10)))
    portions = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert read(*portions) == read(data)


@given(st.text(max_size=400), st.integers(1, 20))
def test_a_client_understands_text_in_any_fragments(text: str, fragments: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(encode_message(OP_TEXT, text.encode(), fragments))
    assert "".join(event.data for event in client.events() if isinstance(event, TextMessage)) == text


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 70_000])
def test_a_client_understands_frames_of_any_size(size: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(encode_frame(OP_BINARY, bytes(size)))
    assert b"".join(bytes(event.data) for event in client.events() if isinstance(event, BytesMessage)) == bytes(size)


@given(st.integers(3000, 4999), st.text(max_size=200))
def test_a_client_understands_any_close(code: int, reason: str) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(encode_close(code, reason))
    (event,) = client.events()
    assert isinstance(event, CloseConnection)
    assert event.code == code
    assert reason.startswith(event.reason or "")
