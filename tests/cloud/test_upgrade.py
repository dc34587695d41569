"""From the dial to the open WebSocket: every way not to get there, and what is left behind."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import struct
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import CloseConnection, Request, TextMessage

from gatewayd.cloud.dial import FreshStream, TcpDialer
from gatewayd.cloud.upgrade import UpgradingStream
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.peers import (
    MemoryDialer,
    WebSocketPeer,
    answering,
    client_tls,
    closed_port,
    listening,
    server_tls,
    silent,
)

if TYPE_CHECKING:
    import trustme

    from tests.cloud.peers import Behaviour

URL = "wss://voice.example:8443/v1/voice?ticket=s3cr3t"
DATE = "Date: Sun, 06 Nov 1994 12:00:00 GMT"
ONE_MINUTE_LATER = "Retry-After: Sun, 06 Nov 1994 12:01:00 GMT"


async def refusal(behaviour: Behaviour) -> CloudError:
    """Connect over a memory stream whose other end behaves as told; expect it to fail."""
    dialer = MemoryDialer()
    failures: list[CloudError] = []

    async def connect() -> None:
        with pytest.raises(CloudError) as caught:
            async with WebSocketTransport(dialer, connect_timeout_s=10).connect(URL):
                pytest.fail("it opened")
        failures.append(caught.value)
        assert dialer.closed

    async def answer() -> None:
        await dialer.opened.wait()
        await behaviour(dialer.peer)
        await dialer.peer.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        nursery.start_soon(answer)
    assert "s3cr3t" not in f"{failures[0]!r} {failures[0]}"
    return failures[0]


async def failure_on_port(port: int, *, tls: ssl.SSLContext | None = None) -> CloudError:
    """Connect to a real socket of this machine; expect it to fail."""
    transport = WebSocketTransport(TcpDialer(tls_context=tls or ssl.create_default_context()), connect_timeout_s=60)
    with pytest.raises(CloudError) as caught:
        async with transport.connect(f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ws"):
            pytest.fail("it opened")
    return caught.value


async def test_what_is_asked_for() -> None:
    dialer = MemoryDialer()

    async def connect() -> None:
        async with WebSocketTransport(dialer, connect_timeout_s=10).connect(URL):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        await dialer.opened.wait()
        request = await WebSocketPeer(dialer.peer).accept()
    assert isinstance(request, Request)
    assert (request.host, request.target) == ("voice.example:8443", "/v1/voice?ticket=s3cr3t")
    assert dialer.dialled == [("voice.example", 8443, True)]


@pytest.mark.parametrize(
    ("status", "headers", "retry_after_s"),
    [
        (401, (), None),
        (403, (), None),
        (404, (), None),
        (302, ("Location: wss://other.example/?ticket=s3cr3t",), None),
        (200, (), None),
        (429, ("Retry-After: 30",), 30),
        (503, (DATE, ONE_MINUTE_LATER), 60),
        (503, ("Retry-After: whenever",), None),
        (599, (), None),
    ],
)
async def test_a_refusal_is_told_by_its_status(
    status: int, headers: tuple[str, ...], retry_after_s: float | None
) -> None:
    head = "\r\n".join((f"HTTP/1.1 {status} s3cr3t", "Content-Length: 6", *headers))
    error = await refusal(answering(f"{head}\r\n\r\ns3cr3t".encode(), close=False))
    assert (error.cause, error.http_status, error.retry_after_s) == (Cause.UPGRADE_REFUSED, status, retry_after_s)
    assert error.detail.startswith(f"voice.example refused the WebSocket with HTTP {status}: ")


async def test_the_body_of_a_refusal_is_not_read(no_descriptor_left: None) -> None:
    sent = 0

    async def refuse_at_length(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000000\r\n\r\n", close=True)(stream)
        while True:
            await stream.send_all(b"no" * 5000)
            sent += 10_000

    async with listening(refuse_at_length) as port:
        error = await failure_on_port(port)
    assert (error.cause, error.http_status) == (Cause.UPGRADE_REFUSED, 403)
    assert sent < 100_000_000


async def test_early_hints_before_the_upgrade_are_passed_over() -> None:
    dialer = MemoryDialer()

    async def connect() -> None:
        async with WebSocketTransport(dialer, connect_timeout_s=10).connect(URL) as connection:
            assert await connection.receive() == "hello"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        await dialer.opened.wait()
        await dialer.peer.send_all(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        peer = WebSocketPeer(dialer.peer)
        await peer.accept()
        await peer.send(TextMessage(data="hello"))


UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "hung up instead of answering"),
        (b"HTTP/1.1 101 Swi", "hung up instead of answering"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "did not answer the WebSocket upgrade in HTTP/1.1"),
        (b"HTTP/1.1 101 S\r\n" + b"X-More: and more\r\n" * 2000, "did not answer the WebSocket upgrade in HTTP/1.1"),
        (UPGRADE + b"\r\n", "breaks the WebSocket protocol"),
        (UPGRADE + b"Sec-WebSocket-Accept: bm90IG91cnM=\r\n\r\n", "breaks the WebSocket protocol"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "breaks the WebSocket protocol"),
    ],
)
@pytest.mark.parametrize("close", [True, False])
async def test_an_answer_that_is_no_upgrade(
    answer: bytes, words: str, close: bool, autojump_clock: trio.testing.MockClock
) -> None:
    error = await refusal(answering(answer, close=close))
    if "hung up" in words and not close:
        assert error.cause is Cause.CONNECT_TIMED_OUT
        assert trio.current_time() == 10
        return
    assert error.cause is Cause.UPGRADE_FAILED
    assert words in error.detail
    assert trio.current_time() == 0


async def test_a_server_that_never_answers(autojump_clock: trio.testing.MockClock) -> None:
    error = await refusal(silent)
    assert error.cause is Cause.CONNECT_TIMED_OUT
    assert error.detail == "timed out after 10 s while waiting for voice.example to answer the WebSocket upgrade"
    assert trio.current_time() == 10


@pytest.mark.parametrize("step", ["resolving voice.example", "securing the connection to voice.example"])
async def test_time_runs_out_while_dialling(step: str, autojump_clock: trio.testing.MockClock) -> None:
    transport = WebSocketTransport(MemoryDialer(stuck_while=step), connect_timeout_s=10)
    with pytest.raises(CloudError, match=f"^timed out after 10 s while {step}$") as caught:
        async with transport.connect(URL):
            pytest.fail("it opened")
    assert caught.value.cause is Cause.CONNECT_TIMED_OUT
    assert trio.current_time() == 10


async def test_the_limit_is_for_connecting_only(autojump_clock: trio.testing.MockClock) -> None:
    dialer = MemoryDialer()

    async def connect() -> None:
        async with WebSocketTransport(dialer, connect_timeout_s=10).connect(URL):
            await trio.sleep(3600)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        await dialer.opened.wait()
        await WebSocketPeer(dialer.peer).accept()
    assert trio.current_time() == 3600


@pytest.mark.parametrize("url", ["https://s3cr3t/", "ws://voice.example/?s3cr3t", "wss://user:s3cr3t@host/", "s3cr3t"])
async def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(CloudError) as caught:
        async with WebSocketTransport(MemoryDialer(), connect_timeout_s=10).connect(url):
            pytest.fail("it opened")
    assert caught.value.cause is Cause.UPGRADE_FAILED
    assert "s3cr3t" not in caught.value.detail


async def test_the_library_does_not_log_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await refusal(answering(b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    assert "s3cr3t" not in caplog.text
    assert not [record for record in caplog.records if record.name == "trio-websocket"]


@given(st.binary(max_size=200) | st.binary(max_size=200).map(UPGRADE.__add__))
async def test_whatever_bytes_answer_the_upgrade_it_fails_with_a_cause(answer: bytes) -> None:
    error = await refusal(answering(answer))
    assert error.cause in (Cause.UPGRADE_FAILED, Cause.UPGRADE_REFUSED)


# over real sockets


async def accept(stream: trio.abc.Stream) -> None:
    peer = WebSocketPeer(stream)
    await peer.accept()
    event = await peer.next_event()
    assert isinstance(event, TextMessage)
    await peer.send(TextMessage(data=f"you said {event.data}"))
    if isinstance(await peer.next_event(), CloseConnection):
        await peer.send(CloseConnection(code=1000))
    await silent(stream)


async def test_a_conversation_over_tls(authority: trustme.CA, no_descriptor_left: None) -> None:
    transport = WebSocketTransport(TcpDialer(tls_context=client_tls(authority)), connect_timeout_s=60)
    async with (
        listening(accept, tls=server_tls(authority.issue_cert("localhost"))) as port,
        transport.connect(f"wss://localhost:{port}/ws") as connection,
    ):
        await connection.send_text("hello")
        assert await connection.receive() == "you said hello"
        await connection.close(1000)


async def test_nobody_listens() -> None:
    with closed_port() as port:
        assert (await failure_on_port(port)).cause is Cause.CONNECT_REFUSED


async def test_a_certificate_that_is_not_trusted(authority: trustme.CA, no_descriptor_left: None) -> None:
    async with listening(accept, tls=server_tls(authority.issue_cert("127.0.0.1"))) as port:
        error = await failure_on_port(port, tls=ssl.create_default_context())
    assert error.cause is Cause.CERTIFICATE_INVALID


async def test_a_reset_is_a_lost_connection_with_the_system_s_reason(no_descriptor_left: None) -> None:
    async def reset(stream: trio.abc.Stream) -> None:
        await WebSocketPeer(stream).accept()
        assert isinstance(stream, trio.SocketStream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    transport = WebSocketTransport(TcpDialer(tls_context=ssl.create_default_context()), connect_timeout_s=60)
    async with listening(reset) as port, transport.connect(f"ws://127.0.0.1:{port}/ws") as connection:
        with pytest.raises(CloudError) as caught:
            await connection.receive()
    assert caught.value.cause is Cause.CONNECTION_LOST
    assert caught.value.detail == "the connection broke: Connection reset by peer"


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("secured", [True, False])
async def test_cancelling_before_and_after_the_upgrade_leaves_nothing(
    answers: bool, secured: bool, authority: trustme.CA, no_descriptor_left: None
) -> None:
    reached = trio.Event()

    async def behave(stream: trio.abc.Stream) -> None:
        peer = WebSocketPeer(stream)
        if answers:
            await peer.accept()
        else:
            await peer.next_event()
            reached.set()
        await silent(stream)

    async def connect(port: int) -> None:
        transport = WebSocketTransport(TcpDialer(tls_context=client_tls(authority)), connect_timeout_s=60)
        async with transport.connect(f"{'wss' if secured else 'ws'}://127.0.0.1:{port}/ws") as connection:
            reached.set()
            await connection.receive()

    tls = server_tls(authority.issue_cert("127.0.0.1")) if secured else None
    async with listening(behave, tls=tls) as port, trio.open_nursery() as nursery:
        nursery.start_soon(connect, port)
        await reached.wait()
        nursery.cancel_scope.cancel()
        tasks = trio.lowlevel.current_statistics().tasks_living
    assert trio.lowlevel.current_statistics().tasks_living < tasks


async def test_leaving_the_block_does_not_wait_for_a_peer_that_reads_nothing(no_descriptor_left: None) -> None:
    async def stop_reading(stream: trio.abc.Stream) -> None:
        await WebSocketPeer(stream).accept()
        await trio.sleep_forever()

    transport = WebSocketTransport(TcpDialer(tls_context=ssl.create_default_context()), connect_timeout_s=60)
    async with listening(stop_reading) as port:
        async with transport.connect(f"ws://127.0.0.1:{port}/ws") as connection, trio.open_nursery() as nursery:

            async def send_for_ever() -> None:
                while True:
                    await connection.send_binary(bytes(640))

            nursery.start_soon(send_for_ever)
            assert isinstance(connection._stream._stream, FreshStream)
            await trio.testing.wait_all_tasks_blocked(0.1)
            nursery.cancel_scope.cancel()
        with pytest.raises(CloudError):
            await connection.send_binary(bytes(640))


# an end that only the sender is told the reason of


class GivenUp(trio.abc.Stream):
    """A connection that the kernel gave up, after it told its reason to the sender and nothing to the receiver."""

    def __init__(self) -> None:
        self.over = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.over.wait()
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError from TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        self.over.set()
        return b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_the_reason_is_the_one_that_the_sender_is_told(autojump_clock: trio.testing.MockClock) -> None:
    stream = UpgradingStream(GivenUp(), "voice.example")

    async def send() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"sound")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(CloudError):
            await stream.receive_some()
    assert stream.ending is not None
    assert stream.ending.detail == "the connection broke: Connection timed out"
