"""The asking side of the control socket: plain and blocking, so that `gatewayd status` starts no event loop."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gatewayd.control.protocol import (
    ANSWER_LIMIT_BYTES,
    AnswerMalformed,
    Command,
    LineSplitter,
    LineTooLong,
    Request,
    decode_answer,
    decode_event,
    encode_request,
)
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

ANSWER_LIMIT_S = 8.0
"""Longest wait for a whole answer; longer than the daemon takes to say itself that a request timed out."""
_CHUNK_BYTES = 65536
_RETRY_INTERVAL_S = 0.02


def request(
    socket_path: Path, command: Command, station: str | None = None, *, timeout_s: float = ANSWER_LIMIT_S
) -> dict[str, object]:
    """Ask the running daemon and return its result, within `timeout_s` seconds in all.

    Raises `Unavailable` when no daemon answers, saying what to do, and `RequestRefused` when it answers no.
    """
    with _asking(socket_path, Request(command, station), timeout_s) as lines:
        return decode_answer(lines.next_one())


def follow(
    socket_path: Path, station: str | None = None, *, timeout_s: float = ANSWER_LIMIT_S
) -> Generator[dict[str, object], None, None]:
    """What happens in the running daemon, from now on: first its status, then one event after the other, for ever.

    Waits `timeout_s` for the status, and without end for events. Raises as `request` does, and `Unavailable` once the
    daemon has ended. Closing the generator hangs up.
    """
    with _asking(socket_path, Request(Command.EVENTS, station), timeout_s) as lines:
        yield decode_answer(lines.next_one())
        lines.deadline = None
        while True:
            try:
                line = lines.next_one()
            except _HungUp:
                raise Unavailable(
                    "gatewayd has ended, or cut this connection; `systemctl status gatewayd` tells"
                ) from None
            yield decode_event(line)


class _HungUp(AnswerMalformed):
    """The other side hung up between two lines."""


class _Lines:
    """The lines that come from the daemon, until `deadline` on the monotonic clock; None: for ever."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.deadline: float | None = deadline
        self._connection = connection
        self._splitter = LineSplitter(ANSWER_LIMIT_BYTES)

    def next_one(self) -> bytes:
        """Wait for the next line. Raises `TimeoutError` at the deadline, and `AnswerMalformed` where no line comes."""
        try:
            while (line := self._splitter.next_line()) is None:
                self._receive()
        except LineTooLong:
            raise AnswerMalformed(f"it sent more than {ANSWER_LIMIT_BYTES} bytes") from None
        return line

    def _receive(self) -> None:
        remaining_s = None if self.deadline is None else self.deadline - time.monotonic()
        if remaining_s is not None and remaining_s <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining_s)
        data = self._connection.recv(_CHUNK_BYTES)
        if not data:
            raise _HungUp("it hung up without a whole answer")
        self._splitter.feed(data)


@contextmanager
def _asking(socket_path: Path, request: Request, timeout_s: float) -> Iterator[_Lines]:
    """Ask, and read the answer inside; whatever keeps it away is raised as `Unavailable`."""
    deadline = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            _connect(connection, socket_path, deadline)
            # A daemon with no room says so and closes at once: its answer is there even if the request no longer fits.
            with suppress(BrokenPipeError):
                connection.sendall(encode_request(request))
            yield _Lines(connection, deadline)
    except TimeoutError:
        raise Unavailable(
            f"gatewayd does not answer on {socket_path} within {timeout_s:g} s; `journalctl -u gatewayd` may say why"
        ) from None
    except AnswerMalformed as error:
        raise Unavailable(f"what answers on {socket_path} is not gatewayd, or another version of it: {error}") from None
    except OSError as error:
        raise _unreachable(socket_path, error) from None


def _connect(connection: socket.socket, socket_path: Path, deadline: float) -> None:
    """Connect. Where more clients wait to be accepted than the kernel keeps, it says EAGAIN at once: try again then.

    Raises `OSError`, and `TimeoutError` at the deadline.
    """
    while True:
        try:
            connection.connect(str(socket_path))
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            time.sleep(_RETRY_INTERVAL_S)
        else:
            return


def _unreachable(socket_path: Path, error: OSError) -> Unavailable:
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return Unavailable(f"no gatewayd answers on {socket_path}: is it running? `systemctl status gatewayd` tells")
    if isinstance(error, PermissionError):
        return Unavailable(f"{socket_path}: permission denied; ask as root or as a member of the socket's group")
    return Unavailable(f"{socket_path}: cannot ask gatewayd: {error.strerror or error}")
