"""Dialling over real sockets: what is opened, how each failure is told, and what cancelling leaves behind."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import ssl
import termios
import threading
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc
import trio.testing

from gatewayd.cloud import failures
from gatewayd.cloud.dial import RESOLVER_THREADS, Address, FreshStream, TcpDialer, _alternate
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.peers import black_hole, closed_port, hang, listening, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatewayd.cloud.dial import TcpDialing

V4, V6 = socket.AF_INET, socket.AF_INET6


def address(port: int, host: str = "127.0.0.1") -> Address:
    return (V4, socket.SOCK_STREAM, 6, "", (host, port))


def resolving_to(*addresses: Address) -> Callable[..., Sequence[Address]]:
    return lambda _host, _port, **_: addresses


def failing_with(error: Exception) -> Callable[..., Sequence[Address]]:
    def resolve(_host: str, _port: int, **_: object) -> Sequence[Address]:
        raise error

    return resolve


def plain(resolver: Callable[..., Sequence[Address]] = socket.getaddrinfo) -> TcpDialer:
    return TcpDialer(tls_context=ssl.create_default_context(), resolver=resolver)


async def failure_of(dialing: TcpDialing) -> CloudError:
    with pytest.raises(CloudError) as caught:
        async with dialing:
            pass
    return caught.value


@pytest.fixture
def held_lookups() -> Iterator[Callable[..., Sequence[Address]]]:
    """A resolver that hangs until the test is over."""
    released = threading.Event()

    def resolve(_host: str, _port: int, **_: object) -> Sequence[Address]:
        assert released.wait(60)
        return []

    yield resolve
    released.set()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_stream_carries_bytes_and_is_closed_with_its_block(host: str, no_descriptor_left: None) -> None:
    async def echo(stream: trio.abc.Stream) -> None:
        await stream.send_all(await stream.receive_some(100))

    async with listening(echo) as port, plain().dial(host=host, port=port, tls=False) as stream:
        await stream.send_all(b"hello")
        assert await stream.receive_some(100) == b"hello"


async def test_a_connection_is_set_up_for_sound() -> None:
    async with listening(silent) as port, plain().dial(host="127.0.0.1", port=port, tls=False) as stream:
        assert isinstance(stream, FreshStream)
        assert stream.tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


async def test_a_peer_that_takes_nothing_leaves_half_a_second_of_sound_in_the_kernel() -> None:
    async with (
        listening(hang) as port,
        plain().dial(host="127.0.0.1", port=port, tls=False) as stream,
        trio.open_nursery() as nursery,
    ):
        assert isinstance(stream, FreshStream)

        async def send_for_ever() -> None:
            while True:
                await stream.send_all(b"f" * 670)

        nursery.start_soon(send_for_ever)
        await trio.testing.wait_all_tasks_blocked(0.1)
        unacknowledged = array.array("i", [0])
        fcntl.ioctl(stream.tcp.socket.fileno(), termios.TIOCOUTQ, unacknowledged)
        nursery.cancel_scope.cancel()
    assert 670 * 5 <= unacknowledged[0] <= 670 * 30


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known; check the addr"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "no DNS server answered"),
        (UnicodeError("label too long"), "not a possible host name"),
    ],
)
async def test_a_name_that_does_not_resolve(error: Exception, words: str) -> None:
    failure = await failure_of(plain(failing_with(error)).dial(host="voice.example", port=443, tls=True))
    assert failure.cause is Cause.DNS_FAILED
    assert "voice.example" in failure.detail
    assert words in failure.detail


async def test_a_name_no_resolver_takes_is_a_dns_failure_with_the_real_resolver_too() -> None:
    failure = await failure_of(plain().dial(host="a" * 64 + ".example", port=443, tls=True))
    assert failure.cause is Cause.DNS_FAILED


async def test_nobody_listens(no_descriptor_left: None) -> None:
    with closed_port() as port:
        failure = await failure_of(plain().dial(host="127.0.0.1", port=port, tls=False))
    assert failure.cause is Cause.CONNECT_REFUSED
    assert failure.detail == f"127.0.0.1 port {port} refused the connection: nothing listens there"


async def test_an_address_the_system_will_not_connect_to() -> None:
    # a broadcast address, which TCP cannot reach on any machine
    failure = await failure_of(plain().dial(host="255.255.255.255", port=443, tls=False))
    assert failure.cause is Cause.CONNECT_FAILED
    assert failure.detail.startswith("cannot connect to 255.255.255.255 port 443: ")


@pytest.mark.parametrize(
    ("numbers", "cause"),
    [
        ([errno.ENETUNREACH, errno.ECONNREFUSED], Cause.CONNECT_REFUSED),
        ([errno.ENETUNREACH, errno.ETIMEDOUT], Cause.CONNECT_TIMED_OUT),
        ([errno.ENETUNREACH, errno.EHOSTUNREACH], Cause.CONNECT_FAILED),
    ],
)
def test_of_several_errors_the_most_telling_counts(numbers: list[int], cause: Cause) -> None:
    errors = [OSError(number, os.strerror(number)) for number in numbers]
    assert failures.connecting_failed("voice.example", 443, errors).cause is cause


async def test_the_next_address_is_tried_when_one_refuses(no_descriptor_left: None) -> None:
    with closed_port() as closed:
        async with listening(silent) as port:
            dialer = plain(resolving_to(address(closed), address(port)))
            async with dialer.dial(host="voice.example", port=443, tls=False) as stream:
                assert isinstance(stream, FreshStream)
                assert stream.tcp.socket.getpeername()[1] == port


async def test_an_address_that_swallows_everything_does_not_hold_up_the_next(no_descriptor_left: None) -> None:
    with black_hole() as hole:
        async with listening(silent) as port:
            dialer = plain(resolving_to(address(hole), address(port)))
            async with dialer.dial(host="voice.example", port=443, tls=False) as stream:
                assert isinstance(stream, FreshStream)
                assert stream.tcp.socket.getpeername()[1] == port


def test_address_families_take_turns_and_the_first_stays_first() -> None:
    six = [(V6, socket.SOCK_STREAM, 6, "", (f"2001:db8::{n}", 443, 0, 0)) for n in (1, 2, 3)]
    four = [address(443, "192.0.2.1")]
    assert _alternate([*six, *four]) == [six[0], four[0], six[1], six[2]]


async def test_cancelling_a_lookup_returns_at_once_and_names_the_step(
    held_lookups: Callable[..., Sequence[Address]], autojump_clock: trio.testing.MockClock
) -> None:
    dialing = plain(held_lookups).dial(host="voice.example", port=443, tls=True)
    with trio.move_on_after(10) as limit:
        async with dialing:
            pytest.fail("it resolved")
    assert limit.cancelled_caught
    assert trio.current_time() == 10
    assert dialing.step == "resolving voice.example"


async def test_hung_lookups_never_hold_more_than_their_own_threads(
    held_lookups: Callable[..., Sequence[Address]], autojump_clock: trio.testing.MockClock
) -> None:
    dialer = plain(held_lookups)
    for _ in range(3 * RESOLVER_THREADS):
        with trio.move_on_after(10):
            async with dialer.dial(host="voice.example", port=443, tls=True):
                pytest.fail("it resolved")
    assert dialer._resolver_threads.borrowed_tokens == RESOLVER_THREADS
    assert trio.to_thread.current_default_thread_limiter().borrowed_tokens == 0


async def test_cancelling_a_connect_leaves_nothing(no_descriptor_left: None) -> None:
    with black_hole() as hole:
        dialing = plain().dial(host="127.0.0.1", port=hole, tls=False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failure_of, dialing)
            await trio.testing.wait_all_tasks_blocked()
            assert dialing.step == "connecting to 127.0.0.1"
            nursery.cancel_scope.cancel()


async def test_cancelling_a_handshake_that_stalls_leaves_nothing(no_descriptor_left: None) -> None:
    heard = trio.Event()

    async def stall(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1)
        heard.set()
        await trio.sleep_forever()

    async with listening(stall) as port:
        dialing = plain().dial(host="127.0.0.1", port=port, tls=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failure_of, dialing)
            await heard.wait()
            assert dialing.step == "securing the connection to 127.0.0.1"
            nursery.cancel_scope.cancel()
