"""The control socket's place in the file system."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.control.server import serve
from gatewayd.errors import Unavailable
from tests.control.clients import STATUS, Daemon, is_free, receive_line, serving

if TYPE_CHECKING:
    from trio.testing import MockClock


def occupy(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_text("precious")


def is_occupied(path: Path) -> bool:
    return path.is_file() and path.read_text() == "precious"


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
