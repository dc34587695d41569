"""One process after the other, and what systemd keeps from one to the next."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.lives import DELAY_MAX_S, DELAY_MIN_S, NAME, STABLE_AFTER_S, _delay_s, _read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIFE = """
import json, os, random
if {kept} is not None:  # as a process finds what systemd kept for it: sd_listen_fds(3)
    os.dup2({kept}, 3)
    os.environ["LISTEN_PID"] = str(os.getpid())
from gatewayd.lives import Lives
from gatewayd.system.notify import Notifier

class Longest(random.Random):
    def uniform(self, a, b):
        return max(a, b)

lives = Lives(Notifier())
delay_s = lives.begin(Longest())
if {ends_well}:
    lives.end()
print(json.dumps([delay_s, lives.deaths]))
"""


class ServiceManager:
    """Starts one life after the other, and keeps for the next what a life gives it, as systemd does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._incoming = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._incoming.bind(str(path))
        self._incoming.setblocking(False)
        self.kept: int | None = None

    def live(self, *, ends_well: bool = False) -> list[float]:
        """How long a life waits before it does anything, and of how many deaths it knows."""
        environment = {**os.environ, "NOTIFY_SOCKET": str(self._path)}
        if self.kept is not None:
            environment |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": NAME}
        done = subprocess.run(
            [sys.executable, "-c", LIFE.format(ends_well=ends_well, kept=self.kept)],
            env=environment,
            pass_fds=() if self.kept is None else (self.kept,),
            capture_output=True,
            check=True,
            text=True,
        )
        self._hear()
        answer: list[float] = json.loads(done.stdout)
        return answer

    def _hear(self) -> None:
        while True:
            try:
                message, descriptors, *_ = socket.recv_fds(self._incoming, 4096, 1)
            except BlockingIOError:
                return
            if message == f"FDSTORE=1\nFDNAME={NAME}".encode():
                (self.kept,) = descriptors
            elif message == f"FDSTOREREMOVE=1\nFDNAME={NAME}".encode():
                self.stop()

    def stop(self) -> None:
        """Throw away what was kept, as at the stop of a service."""
        if self.kept is not None:
            os.close(self.kept)
            self.kept = None

    def close(self) -> None:
        self.stop()
        self._incoming.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceManager]:
    monkeypatch.delenv("LISTEN_FDS", raising=False)
    manager = ServiceManager(tmp_path / "notify")
    yield manager
    manager.close()


def test_each_death_doubles_the_wait_until_a_life_ends_well(manager: ServiceManager) -> None:
    assert manager.live() == [0, 0]
    assert manager.live() == [1, 1]
    assert manager.live() == [2, 2]
    assert manager.live(ends_well=True) == [4, 3]
    assert manager.live() == [0, 0]


def test_who_lived_for_long_dies_as_if_for_the_first_time(manager: ServiceManager) -> None:
    manager.live()
    assert manager.kept is not None
    began_s = time.clock_gettime(time.CLOCK_BOOTTIME) - STABLE_AFTER_S
    os.pwrite(manager.kept, f"5 {began_s:.3f}".ljust(64).encode(), 0)
    assert manager.live() == [1, 1]


@pytest.mark.parametrize(("deaths", "longest_s"), [(0, 0), (1, DELAY_MIN_S), (6, 32), (7, DELAY_MAX_S), (1000, 60)])
def test_the_wait_is_a_random_half_to_whole(deaths: int, longest_s: float) -> None:
    waits_s = [_delay_s(deaths, random.Random(seed)) for seed in range(100)]
    assert all(longest_s / 2 <= wait_s <= longest_s for wait_s in waits_s)


@given(content=st.binary(max_size=100))
def test_whatever_lies_in_the_file_a_life_begins(content: bytes) -> None:
    descriptor = os.memfd_create("test")
    try:
        os.pwrite(descriptor, content, 0)
        deaths, _ = _read(descriptor)
    finally:
        os.close(descriptor)
    assert deaths >= 0
