"""The receiving end of the journal's native protocol, for tests: a socket, and a decoder of its own."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATAGRAM_LIMIT_BYTES = 1 << 20


def decode(datagram: bytes) -> list[tuple[str, bytes]]:
    """Name and value of each field, in order (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    fields, rest = [], datagram
    while rest:
        line, _, rest = rest.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, end, rest = rest[8 : 8 + length], rest[8 + length : 9 + length], rest[9 + length :]
            assert (len(value), end) == (length, b"\n")
        fields.append((name.decode("ascii"), value))
    return fields


class Journald:
    """A datagram socket at a path; nobody reads it but the test."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))

    def close(self) -> None:
        self._socket.close()

    def entries(self) -> list[dict[str, str]]:
        """All that was sent since the last call; no field comes twice in one."""
        entries: list[dict[str, str]] = []
        while True:
            try:
                fields = decode(self._socket.recv(DATAGRAM_LIMIT_BYTES))
            except BlockingIOError:
                return entries
            entries.append({name: value.decode("utf-8") for name, value in fields})
            assert len(entries[-1]) == len(fields)


@contextmanager
def listening(path: Path) -> Iterator[Journald]:
    """Be journald at `path`, which must be free; it stays behind, as the one of a journald that died."""
    journald = Journald(path)
    try:
        yield journald
    finally:
        journald.close()
