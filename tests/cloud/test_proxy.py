"""Dialling through a proxy over real sockets: what goes through it, what does not, and whose failure is whose."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc
import trio.testing
from wsproto.events import TextMessage

from gatewayd.cloud.dial import Address, TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.token import HttpTokenSource
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.configuration.model import TokenConfiguration
from gatewayd.errors import CloudError
from gatewayd.seams.http import HttpRequest
from gatewayd.session.causes import Cause
from tests.cloud.fakes import OffsetClock
from tests.cloud.peers import (
    WebSocketPeer,
    answering,
    black_hole,
    client_tls,
    closed_port,
    hang,
    listening,
    server_tls,
    silent,
)
from tests.cloud.proxies import ESTABLISHED, TunnellingProxy, proxy_on, receive_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    import trustme

    from gatewayd.cloud.tunnel import Proxy

HOST = "voice.example"
GET = HttpRequest("GET", f"https://{HOST}/")


def resolve_numbers_only(host: str, port: int, *, type: socket.SocketKind, flags: int) -> Sequence[Address]:  # noqa: A002 - its name there
    """What lies behind a proxy is the proxy's to look up."""
    assert flags == socket.AI_NUMERICHOST, f"{host} was looked up here"
    return socket.getaddrinfo(host, port, type=type, flags=flags)


def through(proxy: Proxy, authority: trustme.CA | None = None) -> TcpDialer:
    context = client_tls(authority) if authority else ssl.create_default_context()
    return TcpDialer(tls_context=context, resolver=resolve_numbers_only, proxy=proxy)


async def failure(dialer: TcpDialer, *, tls: bool = False) -> CloudError:
    dialing = dialer.dial(host=HOST, port=443, tls=tls)
    with pytest.raises(CloudError) as caught:
        async with dialing:
            pytest.fail("it opened")
    return caught.value


async def echo(stream: trio.abc.Stream) -> None:
    async for data in stream:
        await stream.send_all(data)


# what goes through it


async def test_plaintext_goes_through_a_tunnel_too(no_descriptor_left: None) -> None:
    async with listening(echo) as port:
        proxy = TunnellingProxy(port)
        async with (
            listening(proxy.serve) as proxy_port,
            through(proxy_on(proxy_port)).dial(host=HOST, port=80, tls=False) as stream,
        ):
            await stream.send_all(b"hello")
            assert await stream.receive_some(100) == b"hello"
    assert [head.splitlines()[0] for head in proxy.heads] == [f"CONNECT {HOST}:80 HTTP/1.1"]


async def test_tls_inside_is_with_the_host_and_not_with_the_proxy(
    authority: trustme.CA, no_descriptor_left: None
) -> None:
    async with listening(echo, tls=server_tls(authority.issue_cert(HOST))) as port:
        proxy = TunnellingProxy(port)
        async with (
            listening(proxy.serve) as proxy_port,
            through(proxy_on(proxy_port), authority).dial(host=HOST, port=443, tls=True) as stream,
        ):
            await stream.send_all(b"s3cr3t")
            assert await stream.receive_some(100) == b"s3cr3t"
    assert "s3cr3t" not in proxy.heads[0]


