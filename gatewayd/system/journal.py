"""Hands records to journald by its native protocol, never waiting for it.

The socket is not connected: every datagram names the path, so that a journald that was restarted is found again, and
one that is stopped costs one system call that says so. systemd-python's own function waits, with the whole process,
once journald's queue is full.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.system.fields import FIELDS, encode, field_name, field_value
from gatewayd.system.lines import MessageFormatter, priority
from gatewayd.system.losses import LossyHandler
from gatewayd.text import one_line

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

SOCKET = Path("/run/systemd/journal/socket")
"""Where journald listens (systemd-journald.service(8))."""
IDENTIFIER = "gatewayd"
"""For `journalctl -t`, also where the interpreter's name would stand otherwise."""


class JournalHandler(LossyHandler):
    """Sends each record as one datagram to `path`; what journald does not take at once is dropped and counted.

    A record has at most 4096 bytes of text and 512 of each field: about 20 KiB in all, far below what a socket takes.
    """

    def __init__(self, path: Path = SOCKET, *, debug: bool) -> None:
        super().__init__()
        self.setFormatter(MessageFormatter(debug=debug))
        self._path = os.fspath(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def close(self) -> None:
        """Close the socket."""
        super().close()
        self._socket.close()

    def put(self, record: logging.LogRecord) -> bool:
        """Send one record; False if journald's queue is full, or journald is not there."""
        datagram = encode(self._fields(record))
        try:
            return self._socket.sendto(datagram, socket.MSG_DONTWAIT, self._path) == len(datagram)
        except OSError:
            return False

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, str]]:
        """Name and value; nothing of the record's arguments but the text they were made into."""
        yield "MESSAGE", self.format(record)
        yield "PRIORITY", str(priority(record.levelno))
        yield "SYSLOG_IDENTIFIER", IDENTIFIER
        yield "LOGGER", record.name
        yield "CODE_FILE", record.pathname
        yield "CODE_LINE", str(record.lineno)
        if record.funcName:
            yield "CODE_FUNC", record.funcName
        message_id = record.__dict__.get("message_id")
        if message_id is not None:
            yield "MESSAGE_ID", field_value(message_id)
        for key in FIELDS:
            value = record.__dict__.get(key)
            if value is not None:
                yield field_name(key), one_line(field_value(value))
