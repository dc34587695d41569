"""What the daemon logs, and where it goes: to a terminal, to a file or pipe, or to journald.

Every module logs through the standard library; records may carry `extra={"cause": …, "message_id": …}`, the keys of
`system.fields.FIELDS` (`StationLog` adds the station). A record is always one line: what came from outside cannot
forge a second one. No handler ever waits for whoever reads the log.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from gatewayd.system.journal import SOCKET, JournalHandler
from gatewayd.system.lines import LineFormatter, LineHandler, LogStyle, descriptor_of
from gatewayd.system.losses import LossyHandler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from pathlib import Path
    from typing import TextIO

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
"""What `--log-level` takes."""


class StationLog(_Adapter):
    """A logger whose every record carries its station's name."""

    def __init__(self, logger: logging.Logger, station: str) -> None:
        super().__init__(logger, {"station": station})

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        """Add the station to the record's other extra fields, which the base class would throw away."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


def configure_logging(level: str, stream: TextIO, *, journal: Path = SOCKET) -> LossyHandler:
    """Send gatewayd's records from `level` (a key of `LEVELS`) on to where `stream`, usually stderr, leads.

    Where that is journald they go by its native protocol to `journal`, with all their fields; if nothing is there, as
    in a file system of one's own, as lines. Other packages' records pass from warning on: trio-websocket's debug
    records hold addresses with their queries. Called again, it replaces what it set up before. Returns the handler
    that is now on the root logger.
    """
    root = logging.getLogger()
    for handler in _own_handlers():
        root.removeHandler(handler)
        handler.close()
    made = _handler(stream, journal, debug=level == "debug")
    root.addHandler(made)
    root.setLevel(logging.WARNING)
    logging.getLogger("trio_websocket").setLevel(logging.WARNING)
    logging.getLogger("gatewayd").setLevel(LEVELS[level])
    logging.captureWarnings(capture=True)
    return made


def style_for(stream: TextIO, environment: Mapping[str, str]) -> LogStyle:
    """The style that suits what `stream` is connected to.

    systemd says in `JOURNAL_STREAM` which device and inode its journal socket has (systemd.exec(5)); a child whose
    stderr was redirected elsewhere inherits the variable and must not be fooled by it.
    """
    descriptor = descriptor_of(stream)
    if descriptor is None:
        return LogStyle.PLAIN
    if os.isatty(descriptor):
        plain = environment.get("TERM", "dumb") == "dumb" or bool(environment.get("NO_COLOR"))
        return LogStyle.TERMINAL if plain else LogStyle.COLOURED
    status = os.fstat(descriptor)
    if environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
        return LogStyle.JOURNAL
    return LogStyle.PLAIN


def lost_records() -> Mapping[str, int]:
    """How many records were lost since logging was configured, by the name of their level: `debug` to `error`."""
    return next((handler.lost for handler in _own_handlers()), dict.fromkeys(LEVELS, 0))


def tell_losses() -> None:
    """Try to tell of records that were lost, without waiting; else the next record that gets through does it."""
    for handler in _own_handlers():
        handler.tell_losses()


def _own_handlers() -> Iterator[LossyHandler]:
    return (handler for handler in logging.getLogger().handlers[:] if isinstance(handler, LossyHandler))


def _is_there(journal: Path) -> bool:
    try:
        return journal.is_socket()
    except OSError:  # a sandbox that hides it
        return False


def _handler(stream: TextIO, journal: Path, *, debug: bool) -> LossyHandler:
    style = style_for(stream, os.environ)
    if style is LogStyle.JOURNAL and _is_there(journal):
        return JournalHandler(journal, debug=debug)
    handler = LineHandler(stream)
    handler.setFormatter(LineFormatter(style, debug=debug))
    return handler
