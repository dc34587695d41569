"""The service's messages as WebSocket frames, and the one message it reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewayd.sim.script import MESSAGES
from gatewayd.sim.wire import OP_TEXT, encode_message

if TYPE_CHECKING:
    from collections.abc import Mapping


def connected() -> bytes:
    """The client is authenticated."""
    return _json({"type": "connected"})


def agent_ready() -> bytes:
    """The agent listens."""
    return _json({"type": "agent_ready"})


def session_ended(reason: str) -> bytes:
    """The session is over; the close frame follows."""
    return _json({"type": "session_ended", "reason": reason})


def error(code: str, message: str | None, *, typed: bool = True) -> bytes:
    """An error message; without `typed` it carries only what the troubleshooting page promises."""
    content = {"code": code, "message": message if message is not None else MESSAGES.get(code, "scripted error")}
    return _json({"type": "error", **content} if typed else content)


def token_in(text: str) -> str | None:
    """The token of a first message, or None where it is not JSON with a `token` string."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = message.get("token") if isinstance(message, dict) else None
    return token if isinstance(token, str) and token else None


def _json(message: Mapping[str, str]) -> bytes:
    return encode_message(OP_TEXT, json.dumps(message, separators=(",", ":")).encode())
