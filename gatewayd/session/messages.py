"""The text messages of the voice protocol: built, and read so that nothing a server says can hurt."""

from __future__ import annotations

import json
import re

from gatewayd.session.causes import Cause
from gatewayd.session.events import (
    AgentReadied,
    ErrorReported,
    MessageIgnored,
    ServerConnected,
    ServerMessage,
    SessionEndAnnounced,
)

CLOSE_NORMAL = 1000
SERVER_SHUTDOWN = "server_shutdown"
"""The reason of a `session_ended` that comes to everybody at once."""

_CAUSE_OF_ERROR_CODE = {
    "AUTH_TIMEOUT": Cause.AUTH_TIMED_OUT,
    "INVALID_AUTH": Cause.AUTH_MALFORMED,
    "AUTH_FAILED": Cause.AUTH_REJECTED,
    "SESSION_SETUP_FAILED": Cause.SESSION_SETUP_FAILED,
}

_CAUSE_OF_CLOSE_CODE = {
    CLOSE_NORMAL: Cause.CLOSED_NORMALLY,
    4001: Cause.AUTH_TIMED_OUT,
    4002: Cause.AUTH_MALFORMED,
    4003: Cause.AUTH_REJECTED,
    4500: Cause.SESSION_SETUP_FAILED,
}


def authenticate(token: str) -> str:
    """The first message of every session."""
    return json.dumps({"token": token})


def cause_of_close_code(code: int | None) -> Cause:
    """What a close code means; None stands for a connection that ended without one."""
    if code is None:
        return Cause.CONNECTION_LOST
    return _CAUSE_OF_CLOSE_CODE.get(code, Cause.CLOSED_ABNORMALLY)


def parse(text: str) -> ServerMessage:
    """Read one text message; never raises, whatever the text.

    An error is taken without its `type` too, as the service's documentation promises only `code` and `message`.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return MessageIgnored("a text message that is not JSON")
    if not isinstance(message, dict):
        return MessageIgnored("a JSON message that is not an object")
    kind = message.get("type")
    if kind == "connected":
        return ServerConnected()
    if kind == "agent_ready":
        return AgentReadied()
    if kind == "session_ended":
        return SessionEndAnnounced(reason=_printable(message.get("reason")))
    if kind == "error" or (kind is None and isinstance(message.get("code"), str)):
        code = _printable(message.get("code"))
        cause = _CAUSE_OF_ERROR_CODE.get(code, Cause.SERVER_ERROR)
        return ErrorReported(cause=cause, code=code, message=_printable(message.get("message")))
    return MessageIgnored(f"a message of the unknown type {_plain_word(kind)!r}")


def _plain_word(value: object) -> str:
    """A value that is a word such as message types are; anything else could be a secret that the service repeats."""
    return value if isinstance(value, str) and re.fullmatch(r"[a-z_]{1,32}", value) else "?"


def _printable(value: object) -> str:
    """Text from outside on one line; anything but text gives an empty string. As long as the message let it be."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
