"""The asking side of the control socket: plain and blocking, so that `gatewayd status` starts no event loop."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewayd.control.protocol import (
    ANSWER_LIMIT_BYTES,
    AnswerMalformed,
    Command,
    LineSplitter,
    LineTooLong,
    Request,
    decode_answer,
    encode_request,
)
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_LIMIT_S = 8.0
"""Longest wait for a whole answer; longer than the daemon takes to say itself that a request timed out."""
_CHUNK_BYTES = 65536


def request(
    socket_path: Path, command: Command, station: str | None = None, *, timeout_s: float = ANSWER_LIMIT_S
) -> dict[str, object]:
    """Ask the running daemon and return its result, within `timeout_s` seconds in all.

    Raises `Unavailable` when no daemon answers, saying what to do, and `RequestRefused` when it answers no.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(socket_path))
            # A daemon with no room says so and closes at once: its answer is there even if the request no longer fits.
            with suppress(BrokenPipeError):
                connection.sendall(encode_request(Request(command, station)))
            return decode_answer(_answer(connection, deadline))
    except TimeoutError:
        raise Unavailable(
            f"gatewayd does not answer on {socket_path} within {timeout_s:g} s; `journalctl -u gatewayd` may say why"
        ) from None
    except AnswerMalformed as error:
        raise Unavailable(f"what answers on {socket_path} is not gatewayd, or another version of it: {error}") from None
    except OSError as error:
        raise _unreachable(socket_path, error) from None


def _answer(connection: socket.socket, deadline: float) -> bytes:
    lines = LineSplitter(ANSWER_LIMIT_BYTES)
    try:
        while (line := lines.next_line()) is None:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                raise TimeoutError
            connection.settimeout(remaining_s)
            data = connection.recv(_CHUNK_BYTES)
            if not data:
                raise AnswerMalformed("it hung up without a whole answer")
            lines.feed(data)
    except LineTooLong:
        raise AnswerMalformed(f"it sent more than {ANSWER_LIMIT_BYTES} bytes") from None
    return line


def _unreachable(socket_path: Path, error: OSError) -> Unavailable:
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return Unavailable(f"no gatewayd answers on {socket_path}: is it running? `systemctl status gatewayd` tells")
    if isinstance(error, PermissionError):
        return Unavailable(f"{socket_path}: permission denied; ask as root or as a member of the socket's group")
    return Unavailable(f"{socket_path}: cannot ask gatewayd: {error.strerror or error}")
