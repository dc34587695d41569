"""How a record looks as a line: for a person at a terminal, for a file or pipe, and for journald's own stream.

What blocks: a pipe, socket or terminal that takes no more is never waited for; lines are dropped and counted, and the
count is the next line that gets through. A regular file is written as the disk allows.
"""

from __future__ import annotations

import io
import logging
import os
import select
import time
import traceback
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.redaction import redacted
from gatewayd.system.losses import LossyHandler
from gatewayd.text import one_line

if TYPE_CHECKING:
    from typing import TextIO

LINE_LIMIT_BYTES = 4096
"""Longest line, newline included: PIPE_BUF, as much as a pipe that is ready takes whole and at once (pipe(7))."""

_STATION_COLUMNS = 10
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_COLOURS = ((logging.ERROR, "\x1b[31m"), (logging.WARNING, "\x1b[33m"), (logging.INFO, ""))
_FAINT, _RESET = "\x1b[2m", "\x1b[0m"
_CUT = b" [...] "
_NO_STATION = "-"


class LogStyle(Enum):
    """How a line looks."""

    TERMINAL = "terminal"
    """Clock time, aligned level and station; for reading while it runs."""
    COLOURED = "coloured"
    """The same with colours."""
    PLAIN = "plain"
    """Date, time and offset in ISO 8601; for files and pipes."""
    JOURNAL = "journal"
    """`<N>` and the message: journald reads N as the priority (sd-daemon(3)) and has the time itself."""


class MessageFormatter(logging.Formatter):
    """Says on one line what happened: the station, if any, the message, the cause in brackets, and an exception.

    An exception is named by its type and place alone, because its text may hold a secret; at debug level it is
    written out, its lines joined by ` | `.
    """

    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline at its end."""
        station, message = _station(record), self._message(record)
        return message if station == _NO_STATION else f"{station}: {message}"

    def _message(self, record: logging.LogRecord) -> str:
        parts = [one_line(record.getMessage())]
        cause = getattr(record, "cause", None)
        if cause is not None:
            parts.append(f"[{one_line(str(cause.value if isinstance(cause, Enum) else cause))}]")
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            parts.append(_written_out(error) if self._debug else _named(error))
        return " ".join(parts)


class LineFormatter(MessageFormatter):
    """Makes one line of a record, in a style."""

    def __init__(self, style: LogStyle, *, debug: bool) -> None:
        super().__init__(debug=debug)
        self._line_style = style

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline at its end."""
        if self._line_style is LogStyle.JOURNAL:
            return f"<{priority(record.levelno)}>{super().format(record)}"
        message = self._message(record)
        station = _station(record)
        level = record.levelname.lower()
        if self._line_style is LogStyle.PLAIN:
            return f"{_iso_time(record)} {level} {station} {message}"
        at = f"{time.strftime('%H:%M:%S', time.localtime(record.created))}.{int(record.msecs):03d}"
        columns = f"{level:<8} {station:<{_STATION_COLUMNS}}"
        if self._line_style is LogStyle.TERMINAL:
            return f"{at} {columns} {message}"
        colour = next((colour for least, colour in _COLOURS if record.levelno >= least), _FAINT)
        return f"{_FAINT}{at}{_RESET} {colour}{columns} {message}{_RESET if colour else ''}"


class LineHandler(LossyHandler):
    """Writes records to a stream without ever waiting for its reader; what it does not take is dropped and counted."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._descriptor = descriptor_of(stream)
        self._terminal = _own_terminal(self._descriptor)
        self._torn = False

    def close(self) -> None:
        """Close what the handler opened itself, which the stream is not."""
        super().close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def put(self, record: logging.LogRecord) -> bool:
        """Write one line; False if the stream does not take it whole, now."""
        line = _shortened(self.format(record).encode("utf-8", "backslashreplace")) + b"\n"
        try:
            if self._descriptor is None:
                self._stream.write(line.decode("utf-8"))
                return True
            descriptor = self._descriptor if self._terminal is None else self._terminal
            if not _takes_a_line(descriptor):
                return False
            if self._torn:
                line = b"\n" + line[1 - LINE_LIMIT_BYTES :]
            written = os.write(descriptor, line)
        except (OSError, ValueError):  # the reader left, the disk is full, the stream is closed
            return False
        self._torn = written < len(line)
        return not self._torn


def descriptor_of(stream: TextIO) -> int | None:
    """The stream's file descriptor; None for one that lives in memory."""
    try:
        return stream.fileno()
    except (io.UnsupportedOperation, AttributeError):
        return None


def priority(level: int) -> int:
    """The priority that syslog and journald know a level by."""
    return next((number for least, number in _PRIORITIES if level >= least), 7)


def _takes_a_line(descriptor: int) -> bool:
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    return [event for _, event in ready.poll(0)] == [select.POLLOUT]


def _own_terminal(descriptor: int | None) -> int | None:
    """The terminal behind `descriptor`, opened anew so as never to wait for it; None if it is none or cannot be opened.

    A terminal that says it is ready may still take only a part of a line. O_NONBLOCK on the inherited descriptor would
    be set for the shell too: they share it.
    """
    if descriptor is None or not os.isatty(descriptor):
        return None
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def _station(record: logging.LogRecord) -> str:
    return one_line(str(getattr(record, "station", None) or _NO_STATION))


def _iso_time(record: logging.LogRecord) -> str:
    local = time.localtime(record.created)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int(record.msecs):03d}{time.strftime('%z', local)}"


def _named(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    at = f" at {os.path.basename(frames[0].filename)}:{frames[0].lineno}" if frames else ""  # noqa: PTH119 - a label
    return f"({type(error).__name__}{at})"


def _written_out(error: BaseException) -> str:
    lines = redacted("".join(traceback.format_exception(type(error), error, error.__traceback__))).splitlines()
    return " | ".join(one_line(line.strip()) for line in lines if line.strip())


def _shortened(line: bytes) -> bytes:
    """Cut a line that is too long in its middle: what happened stands at the start, of a traceback at the end."""
    room = LINE_LIMIT_BYTES - len(b"\n")
    if len(line) <= room:
        return line
    end = room // 2
    kept = line[: room - end - len(_CUT)].decode("utf-8", "ignore"), line[-end:].decode("utf-8", "ignore")
    return kept[0].encode() + _CUT + kept[1].encode()
