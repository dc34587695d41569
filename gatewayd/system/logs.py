"""What the daemon logs, and how it looks: for a person at a terminal, for a file or pipe, and for journald.

Every module logs through the standard library; records may carry `extra={"station": …, "cause": …}` (`StationLog` adds
the station). A record is always one line: what came from outside cannot forge a second one.

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
from typing import TYPE_CHECKING, Any

from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import TextIO

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
"""What `--log-level` takes."""
LINE_LIMIT_BYTES = 4096
"""Longest line, newline included: PIPE_BUF, as much as a pipe that is ready takes whole and at once (pipe(7))."""

_STATION_COLUMNS = 10
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_COLOURS = ((logging.ERROR, "\x1b[31m"), (logging.WARNING, "\x1b[33m"), (logging.INFO, ""))
_FAINT, _RESET = "\x1b[2m", "\x1b[0m"
_CUT = b" [...] "


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


class StationLog(_Adapter):
    """A logger whose every record carries its station's name."""

    def __init__(self, logger: logging.Logger, station: str) -> None:
        super().__init__(logger, {"station": station})

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        """Add the station to the record's other extra fields, which the base class would throw away."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


def configure_logging(level: str, stream: TextIO) -> logging.Handler:
    """Send gatewayd's records from `level` (a key of `LEVELS`) on to `stream`, usually stderr, in the style it wants.

    Other packages' records pass from warning on: trio-websocket's debug records hold addresses with their queries.
    Called again, it replaces what it set up before. Returns the handler that is now on the root logger.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LineHandler)]:
        root.removeHandler(handler)
        handler.close()
    handler = LineHandler(stream)
    handler.setFormatter(LineFormatter(style_for(stream, os.environ), debug=level == "debug"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("trio_websocket").setLevel(logging.WARNING)
    logging.getLogger("gatewayd").setLevel(LEVELS[level])
    logging.captureWarnings(capture=True)
    return handler


def style_for(stream: TextIO, environment: Mapping[str, str]) -> LogStyle:
    """The style that suits what `stream` is connected to.

    systemd says in `JOURNAL_STREAM` which device and inode its journal socket has (systemd.exec(5)); a child whose
    stderr was redirected elsewhere inherits the variable and must not be fooled by it.
    """
    descriptor = _descriptor(stream)
    if descriptor is None:
        return LogStyle.PLAIN
    if os.isatty(descriptor):
        plain = environment.get("TERM", "dumb") == "dumb" or bool(environment.get("NO_COLOR"))
        return LogStyle.TERMINAL if plain else LogStyle.COLOURED
    status = os.fstat(descriptor)
    if environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
        return LogStyle.JOURNAL
    return LogStyle.PLAIN


class LineFormatter(logging.Formatter):
    """Makes one line of a record.

    An exception is named by its type and place alone, because its text may hold a secret; at debug level it is
    written out, its lines joined by ` | `.
    """

    def __init__(self, style: LogStyle, *, debug: bool) -> None:
        super().__init__()
        self._line_style = style
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline at its end."""
        message = self._message(record)
        station = one_line(str(getattr(record, "station", None) or "-"))
        if self._line_style is LogStyle.JOURNAL:
            return f"<{_priority(record.levelno)}>{message if station == '-' else f'{station}: {message}'}"
        level = record.levelname.lower()
        if self._line_style is LogStyle.PLAIN:
            return f"{_iso_time(record)} {level} {station} {message}"
        at = f"{time.strftime('%H:%M:%S', time.localtime(record.created))}.{int(record.msecs):03d}"
        columns = f"{level:<8} {station:<{_STATION_COLUMNS}}"
        if self._line_style is LogStyle.TERMINAL:
            return f"{at} {columns} {message}"
        colour = next((colour for least, colour in _COLOURS if record.levelno >= least), _FAINT)
        return f"{_FAINT}{at}{_RESET} {colour}{columns} {message}{_RESET if colour else ''}"

    def _message(self, record: logging.LogRecord) -> str:
        parts = [one_line(record.getMessage())]
        cause = getattr(record, "cause", None)
        if cause is not None:
            parts.append(f"[{one_line(str(cause.value if isinstance(cause, Enum) else cause))}]")
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            parts.append(_written_out(error) if self._debug else _named(error))
        return " ".join(parts)


class LineHandler(logging.Handler):
    """Writes records to a stream without ever waiting for its reader; what it does not take is dropped and counted."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._terminal = _own_terminal(self._descriptor)
        self._dropped = 0
        self._torn = False

    @property
    def dropped(self) -> int:
        """Lines lost since the last one that was written."""
        return self._dropped

    def close(self) -> None:
        """Close what the handler opened itself, which the stream is not."""
        super().close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or count it as dropped."""
        lines = [self._line(record)]
        if self._dropped:
            lines.insert(0, self._line(_about_dropped(self._dropped)))
        for line in lines:
            if not self._write(line):
                self._dropped += 1
                return
            # The first line that gets through, if there were drops, is the one that tells of them.
            self._dropped = 0

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - a wrong log call must not stop what it only tells about
            text = self.format(_about_unformattable(record, error))
        return _shortened(text.encode("utf-8", "backslashreplace")) + b"\n"

    def _write(self, line: bytes) -> bool:
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


def _descriptor(stream: TextIO) -> int | None:
    """The stream's file descriptor; None for one that lives in memory."""
    try:
        return stream.fileno()
    except (io.UnsupportedOperation, AttributeError):
        return None


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), 7)


def _iso_time(record: logging.LogRecord) -> str:
    local = time.localtime(record.created)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int(record.msecs):03d}{time.strftime('%z', local)}"


def _named(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    at = f" at {os.path.basename(frames[0].filename)}:{frames[0].lineno}" if frames else ""  # noqa: PTH119 - a label
    return f"({type(error).__name__}{at})"


def _written_out(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    return " | ".join(one_line(line.strip()) for line in lines if line.strip())


def _about_dropped(count: int) -> logging.LogRecord:
    message = f"{count} log lines were lost here: what reads them did not keep up"
    return logging.LogRecord("gatewayd.logs", logging.WARNING, __file__, 0, message, None, None)


def _about_unformattable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    message = f"a log line from {record.pathname}:{record.lineno} cannot be formatted: {type(error).__name__} (a bug)"
    return logging.LogRecord("gatewayd.logs", logging.ERROR, __file__, 0, message, None, None)


def _shortened(line: bytes) -> bytes:
    """Cut a line that is too long in its middle: what happened stands at the start, of a traceback at the end."""
    room = LINE_LIMIT_BYTES - len(b"\n")
    if len(line) <= room:
        return line
    end = room // 2
    kept = line[: room - end - len(_CUT)].decode("utf-8", "ignore"), line[-end:].decode("utf-8", "ignore")
    return kept[0].encode() + _CUT + kept[1].encode()