@pytest.mark.parametrize("name", ["127.0.0.1", "proxy.example"])
async def test_a_certificate_for_another_host_is_refused(
    name: str, authority: trustme.CA, no_descriptor_left: None
) -> None:
    async with listening(echo, tls=server_tls(authority.issue_cert(name))) as port:
        proxy = TunnellingProxy(port)
        async with listening(proxy.serve) as proxy_port:
            error = await failure(through(proxy_on(proxy_port), authority), tls=True)
    assert (error.cause, error.detail) == (
        Cause.CERTIFICATE_INVALID,
        f"the certificate of {HOST} is for another host: a wrong address, or a captive portal",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_device_itself_is_reached_without_it(host: str) -> None:
    async with listening(echo) as port:
        with closed_port() as nobody:
            dialer = TcpDialer(tls_context=ssl.create_default_context(), proxy=proxy_on(nobody))
            async with dialer.dial(host=host, port=port, tls=False) as stream:
                await stream.send_all(b"hello")
                assert await stream.receive_some(100) == b"hello"


async def test_a_token_and_a_conversation(
    authority: trustme.CA, no_descriptor_left: None, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        # the token endpoint and the voice service of one host, told apart as a server does
        if len(proxy.heads) == 1:
            await answering(b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"token": "t0ken"}')(stream)
            return
        peer = WebSocketPeer(stream)
        await peer.accept()
        event = await peer.next_event()
        assert isinstance(event, TextMessage)
        await peer.send(TextMessage(data=f"you said {event.data}"))
        await silent(stream)

    caplog.set_level(logging.DEBUG)
    async with listening(serve, tls=server_tls(authority.issue_cert(HOST))) as port:
        proxy = TunnellingProxy(port)
        async with listening(proxy.serve) as proxy_port:
            dialer = through(
                proxy_on(proxy_port, credential="login", read_credential=lambda _name: "u:s3cr3t"), authority
            )
            configuration = TokenConfiguration(url=f"https://{HOST}/v1/session", timeout_s=60)
            tokens = HttpTokenSource(H11Client(dialer), OffsetClock(), configuration, lambda name: name)
            token = await tokens.fetch()
            async with WebSocketTransport(dialer, connect_timeout_s=60).connect(f"wss://{HOST}/ws") as connection:
                await connection.send_text(token.value)
                assert await connection.receive() == "you said t0ken"
    assert [head.splitlines()[0] for head in proxy.heads] == [f"CONNECT {HOST}:443 HTTP/1.1"] * 2
    assert all("Proxy-Authorization: Basic dTpzM2NyM3Q=" in head for head in proxy.heads)
    for secret in ("s3cr3t", "dTpzM2NyM3Q=", "t0ken"):
        assert secret not in caplog.text


# whose failure is whose


async def test_a_proxy_where_nobody_listens(no_descriptor_left: None) -> None:
    with closed_port() as port:
        error = await failure(through(proxy_on(port)))
    assert error.cause is Cause.PROXY_FAILED
    assert error.detail == (
        f"the proxy (agent.proxy): 127.0.0.1 port {port} refused the connection: nothing listens there"
    )


async def test_a_proxy_whose_name_does_not_resolve() -> None:
    def resolve(host: str, port: int, *, type: socket.SocketKind, flags: int) -> Sequence[Address]:  # noqa: A002 - its name there
        assert (host, port) == ("proxy.example", 3128)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    proxy = proxy_on(3128, host="proxy.example")
    error = await failure(TcpDialer(tls_context=ssl.create_default_context(), resolver=resolve, proxy=proxy))
    assert error.cause is Cause.PROXY_FAILED
    assert error.detail == (
        "the proxy (agent.proxy): cannot resolve proxy.example: Name or service not known; check the address"
    )


async def test_a_proxy_that_says_no(no_descriptor_left: None) -> None:
    async with listening(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", close=False)) as port:
        error = await failure(through(proxy_on(port)), tls=True)
    assert (error.cause, error.http_status) == (Cause.PROXY_REFUSED, 407)


async def test_the_body_of_a_refusal_is_not_read(no_descriptor_left: None) -> None:
    sent = 0

    async def refuse_at_length(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await receive_head(stream)
        await stream.send_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await stream.send_all(b"no" * 5000)
            sent += 10_000

    async with listening(refuse_at_length) as port:
        error = await failure(through(proxy_on(port)))
    assert (error.cause, error.http_status) == (Cause.PROXY_REFUSED, 403)
    assert sent < 100_000_000


async def test_a_proxy_that_resets_in_the_middle(no_descriptor_left: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 200 Conn")
            connection.recv(4096)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, reset)
            port = server.getsockname()[1]
            error = await failure(through(proxy_on(port)))
    assert error.cause is Cause.PROXY_FAILED
    assert error.detail == (
        f"the proxy 127.0.0.1 port {port} did not answer: the connection broke: Connection reset by peer"
    )


async def test_a_tunnel_that_ends_in_the_handshake_is_told_of_the_host(authority: trustme.CA) -> None:
    async def open_and_leave(stream: trio.abc.Stream) -> None:
        await receive_head(stream)
        await stream.send_all(ESTABLISHED)
        await stream.receive_some(4096)

    async with listening(open_and_leave) as port:
        error = await failure(through(proxy_on(port), authority), tls=True)
    assert error.cause is Cause.TLS_FAILED
    assert error.detail.startswith(f"no TLS with {HOST}: ")


async def test_a_host_without_tls_behind_the_proxy(authority: trustme.CA) -> None:
    async def speak_http(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await silent(stream)

    async with listening(speak_http) as port, listening(TunnellingProxy(port).serve) as proxy_port:
        error = await failure(through(proxy_on(proxy_port), authority), tls=True)
    assert error.cause is Cause.TLS_FAILED
    assert "does not speak TLS on this port" in error.detail


# time


async def test_time_runs_out_while_the_proxy_thinks(
    mock_clock: trio.testing.MockClock, no_descriptor_left: None
) -> None:
    asked = trio.Event()

    async def think(stream: trio.abc.Stream) -> None:
        await receive_head(stream)
        asked.set()
        await hang(stream)

    async def expect_failure(port: int) -> None:
        client = H11Client(through(proxy_on(port)))
        with pytest.raises(CloudError) as caught:
            await client.request(GET, timeout_s=10, body_limit_bytes=1)
        assert caught.value.cause is Cause.CONNECT_TIMED_OUT
        assert caught.value.detail == f"timed out after 10 s while waiting for the proxy 127.0.0.1 to reach {HOST}"

    async with listening(think) as port, trio.open_nursery() as nursery:
        nursery.start_soon(expect_failure, port)
        await asked.wait()
        mock_clock.jump(10)


async def test_time_runs_out_while_connecting_to_the_proxy(
    mock_clock: trio.testing.MockClock, no_descriptor_left: None
) -> None:
    with black_hole() as hole:
        dialing = through(proxy_on(hole)).dial(host=HOST, port=443, tls=True)

        async def dial() -> None:
            with trio.move_on_after(10) as limit:
                async with dialing:
                    pytest.fail("it opened")
            assert limit.cancelled_caught

        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial)
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(10)
    assert dialing.step == "connecting to the proxy 127.0.0.1"
