"""Who may use the control socket: by its group, and by the kernel's word of who is at the other end."""

from __future__ import annotations

import grp
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.control.server import LINES_AT_ONCE
from tests.control.clients import STATUS, Daemon, error_of, receive_line, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio.testing import MockClock

NOBODY = 65534
"""A user and a group that own nothing."""


def owner_of(path: Path) -> tuple[str, int]:
    """Its mode, and its group."""
    status = path.stat()
    return stat.filemode(status.st_mode), status.st_gid


@contextmanager
def somebody_else(path: Path, group: int) -> Iterator[None]:
    """A user without rights but those of one group, after somebody has widened the socket's mode."""
    path.parent.chmod(0o755)
    path.chmod(0o666)
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


async def ask_as_somebody_else(path: Path, group: int) -> dict[str, object]:
    with somebody_else(path, group):
        client = await trio.open_unix_socket(path)
    async with client:
        await client.send_all(STATUS)
        return await receive_line(client)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
class TestPeers:
    async def test_nobody_in_particular_is_refused_whatever_the_mode_says(
        self, socket_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        daemon = Daemon()
        async with serving(socket_path, daemon.handle):
            answer = await ask_as_somebody_else(socket_path, NOBODY)
        assert error_of(answer) == "denied"
        assert daemon.asked == []
        assert caplog.messages == [
            f"uid {NOBODY} (process {os.getpid()}) was refused on the control socket: it is not in group root"
        ]

    async def test_a_member_of_the_sockets_group_is_admitted(self, socket_path: Path) -> None:
        gid = grp.getgrnam("audio").gr_gid
        async with serving(socket_path, Daemon().handle, group="audio"):
            assert owner_of(socket_path) == ("srw-rw----", gid)
            assert (await ask_as_somebody_else(socket_path, gid))["ok"] is True

    async def test_a_storm_of_refusals_is_a_handful_of_lines(
        self, socket_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
    ) -> None:
        async with serving(socket_path, Daemon().handle):
            for _ in range(100):
                assert error_of(await ask_as_somebody_else(socket_path, NOBODY)) == "denied"
        assert len(caplog.records) == LINES_AT_ONCE


class TestGroup:
    async def test_one_that_does_not_exist_is_told_and_nothing_is_widened(
        self, socket_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serving(socket_path, Daemon().handle, group="no-such-group"):
            assert owner_of(socket_path) == ("srw-rw----", os.getegid())
        assert "control.group = 'no-such-group': there is no such group" in caplog.text

    async def test_one_that_the_daemon_is_not_in_is_told(
        self, caplog: pytest.LogCaptureFixture, unprivileged: None
    ) -> None:
        if "audio" in {grp.getgrgid(gid).gr_name for gid in os.getgroups()}:
            pytest.skip("this user is in the group")
        with tempfile.TemporaryDirectory(prefix="gw-") as directory:
            async with serving(Path(directory) / "control.sock", Daemon().handle, group="audio"):
                pass
        assert "control.group = 'audio': Operation not permitted: the daemon's user must be in it" in caplog.text
