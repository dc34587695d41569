"""HTTP requests: over memory streams on virtual time, and over real sockets where sockets matter."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.errors import CloudError
from gatewayd.seams.http import HttpRequest, HttpResponse
from gatewayd.session.causes import Cause
from tests.cloud.peers import MemoryDialer, answering, client_tls, closed_port, listening, server_tls, silent

if TYPE_CHECKING:
    import trustme

    from tests.cloud.peers import Behaviour

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = "s3cr3t"
GET = HttpRequest(method="GET", url="https://api.example.com/heartbeat?key=" + SECRET)


async def exchange(
    behaviour: Behaviour, request: HttpRequest = GET, *, timeout_s: float = 10, body_limit_bytes: int = 1000
) -> HttpResponse:
    """Make one request over a memory stream whose other end behaves as told."""
    dialer = MemoryDialer()
    answers: list[HttpResponse | CloudError] = []

    async def ask() -> None:
        try:
            client = H11Client(dialer)
            answers.append(await client.request(request, timeout_s=timeout_s, body_limit_bytes=body_limit_bytes))
        except CloudError as error:
            answers.append(error)
        assert dialer.closed
        nursery.cancel_scope.cancel()

    async def answer() -> None:
        await dialer.opened.wait()
        await behaviour(dialer.peer)
        await dialer.peer.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(answer)
    if isinstance(answers[0], CloudError):
        raise answers[0]
    return answers[0]


async def refusal(behaviour: Behaviour, *, timeout_s: float = 10) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await exchange(behaviour, timeout_s=timeout_s)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.detail}"
    return caught.value


async def test_what_is_sent() -> None:
    heard = bytearray()
    request = HttpRequest("POST", "https://api.example.com/v1/session?x=1", {"X-Device": "lobby"}, b'{"a": 1}')
    await exchange(answering(OK, heard=heard), request)
    lines = heard.decode().split("\r\n")
    assert lines[0] == "POST /v1/session?x=1 HTTP/1.1"
    assert {"host: api.example.com", "connection: close", "content-length: 8", "x-device: lobby"} <= set(lines)
    assert lines[-1] == '{"a": 1}'


async def test_how_a_request_is_carried_is_not_for_the_configuration_to_say() -> None:
    heard = bytearray()
    headers = {"Host": "evil.example", "Transfer-Encoding": "chunked", "User-Agent": "Kiosk/7"}
    await exchange(answering(OK, heard=heard), HttpRequest("GET", GET.url, headers))
    assert b"host: api.example.com\r\n" in heard
    assert b"user-agent: Kiosk/7\r\n" in heard
    assert b"chunked" not in heard


@pytest.mark.parametrize("status", [302, 401, 503])
async def test_a_refusal_does_not_wait_for_its_body(status: int) -> None:
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 10000000\r\nRetry-After: 7\r\n\r\nbecause".encode()
    response = await exchange(answering(head, close=False), body_limit_bytes=1)
    assert (response.status, response.headers["retry-after"], response.body) == (status, "7", b"")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + OK, b"ok"),
    ],
)
async def test_ways_to_answer(answer: bytes, body: bytes) -> None:
    assert (await exchange(answering(answer))).body == body


async def test_a_complete_answer_is_enough_though_the_server_does_not_hang_up() -> None:
    assert (await exchange(answering(OK, close=False))).status == 200


async def test_headers_are_in_lower_case_and_the_last_of_a_name_counts() -> None:
    response = await exchange(answering(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nRETRY-AFTER: 2\r\n\r\n"))
    assert (response.status, response.headers["retry-after"]) == (503, "2")


async def test_a_redirect_is_an_answer_like_any_other() -> None:
    response = await exchange(answering(b"HTTP/1.1 302 Found\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n"))
    assert response.status == 302


@pytest.mark.parametrize("head", [b"Content-Length: 1001", b"Transfer-Encoding: chunked", b"X: until the end"])
async def test_a_body_over_the_limit(head: bytes) -> None:
    body = b"b" * 1001
    if b"chunked" in head:
        body = b"3e9\r\n" + body + b"\r\n0\r\n\r\n"
    error = await refusal(answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body))
    assert error.cause is Cause.PROTOCOL_VIOLATED
    assert error.detail == "api.example.com answered with more than 1000 bytes"


async def test_headers_without_end() -> None:
    error = await refusal(answering(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 2000))
    assert error.cause is Cause.PROTOCOL_VIOLATED


@pytest.mark.parametrize("close", [True, False])
async def test_not_http(close: bool) -> None:
    error = await refusal(answering(b"220 mail.example.com ESMTP\r\n", close=close))
    assert error.cause is Cause.PROTOCOL_VIOLATED
    assert error.detail == "api.example.com port 443 did not answer in HTTP/1.1"


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nCon", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_hanging_up_too_early(answer: bytes) -> None:
    error = await refusal(answering(answer))
    assert error.cause is Cause.CONNECTION_LOST
    assert error.detail == "api.example.com hung up before its answer was complete"


@pytest.mark.parametrize(
    ("step", "heard"),
    [
        ("waiting for the answer of api.example.com", b""),
        ("waiting for the answer of api.example.com", b"HTTP/1.1 200 O"),
        ("reading the answer of api.example.com", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    ],
)
async def test_time_runs_out_while_waiting(step: str, heard: bytes, autojump_clock: trio.testing.MockClock) -> None:
    error = await refusal(answering(heard, close=False), timeout_s=10)
    assert error.cause is Cause.CONNECT_TIMED_OUT
    assert error.detail == f"timed out after 10 s while {step}"
    assert trio.current_time() == 10


async def test_time_runs_out_while_dialling(autojump_clock: trio.testing.MockClock) -> None:
    client = H11Client(MemoryDialer(stuck_while="resolving api.example.com"))
    with pytest.raises(CloudError, match=r"^timed out after 2\.5 s while resolving api\.example\.com$") as caught:
        await client.request(GET, timeout_s=2.5, body_limit_bytes=1)
    assert caught.value.cause is Cause.CONNECT_TIMED_OUT
    assert trio.current_time() == 2.5


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"\N{SNOWMAN}{SECRET}", f"{SECRET}\0"])
async def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    request = HttpRequest("GET", "https://api.example.com/", {"X-Key": value})
    with pytest.raises(CloudError) as caught:
        await exchange(silent, request)
    assert "X-Key" in caught.value.detail
    assert SECRET not in f"{caught.value!r}{caught.value.detail}"
    assert SECRET not in repr(request)


async def test_plaintext_goes_only_to_this_device_unless_allowed(autojump_clock: trio.testing.MockClock) -> None:
    request = HttpRequest("GET", "http://api.example.com/")
    with pytest.raises(CloudError, match="http:// is unencrypted"):
        await H11Client(MemoryDialer()).request(request, timeout_s=1, body_limit_bytes=1)
    dialer = MemoryDialer()
    with pytest.raises(CloudError, match="timed out"):
        await H11Client(dialer, allow_plaintext=True).request(request, timeout_s=1, body_limit_bytes=1)
    assert dialer.dialled == [("api.example.com", 80, False)]


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
async def test_whatever_bytes_answer_the_outcome_is_an_answer_or_a_cause(answer: bytes) -> None:
    cause: Cause | None = None
    try:
        assert (await exchange(answering(answer))).status >= 200
    except CloudError as error:
        cause = error.cause
    assert cause in (None, Cause.PROTOCOL_VIOLATED, Cause.CONNECTION_LOST)


# over real sockets


async def test_over_tls(authority: trustme.CA, no_descriptor_left: None) -> None:
    client = H11Client(TcpDialer(tls_context=client_tls(authority)))
    async with listening(answering(OK), tls=server_tls(authority.issue_cert("localhost"))) as port:
        request = HttpRequest("GET", f"https://localhost:{port}/")
        assert (await client.request(request, timeout_s=60, body_limit_bytes=100)).body == b"ok"


async def test_a_connecting_cause_passes_as_it_is() -> None:
    client = H11Client(TcpDialer(tls_context=ssl.create_default_context()))
    with closed_port() as port, pytest.raises(CloudError) as caught:
        await client.request(HttpRequest("GET", f"http://127.0.0.1:{port}/"), timeout_s=60, body_limit_bytes=1)
    assert caught.value.cause is Cause.CONNECT_REFUSED


async def test_a_server_that_wants_a_client_certificate_says_so_after_the_handshake(authority: trustme.CA) -> None:
    strict = server_tls(authority.issue_cert("localhost"))
    authority.configure_trust(strict)
    strict.verify_mode = ssl.CERT_REQUIRED
    client = H11Client(TcpDialer(tls_context=client_tls(authority)))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with strict.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as tls:
                with pytest.raises(ssl.SSLError):
                    tls.do_handshake()
                # the client hangs up first, so that no reset overtakes the alert
                while socket.socket.recv(tls, 4096):
                    pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, refuse)
            request = HttpRequest("GET", f"https://localhost:{server.getsockname()[1]}/")
            with pytest.raises(CloudError) as caught:
                await client.request(request, timeout_s=60, body_limit_bytes=1)
    assert caught.value.cause is Cause.TLS_FAILED
    assert caught.value.detail == "the connection broke: the other end wants a client certificate (agent.client_cert)"


async def test_an_early_refusal_is_read_though_the_request_could_not_be_sent_whole() -> None:
    too_large = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    client = H11Client(TcpDialer(tls_context=ssl.create_default_context()))
    async with listening(answering(too_large)) as port:
        request = HttpRequest("POST", f"http://127.0.0.1:{port}/", body=b"b" * 100)
        assert (await client.request(request, timeout_s=60, body_limit_bytes=100)).status == 413


async def test_cancelling_leaves_nothing(no_descriptor_left: None) -> None:
    heard = trio.Event()

    async def keep_waiting(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1)
        heard.set()
        await silent(stream)

    async def ask(port: int) -> None:
        client = H11Client(TcpDialer(tls_context=ssl.create_default_context()))
        await client.request(HttpRequest("GET", f"http://127.0.0.1:{port}/"), timeout_s=60, body_limit_bytes=1)

    async with listening(keep_waiting) as port, trio.open_nursery() as nursery:
        nursery.start_soon(ask, port)
        await heard.wait()
        nursery.cancel_scope.cancel()
