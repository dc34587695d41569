from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import h11
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.errors import Unavailable
from gatewayd.metrics.http import CLIENTS_LIMIT, HEAD_LIMIT_BYTES, REQUEST_LIMIT_S, SEND_LIMIT_S, Reception, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_S = 20.0
GET = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n\r\n"


async def echoed(accept: str) -> tuple[str, bytes]:
    """Stands for the text: says what was asked for."""
    await trio.lowlevel.checkpoint()
    return "text/x-echo", f"asked for {accept!r}\n".encode()


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[int]:
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            yield await nursery.start(serve, host, 0, echoed)
            nursery.cancel_scope.cancel()


async def everything(stream: trio.abc.Stream) -> bytes:
    received = b""
    while True:
        data = await stream.receive_some(65_536)
        if not data:
            return received
        received += data


async def exchange(port: int, request: bytes, host: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    """What a client gets that reads to the end, as an HTTP client understands it."""
    async with await trio.open_tcp_stream(host, port) as stream:
        await stream.send_all(request)
        return understood(await everything(stream), head_only=request.startswith(b"HEAD"))


def understood(received: bytes, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="HEAD" if head_only else "GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(received)
    connection.receive_data(b"")
    response, body = connection.next_event(), b""
    assert isinstance(response, h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return response.status_code, {k.decode(): v.decode() for k, v in response.headers}, body


async def test_a_scrape() -> None:
    async with serving() as port:
        asked = b"GET /metrics?name=x HTTP/1.1\r\nHost: localhost:9464\r\nAccept: a/b;q=1,c/d\r\nX: y\r\n\r\n"
        status, headers, body = await exchange(port, asked)
    assert (status, body) == (200, b"asked for 'a/b;q=1,c/d'\n")
    assert headers == {"content-type": "text/x-echo", "content-length": str(len(body)), "connection": "close"}


async def test_a_scrape_over_ipv6() -> None:
    async with serving("::1") as port:
        asked = b"GET /metrics HTTP/1.1\r\nHost: [::1]:%d\r\n\r\n" % port
        assert (await exchange(port, asked, "::1"))[0] == 200


async def test_head_gives_the_head_alone() -> None:
    async with serving() as port:
        status, headers, body = await exchange(port, GET.replace(b"GET", b"HEAD"))
    assert (status, headers["content-length"], body) == (200, "13", b"")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /metrics/../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        # a web page's own name that was made to point here
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example.com:9464\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example.com\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * HEAD_LIMIT_BYTES, 431),
    ],
)
async def test_whatever_else_is_asked_is_refused(request_: bytes, status: int) -> None:
    async with serving() as port:
        assert (await exchange(port, request_))[0] == status
        assert (await exchange(port, GET))[0] == 200


async def test_on_a_remote_address_any_name_will_do() -> None:
    async with serving("0.0.0.0") as port:
        asked = b"GET /metrics HTTP/1.1\r\nHost: kiosk-7.example.com:9464\r\n\r\n"
        assert (await exchange(port, asked))[0] == 200


async def test_only_so_many_clients_at_a_time() -> None:
    async with serving() as port, trio.open_nursery() as nursery:
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(CLIENTS_LIMIT)]
        await trio.testing.wait_all_tasks_blocked()
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            status, _, body = understood(await everything(stream))
        assert (status, body) == (503, b"too many clients\n")
        for stream in silent:
            await stream.aclose()
        status = 0
        while status != 200:  # the places are free once the server has noticed
            status = (await exchange(port, GET))[0]
        nursery.cancel_scope.cancel()


async def test_those_who_hang_up_in_the_middle_harm_nobody() -> None:
    async with serving() as port:
        for cut in range(0, len(GET), 7):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await stream.send_all(GET[:cut])
            await stream.aclose()
        status = 503
        while status == 503:
            status = (await exchange(port, GET))[0]
        assert status == 200


async def test_a_port_that_is_taken() -> None:
    async with serving() as port:
        with pytest.raises(Unavailable) as caught:
            await serve("127.0.0.1", port, echoed)
    assert str(caught.value) == f"metrics.listen: cannot serve on 127.0.0.1 port {port}: Address already in use"


# exact times, without sockets


async def test_a_client_has_so_long_for_its_request(autojump_clock: trio.testing.MockClock) -> None:
    here, there = trio.testing.memory_stream_pair()
    start_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Reception(echoed, local=True).receive, there)
        with suppress(trio.BrokenResourceError):
            for byte in GET:  # never silent for long, and never done
                await here.send_all(bytes([byte]))
                await trio.sleep(0.5)
    assert trio.current_time() - start_s == REQUEST_LIMIT_S


async def test_a_client_has_so_long_to_take_the_answer(autojump_clock: trio.testing.MockClock) -> None:
    here, there = trio.testing.lockstep_stream_pair()
    start_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Reception(echoed, local=True).receive, there)
        await here.send_all(GET)
    assert trio.current_time() - start_s == SEND_LIMIT_S


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([GET, GET[:20], b"\r\n", b"Host: ", b" HTTP/1.1\r\n"])),
        max_size=5,
    )
)
def test_any_bytes_get_one_http_answer_or_none(pieces: list[bytes]) -> None:
    received: list[bytes] = []

    async def converse() -> None:
        here, there = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Reception(echoed, local=True).receive, there)
            for piece in pieces:
                with suppress(trio.BrokenResourceError):
                    await here.send_all(piece)
            with suppress(trio.BrokenResourceError):
                await here.send_eof()
            received.append(await everything(here))

    trio.run(converse)
    if received[0]:
        assert understood(received[0])[0] in (200, 400, 404, 405, 421, 431, 501)
