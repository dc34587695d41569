from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from gatewayd.control.protocol import REQUEST_LIMIT_BYTES, Command, Request
from gatewayd.control.server import (
    ALL_REQUESTS_AT_ONCE,
    ALL_REQUESTS_PER_S,
    CLIENTS_LIMIT,
    IDLE_LIMIT_S,
    REQUEST_LIMIT_S,
    REQUESTS_AT_ONCE,
    REQUESTS_PER_S,
)
from gatewayd.errors import Unavailable
from tests.control.clients import STATUS, Daemon, Lines, error_of, is_closed, is_free, receive_line, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


async def trickle(stream: trio.abc.SendStream) -> None:
    for byte in STATUS:
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.9)


class TestConversation:
    async def test_a_client_asks_twice_on_one_connection(self, socket_path: Path) -> None:
        daemon = Daemon()
        async with serving(socket_path, daemon.handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS)
            assert await receive_line(client) == {"version": 1, "ok": True, "result": {"stations": ["lobby"]}}
            await client.send_all(b'{"command":"stop","station":"lobby"}\n')
            assert (await receive_line(client))["ok"] is True
        assert daemon.asked == [Request(Command.STATUS), Request(Command.STOP, "lobby")]

    async def test_a_last_line_without_its_newline_is_answered(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS.rstrip(b"\n"))
            await client.send_eof()
            assert (await receive_line(client))["ok"] is True
            assert await is_closed(client)

    async def test_what_the_handler_refuses_is_told_and_the_client_may_go_on(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(b'{"command":"start","station":"loby"}\n')
            answer = await receive_line(client)
            assert answer["error"] == {"code": "unknown_station", "message": "no station 'loby'; there are: lobby"}
            await client.send_all(STATUS)
            assert (await receive_line(client))["ok"] is True

    async def test_another_error_meant_for_people_is_told_as_failed(self, socket_path: Path) -> None:
        async def handle(request: Request) -> Mapping[str, object]:
            await trio.lowlevel.checkpoint()
            raise Unavailable("the card is away")

        async with serving(socket_path, handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS)
            assert (await receive_line(client))["error"] == {"code": "failed", "message": "the card is away"}

    async def test_a_bug_in_the_handler_ends_the_server(self, socket_path: Path) -> None:
        async def handle(request: Request) -> Mapping[str, object]:
            await trio.lowlevel.checkpoint()
            raise ZeroDivisionError

        with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
            async with serving(socket_path, handle), await trio.open_unix_socket(socket_path) as client:
                await client.send_all(STATUS)
                await trio.sleep_forever()
        assert is_free(socket_path)


class TestHostileClients:
    @pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n", b"\n", b"\x00\xff\n", b"[" * 60_000 + b"\n"])
    async def test_what_is_no_request_is_answered_and_closed(self, socket_path: Path, line: bytes) -> None:
        daemon = Daemon()
        async with serving(socket_path, daemon.handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(line + STATUS)
            assert error_of(await receive_line(client)) == "malformed"
            assert await is_closed(client)
        assert daemon.asked == []

    async def test_an_endless_line_is_answered_and_closed(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(b"x" * REQUEST_LIMIT_BYTES)
            assert error_of(await receive_line(client)) == "malformed"
            assert await is_closed(client)

    async def test_the_seventeenth_client_is_told_busy(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            clients = [await trio.open_unix_socket(socket_path) for _ in range(CLIENTS_LIMIT)]
            await wait_all_tasks_blocked()
            async with await trio.open_unix_socket(socket_path) as late:
                assert error_of(await receive_line(late)) == "busy"
                assert await is_closed(late)
            await clients.pop().aclose()
            await wait_all_tasks_blocked()
            async with await trio.open_unix_socket(socket_path) as next_one:
                await next_one.send_all(STATUS)
                assert (await receive_line(next_one))["ok"] is True
            for client in clients:
                await client.aclose()

    async def test_a_silent_client_gives_its_place_back(self, socket_path: Path, autojump_clock: MockClock) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS[:10])
            assert await is_closed(client)
            assert trio.current_time() == IDLE_LIMIT_S

    async def test_a_client_that_trickles_does_not_last_longer(
        self, socket_path: Path, autojump_clock: MockClock
    ) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            with pytest.raises(trio.BrokenResourceError):
                await trickle(client)
            assert IDLE_LIMIT_S <= trio.current_time() <= IDLE_LIMIT_S + 0.9

    async def test_a_client_that_never_reads_is_dropped(self, socket_path: Path, autojump_clock: MockClock) -> None:
        async def handle(request: Request) -> Mapping[str, object]:
            await trio.lowlevel.checkpoint()
            return {"text": "x" * 4_000_000}

        async with serving(socket_path, handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS)
            await trio.sleep(2.0)
            await wait_all_tasks_blocked()
            received = 0
            while data := await client.receive_some(65536):
                received += len(data)
            assert 0 < received < 4_000_000

    async def test_a_client_that_leaves_before_its_answer_hurts_nobody(
        self, socket_path: Path, autojump_clock: MockClock
    ) -> None:
        async def handle(request: Request) -> Mapping[str, object]:
            await trio.sleep(1)
            return {}

        async with serving(socket_path, handle):
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(STATUS)
            await trio.sleep(2)
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(STATUS)
                assert (await receive_line(client))["ok"] is True

    async def test_a_handler_that_hangs_is_cancelled(self, socket_path: Path, autojump_clock: MockClock) -> None:
        async def handle(request: Request) -> Mapping[str, object]:
            await trio.sleep_forever()
            raise AssertionError

        async with serving(socket_path, handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS)
            assert error_of(await receive_line(client)) == "timed_out"
            assert trio.current_time() == REQUEST_LIMIT_S

    def test_any_bytes_leave_the_server_alive(self, socket_path: Path) -> None:
        async def send(garbage: bytes) -> None:
            async with serving(socket_path, Daemon().handle):
                async with await trio.open_unix_socket(socket_path) as hostile:
                    await hostile.send_all(garbage)
                    await wait_all_tasks_blocked()
                async with await trio.open_unix_socket(socket_path) as honest:
                    await honest.send_all(STATUS)
                    assert (await receive_line(honest))["ok"] is True

        @given(st.binary(min_size=1) | st.binary(min_size=1).map(lambda data: STATUS + data + b"\n"))
        @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
        def any_bytes(garbage: bytes) -> None:
            trio.run(send, garbage)

        any_bytes()


class TestPace:
    async def test_requests_on_one_connection_beyond_the_limit_wait(
        self, socket_path: Path, autojump_clock: MockClock
    ) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            lines = Lines(client)
            for _ in range(REQUESTS_AT_ONCE + REQUESTS_PER_S):
                await client.send_all(STATUS)
                await lines.next()
            assert trio.current_time() == pytest.approx(1.0)

    async def test_a_storm_of_connections_is_served_evenly(self, socket_path: Path, autojump_clock: MockClock) -> None:
        async with serving(socket_path, Daemon().handle):
            for _ in range(250):
                async with await trio.open_unix_socket(socket_path) as client:
                    await client.send_all(STATUS)
                    assert (await receive_line(client))["ok"] is True
            assert trio.current_time() == pytest.approx((250 - ALL_REQUESTS_AT_ONCE) / ALL_REQUESTS_PER_S)
