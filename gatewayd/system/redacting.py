"""Takes secrets out of a log record itself, before any formatter sees it."""

from __future__ import annotations

import logging
from enum import Enum

from gatewayd.redaction import redacted
from gatewayd.system.fields import FIELDS, VALUE_LIMIT_BYTES


class RedactionFilter(logging.Filter):
    """Lets every record pass, with message, arguments and extra fields free of secrets, whoever made it.

    Afterwards the message is text and has no arguments. A record whose arguments do not fit its message is replaced
    by one that names the call: its values must not come out by another way.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place."""
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong log call must not stop what it only tells about
            where = f"{record.pathname}:{record.lineno}"
            message = f"a log line from {where} cannot be formatted: {type(error).__name__} (a bug)"
            record.levelno, record.levelname = logging.ERROR, logging.getLevelName(logging.ERROR)
            record.exc_info = None
        record.msg, record.args = redacted(message), None
        record.stack_info = redacted(record.stack_info) if record.stack_info else None
        for key in FIELDS:
            value = record.__dict__.get(key)
            if value is not None and not isinstance(value, (Enum, bool, int, float)):
                record.__dict__[key] = _told(value)
        return True


def _told(value: object) -> str:
    try:
        return redacted(str(value), VALUE_LIMIT_BYTES)
    except Exception as error:  # noqa: BLE001 - as above: a value that cannot be shown must not stop anything
        return f"({type(error).__name__})"
