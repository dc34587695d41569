from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from gatewayd.control.bus import EventBus
from gatewayd.control.client import follow, request
from gatewayd.control.events import LogMessagesLost, Muted
from gatewayd.control.protocol import ANSWER_LIMIT_BYTES, Command, RequestRefused
from gatewayd.control.server import CLIENTS_LIMIT, serve
from gatewayd.errors import ExitCode, Unavailable
from tests.control.clients import Daemon, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def answering(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """A process that listens on `path` and treats its one client as `answer` does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def serve_one() -> None:
            connection, _ = listener.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve_one)
        thread.start()
        yield
        thread.join()


def until_hung_up(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


class TestAgainstTheServer:
    async def test_a_result_comes_back(self, socket_path: Path) -> None:
        daemon = Daemon()
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, socket_path, daemon.handle))
            result = await trio.to_thread.run_sync(request, socket_path, Command.STATUS)
            nursery.cancel_scope.cancel()
        assert result == {"stations": ["lobby"]}

    async def test_a_refusal_is_raised_with_its_exit_code(self, socket_path: Path) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, socket_path, Daemon().handle))
            with pytest.raises(RequestRefused, match="no station 'loby'; there are: lobby") as caught:
                await trio.to_thread.run_sync(request, socket_path, Command.STOP, "loby")
            nursery.cancel_scope.cancel()
        assert caught.value.exit_code is ExitCode.USAGE

    async def test_a_full_daemon_is_told_as_try_again(self, socket_path: Path) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, socket_path, Daemon().handle))
            clients = [await trio.open_unix_socket(socket_path) for _ in range(CLIENTS_LIMIT)]
            with pytest.raises(RequestRefused, match="gatewayd serves 16 clients; try again") as caught:
                await trio.to_thread.run_sync(request, socket_path, Command.STATUS)
            for client in clients:
                await client.aclose()
            nursery.cancel_scope.cancel()
        assert caught.value.exit_code is ExitCode.TRY_AGAIN


class TestManyThere:
    def test_one_who_finds_the_queue_full_waits_in_line(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
            listener.bind(str(socket_path))
            listener.listen(0)
            first.connect(str(socket_path))

            def serve_both() -> None:
                listener.accept()[0].close()
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b'{"ok":true,"result":{}}\n')

            thread = threading.Timer(0.1, serve_both)
            thread.start()
            assert request(socket_path, Command.STATUS) == {}
            thread.join()

    def test_a_queue_that_stays_full_is_not_waited_for_without_end(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
            listener.bind(str(socket_path))
            listener.listen(0)
            first.connect(str(socket_path))
            with pytest.raises(Unavailable, match=r"does not answer on .* within 0\.1 s"):
                request(socket_path, Command.STATUS, timeout_s=0.1)


class TestNobodyThere:
    def test_no_socket(self, socket_path: Path) -> None:
        with pytest.raises(
            Unavailable, match=r"no gatewayd answers on .*: is it running\? `systemctl status gatewayd`"
        ):
            request(socket_path, Command.STATUS)

    def test_a_dead_daemons_socket(self, socket_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(socket_path))
        with pytest.raises(Unavailable, match="is it running"):
            request(socket_path, Command.STATUS)

    def test_a_path_no_socket_can_have(self, socket_path: Path) -> None:
        with pytest.raises(Unavailable, match="cannot ask gatewayd: AF_UNIX path too long"):
            request(socket_path.parent / ("x" * 108), Command.STATUS)

    def test_a_socket_that_is_not_for_this_user(self, unprivileged: None) -> None:
        with pytest.raises(Unavailable, match="permission denied; ask as root or as a member of the socket's group"):
            request(Path("/proc/1/cwd/control.sock"), Command.STATUS)


class TestStrangers:
    def test_one_that_says_nothing(self, socket_path: Path) -> None:
        with (
            answering(socket_path, until_hung_up),
            pytest.raises(Unavailable, match=r"does not answer on .* within 0\.05 s; `journalctl -u gatewayd`"),
        ):
            request(socket_path, Command.STATUS, timeout_s=0.05)

    def test_one_that_trickles(self, socket_path: Path) -> None:
        def answer(connection: socket.socket) -> None:
            with suppress(BrokenPipeError):
                while True:
                    connection.sendall(b" ")
                    threading.Event().wait(0.01)

        with (
            answering(socket_path, answer),
            pytest.raises(Unavailable, match=r"does not answer on .* within 0\.05 s"),
        ):
            request(socket_path, Command.STATUS, timeout_s=0.05)

    def test_one_that_hangs_up_without_listening(self, socket_path: Path) -> None:
        with answering(socket_path, lambda _: None), pytest.raises(Unavailable):
            request(socket_path, Command.STATUS)

    def test_one_that_hangs_up_within_a_line(self, socket_path: Path) -> None:
        def answer(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b'{"ok": true')

        with (
            answering(socket_path, answer),
            pytest.raises(Unavailable, match="not gatewayd, or another version of it: it hung up without a whole"),
        ):
            request(socket_path, Command.STATUS)

    def test_one_that_speaks_another_language(self, socket_path: Path) -> None:
        def answer(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"220 mail.example.com ESMTP\n")

        with (
            answering(socket_path, answer),
            pytest.raises(Unavailable, match="not gatewayd, or another version of it: the answer is not one JSON"),
        ):
            request(socket_path, Command.STATUS)

    def test_one_that_never_stops(self, socket_path: Path) -> None:
        def answer(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"x" * ANSWER_LIMIT_BYTES)

        with (
            answering(socket_path, answer),
            pytest.raises(Unavailable, match="it sent more than 1048576 bytes"),
        ):
            request(socket_path, Command.STATUS)


class TestFollowing:
    async def test_the_status_and_then_one_event_after_the_other(self, socket_path: Path) -> None:
        events = EventBus()
        async with serving(socket_path, Daemon().handle, events=events):
            following = follow(socket_path)
            assert await trio.to_thread.run_sync(next, following) == {"stations": ["lobby"]}
            events.of("lobby")(Muted())
            events.publish(LogMessagesLost(3))
            told = [await trio.to_thread.run_sync(next, following) for _ in range(2)]
            assert [(event["event"], event["station"]) for event in told] == [
                ("muted", "lobby"),
                ("log_messages_lost", None),
            ]
            following.close()
            await wait_all_tasks_blocked()
            assert events.followers == 0

    async def test_a_refusal_is_raised_before_anything_is_followed(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            with pytest.raises(RequestRefused, match="no station 'loby'"):
                await trio.to_thread.run_sync(next, follow(socket_path, "loby"))

    async def test_a_daemon_that_ends_is_told(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            following = follow(socket_path)
            await trio.to_thread.run_sync(next, following)
        with pytest.raises(Unavailable, match="gatewayd has ended, or cut this connection"):
            await trio.to_thread.run_sync(next, following)

    def test_nobody_there(self, socket_path: Path) -> None:
        with pytest.raises(Unavailable, match="no gatewayd answers on"):
            next(follow(socket_path))

    def test_something_else_that_listens_there(self, socket_path: Path) -> None:
        def answer(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b'{"ok":true,"result":{}}\n{"what":1}\n')
            until_hung_up(connection)

        with answering(socket_path, answer):
            following = follow(socket_path)
            assert next(following) == {}
            with pytest.raises(Unavailable, match="is not gatewayd, or another version of it: what came is no event"):
                next(following)
