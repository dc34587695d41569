from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from gatewayd.control.protocol import REQUEST_LIMIT_BYTES, Command, Refusal, Request, RequestRefused
from gatewayd.control.server import CLIENTS_LIMIT, IDLE_LIMIT_S, REQUEST_LIMIT_S, Handler, serve
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

STATUS = b'{"version":1,"command":"status"}\n'


class Daemon:
    """A handler that notes what it is asked, and knows one station."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def handle(self, request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        if request.station not in (None, "lobby"):
            raise RequestRefused(Refusal.UNKNOWN_STATION, f"no station '{request.station}'; there are: lobby")
        return {"stations": ["lobby"]}


@asynccontextmanager
async def serving(path: Path, handler: Handler) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, path, handler))
        yield
        nursery.cancel_scope.cancel()


async def receive_line(stream: trio.abc.ReceiveStream) -> dict[str, object]:
    line = b""
    while not line.endswith(b"\n"):
        data = await stream.receive_some(65536)
        assert data, f"closed after {line!r}"
        line += data
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return answer


def error_of(answer: Mapping[str, object]) -> object:
    assert answer["ok"] is False
    error = answer["error"]
    assert isinstance(error, dict)
    return error["code"]


async def trickle(stream: trio.abc.SendStream) -> None:
    for byte in STATUS:
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.9)


def occupy(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_text("precious")


def is_free(path: Path) -> bool:
    return not os.path.lexists(path)


def is_occupied(path: Path) -> bool:
    return path.is_file() and path.read_text() == "precious"


async def is_closed(stream: trio.abc.ReceiveStream) -> bool:
    try:
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:  # closed while the server had bytes of ours unread
        return True


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


class TestPlace:
    async def test_the_directory_is_made_and_the_socket_is_for_owner_and_group(self, socket_path: Path) -> None:
        path = socket_path.parent / "new" / "control.sock"
        async with serving(path, Daemon().handle):
            assert stat.filemode(path.stat().st_mode) == "srw-rw----"
        assert is_free(path)

    async def test_what_a_dead_daemon_left_is_replaced(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(socket_path))
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(STATUS)
            assert (await receive_line(client))["ok"] is True

    async def test_a_living_daemon_keeps_its_socket(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            with pytest.raises(Unavailable, match="another gatewayd is running and answers on"):
                await serve(socket_path, Daemon().handle)
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(STATUS)
                assert (await receive_line(client))["ok"] is True

    async def test_a_daemon_whose_queue_is_full_counts_as_living(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(str(socket_path))
            busy.listen(0)
            waiting.connect(str(socket_path))
            with pytest.raises(Unavailable, match="another gatewayd is running"):
                await serve(socket_path, Daemon().handle)

    async def test_of_two_that_start_at_once_one_is_refused(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(socket_path))
        refused = []

        async def start() -> None:
            try:
                await serve(socket_path, Daemon().handle)
            except Unavailable as error:
                refused.append(str(error))
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(start)
            nursery.start_soon(start)
        assert len(refused) == 1
        assert is_free(socket_path)

    async def test_a_file_that_is_no_socket_is_left_alone(self, socket_path: Path) -> None:
        occupy(socket_path)
        with pytest.raises(Unavailable, match=r"is not a socket; remove it, or set control\.socket to another path"):
            await serve(socket_path, Daemon().handle)
        assert is_occupied(socket_path)

    async def test_a_successors_socket_is_not_removed(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            occupy(socket_path)
        assert is_occupied(socket_path)

    async def test_a_path_that_is_too_long_is_refused(self, socket_path: Path) -> None:
        path = socket_path.parent / ("x" * 100) / "control.sock"
        with pytest.raises(Unavailable, match=r"at most 107 bytes; shorten control\.socket"):
            await serve(path, Daemon().handle)

    async def test_a_directory_that_cannot_be_made_is_refused(self, socket_path: Path) -> None:
        occupy(socket_path)
        with pytest.raises(Unavailable, match="cannot make the control socket there: File exists"):
            await serve(socket_path / "control.sock", Daemon().handle)

    async def test_a_directory_that_stays_locked_is_refused(self, socket_path: Path, autojump_clock: MockClock) -> None:
        descriptor = os.open(socket_path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with pytest.raises(Unavailable, match=r"another process keeps .* locked"):
                await serve(socket_path, Daemon().handle)
            assert trio.current_time() == 2.0
        finally:
            os.close(descriptor)

    async def test_a_directory_without_permission_is_refused(self, unprivileged: None) -> None:
        with pytest.raises(Unavailable, match="not allowed to make the control socket there; run as root"):
            await serve(Path("/run/gatewayd-of-another/control.sock"), Daemon().handle)
