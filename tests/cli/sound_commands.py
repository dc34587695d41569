"""Runs the sound commands, in this process or one of their own, and does something meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatewayd.cli.main import main
from tests.softcard.timeline import Direction, EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.softcard.card import SoftCard

ARRAY = ["--device", "hw:CARD=Array,DEV=0", "--rate-hz", "48000", "--format", "S32_LE", "--channels", "2"]
LIMIT_S = 60.0
"""Only there to end a test that would hang."""


def command(*words: str | Path) -> int:
    """Run a command here; its exit code."""
    return main([str(word) for word in words])


@contextmanager
def started(*words: str | Path, before: tuple[str, ...] = (), stdout: int = subprocess.PIPE) -> Iterator[Child]:
    """Run a command in a process of its own, killed at the latest at the end."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [*before, sys.executable, "-m", "gatewayd", *map(str, words)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


class Child:
    """A command that runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, (out or b"").decode(), err.decode()


@contextmanager
def meanwhile(condition: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """While the block runs, wait for `condition` in a thread and then `act`; given up when the block has ended."""
    ended = threading.Event()

    def wait_and_act() -> None:
        while not condition():
            if ended.wait(0.005):
                return
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def hearing(card: SoftCard, frames: int) -> AbstractContextManager[None]:
    """While the block runs, wait until a card with a stepped clock is listened to, and let so many frames go by.

    The card's buffer holds all of up to 480 ms, so that nothing depends on how fast they are read.
    """
    return meanwhile(
        lambda: EventKind.START in card.timeline(Direction.CAPTURE).kinds,
        lambda: card.advance(frames, Direction.CAPTURE),
    )


def has_bytes(path: Path, count: int) -> Callable[[], bool]:
    """Whether a file has grown to so many bytes."""
    return lambda: path.exists() and path.stat().st_size >= count
