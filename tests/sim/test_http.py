"""HTTP bytes from outside, without sockets."""

from __future__ import annotations

import base64
import contextlib
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.sim.http import (
    BODY_LIMIT_BYTES,
    HttpConnection,
    Refused,
    Request,
    check_credential,
    check_json_object,
    check_method,
)

KEY = base64.b64encode(bytes(16)).decode()
UPGRADE = {
    "Host": "x",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def bytes_of(headers: dict[str, str], line: str = "GET /v1/voice HTTP/1.1") -> bytes:
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def test_a_request_in_single_bytes() -> None:
    connection = HttpConnection()
    data = b"POST /v1/session?x=1 HTTP/1.1\r\nHost: x\r\nX-Device: a\r\nX-Device: b\r\nContent-Length: 2\r\n\r\n{}"
    *nothing, request = [connection.receive(data[at : at + 1]) for at in range(len(data))]
    assert nothing == [None] * len(nothing)
    assert request is not None
    assert (request.method, request.path, request.body) == ("POST", "/v1/session", b"{}")
    assert request.headers["x-device"] == "a, b"


def test_the_turn_to_a_websocket() -> None:
    """The example of RFC 6455, 1.3."""
    connection = HttpConnection()
    headers = {**UPGRADE, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    request = connection.receive(bytes_of(headers) + b"\x81\x80first")
    assert request is not None
    answer = connection.switch(request)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in answer.lower()
    assert connection.trailing == b"\x81\x80first"


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Connection", "keep-alive", 426),
        ("Upgrade", "h2c", 426),
        ("Sec-WebSocket-Version", "8", 426),
        ("Sec-WebSocket-Key", "", 400),
        ("Sec-WebSocket-Key", "dG9vIHNob3J0", 400),
        ("Sec-WebSocket-Key", "ä" * 24, 400),
    ],
)
def test_a_wrong_handshake(header: str, value: str, status: int) -> None:
    connection = HttpConnection()
    request = connection.receive(bytes_of({**UPGRADE, header: value}))
    assert request is not None
    with pytest.raises(Refused) as refused:
        connection.switch(request)
    assert refused.value.status == status
    assert connection.respond(status, refused.value.headers, 0).startswith(b"HTTP/1.1 4")


def test_too_much_of_anything() -> None:
    with pytest.raises(Refused) as refused:
        HttpConnection().receive(b"GET /" + b"x" * 100_000)
    assert refused.value.status == 431
    chunk = b"%x\r\n%s\r\n" % (40_000, bytes(40_000))
    with pytest.raises(Refused) as refused:
        HttpConnection().receive(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 2)
    assert refused.value.status == 413
    assert BODY_LIMIT_BYTES < 80_000


@given(
    st.one_of(
        st.lists(st.binary(max_size=200), max_size=5),
        st.lists(st.sampled_from([b"GET / HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n", b"Content-Length: 3\r\n", b"\xff"])),
    )
)
def test_any_bytes_are_a_request_or_refused(portions: list[bytes]) -> None:
    connection = HttpConnection()
    try:
        requests = [connection.receive(portion) for portion in portions if portion]
    except Refused as refusal:
        refused = refusal
    else:
        assert sum(request is not None for request in requests) <= 1
        return
    assert connection.respond(refused.status, refused.headers, 0).startswith(b"HTTP/1.1 ")


VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=255), max_size=30)
HEADERS = st.dictionaries(st.sampled_from([*UPGRADE, "Authorization", "X"]), VALUES)
LINES = st.sampled_from(["GET / HTTP/1.1", "GET / HTTP/1.0", "POST /v1/voice HTTP/1.1"])


@given(LINES, HEADERS)
def test_any_headers_are_judged_without_an_exception(line: str, headers: dict[str, str]) -> None:
    data = bytes_of({**UPGRADE, **headers}, line).decode().encode("latin-1")
    connection = HttpConnection()
    with contextlib.suppress(Refused):
        request = connection.receive(data)
        assert request is not None
        with contextlib.suppress(Refused):
            check_credential(request, "key")
        connection.switch(request)


@given(st.binary(max_size=40), st.text(st.characters(max_codepoint=255), max_size=20))
def test_any_body_and_credential_are_judged_without_an_exception(body: bytes, credential: str) -> None:
    request = Request("GET", "/", {"authorization": f"Bearer {credential}"}, body)
    for check in (partial(check_method, request, "POST"), partial(check_json_object, request)):
        with contextlib.suppress(Refused):
            check()
    if credential.strip() != "key":
        with pytest.raises(Refused):
            check_credential(request, "key")


def test_secrets_stay_out_of_the_repr() -> None:
    request = Request("POST", "/", {"authorization": "Bearer s3cret"}, b"s3cret")
    assert "s3cret" not in repr(request)
