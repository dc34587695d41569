from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.system.notify import STATUS_LIMIT, Notifier, kept_descriptors, watchdog_limit_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def service_manager(address: str) -> Iterator[socket.socket]:
    """The socket on which systemd listens for notifications; `@` stands for an abstract one, as in NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address.replace("@", "\0", 1))
        manager.setblocking(False)
        yield manager


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "file" else f"@gatewayd-test-{uuid.uuid4()}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with service_manager(address) as manager:
        yield manager


def test_a_daemons_life(manager: socket.socket) -> None:
    notifier = Notifier()
    notifier.status("main: connecting")
    notifier.ready()
    notifier.status("main: agent_ready")
    notifier.stopping()
    told = [manager.recv(4096) for _ in range(4)]
    assert told == [b"STATUS=main: connecting", b"READY=1", b"STATUS=main: agent_ready", b"STOPPING=1"]


def test_a_reload_tells_when_it_began(manager: socket.socket) -> None:
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier().reloading()
    reloading, at = manager.recv(4096).decode().split("\n")
    assert reloading == "RELOADING=1"
    assert at.startswith("MONOTONIC_USEC=")
    assert before_us <= int(at.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_the_watchdog_is_fed(manager: socket.socket) -> None:
    Notifier().alive()
    assert manager.recv(4096) == b"WATCHDOG=1"


def test_an_open_file_is_handed_over_to_be_kept_and_forgotten(manager: socket.socket, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as file:
        Notifier().keep("count", file.fileno())
    message, (descriptor,), *_ = socket.recv_fds(manager, 4096, 2)
    assert message == b"FDSTORE=1\nFDNAME=count"
    os.write(descriptor, b"it is the same file")
    os.close(descriptor)
    assert (tmp_path / "file").read_text() == "it is the same file"
    Notifier().forget("count")
    assert manager.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=count"


def test_without_a_service_manager_nothing_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_FDS", raising=False)
    assert kept_descriptors() == {}


@pytest.mark.parametrize(
    ("usec", "pid", "limit_s"),
    [
        ("30000000", None, 30.0),
        ("30000000", str(os.getpid()), 30.0),
        ("30000000", "1", None),  # another process is meant: this one inherited the variables
        (None, None, None),
        ("", None, None),
        ("0", None, None),
        ("soon", None, None),
        ("30000000", "me", None),
    ],
)
def test_how_long_the_watchdog_waits(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, limit_s: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert watchdog_limit_s() == limit_s


@given(text=st.text(st.characters()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_status_text_can_say_anything_but_a_status(manager: socket.socket, text: str) -> None:
    Notifier().status(text)
    (line,) = manager.recv(65536).decode().split("\n")
    assert line.startswith("STATUS=")
    assert len(line) <= len("STATUS=") + STATUS_LIMIT


def test_a_status_cannot_smuggle_a_second_assignment(manager: socket.socket) -> None:
    Notifier().status("a\nREADY=1")
    assert manager.recv(4096) == b"STATUS=a\\nREADY=1"


def test_outside_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().ready()
    assert caplog.records == []


def test_a_service_manager_that_is_away_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notifier = Notifier()
    with caplog.at_level(logging.WARNING, logger="gatewayd"):
        notifier.ready()
        notifier.status("main: idle")
    assert [record.getMessage() for record in caplog.records] == [
        "systemd cannot be told READY=1: No such file or directory; is NOTIFY_SOCKET right?"
    ]
