from __future__ import annotations

import logging
import socket
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.system.notify import STATUS_LIMIT, Notifier

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
