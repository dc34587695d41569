"""Handlers that never wait: what cannot be handed over is dropped, counted by level, and told of later."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from typing import TYPE_CHECKING

from gatewayd.message_ids import MessageId
from gatewayd.system.redacting import RedactionFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"), (0, "debug"))


class LossyHandler(logging.Handler):
    """Hands records, without their secrets, to `put`, which says whether it could; it must not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(RedactionFilter())
        self._lost = {name: 0 for _, name in reversed(_LEVELS)}
        self._untold: dict[str, int] = {}
        self._first_lost_s = 0.0

    @property
    def lost(self) -> Mapping[str, int]:
        """Records lost since the handler was made, by the name of their level."""
        return dict(self._lost)

    @property
    def untold(self) -> int:
        """How many of them nobody was told of yet."""
        return sum(self._untold.values())

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record over, or count it; never waits."""
        if not (self.tell_losses() and self.put(record)):
            if not self._untold:
                self._first_lost_s = record.created
            name = next(name for least, name in _LEVELS if record.levelno >= least)
            self._lost[name] += 1
            self._untold[name] = self._untold.get(name, 0) + 1

    def tell_losses(self) -> bool:
        """Try to tell of what was lost; whether nothing is left to be told. Never waits."""
        self.acquire()
        try:
            if self._untold and self.put(self._notice()):
                self._untold = {}
            return not self._untold
        finally:
            self.release()

    @abstractmethod
    def put(self, record: logging.LogRecord) -> bool:
        """Hand a record over at once; False where that is not possible now."""

    def _notice(self) -> logging.LogRecord:
        counts = ", ".join(f"{count} {name}" for name, count in self._untold.items())
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._first_lost_s))
        count = self.untold
        notice = logging.LogRecord(
            "gatewayd.logs",
            logging.WARNING,
            __file__,
            0,
            "%d log records were lost here, the first at %s: what reads them did not keep up (%s)",
            (count, since, counts),
            None,
        )
        notice.__dict__.update(lost=count, message_id=MessageId.LOG_RECORDS_LOST)
        return notice
