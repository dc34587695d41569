"""What a record carries besides its text, and how journald wants to be told: names, bounds and bytes, without a socket.

A record's `extra` may hold any key of `FIELDS`; it becomes the field GATEWAYD_<KEY>. The list is closed, so that
nothing goes out by accident.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VALUE_LIMIT_BYTES = 512
"""Longest value of a field; what is longer is cut. The text itself may have `MESSAGE_LIMIT_BYTES`."""
MESSAGE_LIMIT_BYTES = 4096
"""Longest text: as much as a line may have elsewhere."""

FIELDS: Mapping[str, str] = {
    "station": "the station's name",
    "state": "the session's state, as in the status",
    "cause": "why an attempt or a session ended, as in the status",
    "device": "the sound device as ALSA names it",
    "profile": "the hardware profile",
    "health": "what the sound says of the microphone, as in the status",
    "recovery": "the step of the recovery ladder that was taken",
    "http_status": "status of an HTTP answer",
    "close_code": "close code of a WebSocket",
    "error_code": "code of an error message of the service",
    "attempt": "failures in a row",
    "next_attempt_s": "seconds until the next attempt",
    "count": "how many occurrences the record stands for",
    "span_s": "the seconds in which they came",
    "lost": "how many records were lost before this one",
    "what": "what made no progress, such as `capture main`",
    "age_s": "seconds since its last progress",
    "limit_s": "how many there may be",
    "section": "a part of the configuration",
    "problems": "how many problems a configuration has",
    "action": "what somebody asked for on the control socket",
    "user_id": "who asked",
    "process_id": "by which process",
    "signal": "the signal that was received",
    "version": "gatewayd's version",
}
"""Key in `extra`, and what it means."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CUT = b" [...]"


def field_name(key: str) -> str:
    """The journal's name of a key of `FIELDS`."""
    return f"GATEWAYD_{key.upper()}"


def field_value(value: object) -> str:
    """A value as text. A member of an enumeration is told by its own value."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """One entry in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).

    A value on one line is `NAME=value`; one with a line break has its length as 64 bits, little-endian, in front.
    Values are cut at their bound. Raises `ValueError` for a name that journald would not take from an application:
    upper-case letters, digits and underscores, a letter first, 64 at most.
    """
    parts: list[bytes] = []
    for name, value in fields:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a journal field")
        content = _bounded(value, MESSAGE_LIMIT_BYTES if name == "MESSAGE" else VALUE_LIMIT_BYTES)
        if b"\n" in content:
            parts += [name.encode(), b"\n", len(content).to_bytes(8, "little"), content, b"\n"]
        else:
            parts += [name.encode(), b"=", content, b"\n"]
    return b"".join(parts)


def _bounded(value: str, limit_bytes: int) -> bytes:
    content = value.encode("utf-8", "backslashreplace")
    if len(content) <= limit_bytes:
        return content
    # a character that was cut in two is left out, or journald would take the field for binary
    return content[: limit_bytes - len(_CUT)].decode("utf-8", "ignore").encode() + _CUT
