"""Whole connections on streams in memory, on a virtual clock: times are exact."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.sim.agents import Echo, agent_factory
from gatewayd.sim.script import Direction, Place, Proceed, Respond, Skip, Stall, script
from gatewayd.sim.service import Service, SimOptions
from tests.sim.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gatewayd.sim.agents import Agent


def open_service(options: SimOptions | None = None) -> Service:
    return Service(options or SimOptions(), port=1)


@asynccontextmanager
async def in_memory(service: Service) -> AsyncIterator[trio.StapledStream]:  # type: ignore[type-arg]  # trio's alias
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.serve_http, theirs)
        yield ours
        await ours.aclose()


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[Client]:
    async with in_memory(service) as stream:
        client = Client(stream)
        await client.upgrade()
        yield client


async def test_no_token_for_ten_seconds(autojump_clock: trio.testing.MockClock) -> None:
    async with client_of(open_service()) as client:
        opened = trio.current_time()
        assert await client.next() == "error AUTH_TIMEOUT"
        assert trio.current_time() - opened == pytest.approx(10.0, abs=1e-9)
        assert await client.transcript() == ["close 4001", "eof"]


async def test_a_client_that_does_not_answer_the_close(autojump_clock: trio.testing.MockClock) -> None:
    async with client_of(open_service()) as client:
        client.answers_close = False
        await client.send_text("hello")
        closed = trio.current_time()
        assert await client.transcript() == ["error INVALID_AUTH", "close 4002", "eof"]
        assert trio.current_time() - closed == pytest.approx(5.0, abs=1e-9)


async def test_agent_ready_comes_after_the_setup(autojump_clock: trio.testing.MockClock) -> None:
    service = open_service(SimOptions(setup_s=3.0))
    async with client_of(service) as client:
        started = trio.current_time()
        await client.become_ready(service)
        assert trio.current_time() - started == pytest.approx(3.0, abs=1e-9)


async def test_the_tone_keeps_its_pace_for_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    service = open_service(SimOptions(agent=agent_factory("tone")))
    async with client_of(service) as client:
        await client.become_ready(service)
        ready = trio.current_time()
        for index in range(3000):
            assert await client.next() == "binary 640"
            assert trio.current_time() - ready == pytest.approx(index * 0.02, abs=1e-6)


async def test_a_late_echo(autojump_clock: trio.testing.MockClock) -> None:
    def agent() -> Agent:
        return Echo(0.4)

    service = open_service(SimOptions(agent=agent))
    async with client_of(service) as client:
        await client.become_ready(service)
        for index in range(5):
            await client.send_frame(bytes([index]) * 640)
            await trio.sleep(0.02)
        sent = trio.current_time() - 0.1
        for index in range(5):
            assert await client.next() == "binary 640"
            assert trio.current_time() - sent == pytest.approx(0.4 + index * 0.02, abs=1e-9)
        assert [frame[0] for frame in client.frames] == [0, 1, 2, 3, 4]


async def test_a_stall_in_sending_is_over_when_it_says(autojump_clock: trio.testing.MockClock) -> None:
    service = open_service()
    service.script_next(script(Place.CONNECTED, Stall(Direction.SENDING, for_s=7.0)))
    async with client_of(service) as client:
        started = trio.current_time()
        await client.send_token(service.issue_token())
        # what was said before the stall may or may not be out yet: a stall holds the wire, not the words
        assert [await client.next(), await client.next()] == ["connected", "agent_ready"]
        assert trio.current_time() - started == pytest.approx(7.0, abs=1e-9)


async def test_a_slow_handshake(autojump_clock: trio.testing.MockClock) -> None:
    service = open_service()
    service.script_next(script(Place.UPGRADE, Proceed(), after_s=8.0))
    started = trio.current_time()
    async with client_of(service) as client:
        assert client.accepted
        assert trio.current_time() - started == pytest.approx(8.0, abs=1e-9)


async def test_a_dribbling_answer(autojump_clock: trio.testing.MockClock) -> None:
    service = open_service()
    service.script_next(script(Place.TOKEN, Respond(200, body_bytes=100, bytes_per_s=10)))
    async with in_memory(service) as stream:
        await stream.send_all(b"POST /v1/session HTTP/1.1\r\nHost: x\r\n\r\n")
        started = trio.current_time()
        while await stream.receive_some(1000):
            pass
        assert trio.current_time() - started == pytest.approx(10.0, abs=1e-6)


@pytest.mark.parametrize(
    "half", [b"", b"GET /heart", b"POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_half_a_request_is_given_ten_seconds(half: bytes, autojump_clock: trio.testing.MockClock) -> None:
    async with in_memory(open_service()) as stream:
        await stream.send_all(half)
        assert await stream.receive_some() == b""
        assert trio.current_time() == pytest.approx(10.0, abs=1e-9)


async def test_a_client_that_waits_to_be_told_to_go_on() -> None:
    async with in_memory(open_service()) as stream:
        head = b"POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        await stream.send_all(head)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"{}")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")


HELLO = (
    b"GET /v1/voice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
TOKEN = b'\x81\x8e\0\0\0\0{"token": "x"}'


def test_whatever_is_sent_the_service_survives() -> None:
    """Bytes before, in the middle of and after the handshake; each connection ends in bounded virtual time."""

    @given(
        st.sampled_from([b"", HELLO, HELLO + TOKEN]),
        st.lists(st.one_of(st.binary(max_size=100), st.sampled_from([HELLO, TOKEN, b"\x88\x80\0\0\0\0"])), max_size=5),
        st.booleans(),
    )
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def bombard(begin: bytes, portions: list[bytes], strict: bool) -> None:
        trio.run(_bombard, begin, portions, strict, clock=trio.testing.MockClock(autojump_threshold=0))

    bombard()


async def _bombard(begin: bytes, portions: list[bytes], strict: bool) -> None:
    service = open_service(SimOptions(strict=strict))
    service.script_next(script(Place.CLOSE, Skip()))
    async with in_memory(service) as stream:
        try:
            for portion in (begin, *portions):
                await stream.send_all(portion)
            with trio.move_on_after(60):
                while await stream.receive_some():
                    pass
        except trio.BrokenResourceError:
            pass  # the service had enough
    assert all(session.outcome is not None for session in service.sessions)
