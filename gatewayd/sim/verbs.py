"""What may stand in a scenario file under `do`, with the keys of each; docs/sim.md has the same as a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum
from typing import TypeVar

from gatewayd.lean import dataclass
from gatewayd.sim import script as scripted
from gatewayd.sim.script import Action, Direction, Hangup, Place, Quiet

Check = Callable[[object], object]
"""Turns a value of the file into one of the program, or raises `ValueError` with what would be right."""
E = TypeVar("E", bound=Enum)

PAYLOAD_LIMIT_BYTES = 16 * 1024 * 1024
"""Of one step, all its repetitions together."""
BODY_LIMIT_BYTES = 10**12
"""Of a made-up body: endless, as far as any client is concerned."""
DELAY_LIMIT_S = 86_400.0

ACCEPT, HEARTBEAT = "accepts", "heartbeat"
"""Points outside an attempt, named by their table."""
HTTP = frozenset({Place.TOKEN.value, Place.UPGRADE.value, HEARTBEAT})
SESSION = frozenset(place.value for place in Place) - HTTP
DECIDED = frozenset({Place.AUTH.value, Place.CONNECTED.value, Place.AGENT_READY.value, Place.CLOSE.value})
"""Points of a session at which the service does something of its own."""


def text(value: object) -> str:
    """Any text that UTF-8 can carry."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    return value


def hexadecimal(value: object) -> bytes:
    """Bytes as hexadecimal digits, blanks allowed."""
    try:
        return bytes.fromhex(text(value))
    except ValueError:
        raise ValueError('must be pairs of hexadecimal digits in quotes, such as "81 02 c3 28"') from None


def boolean(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def whole(low: int, high: int) -> Check:
    """A whole number in a range."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def seconds(value: object) -> float:
    """A time span."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= DELAY_LIMIT_S:
        raise ValueError(f"must be a number of seconds from 0 to {DELAY_LIMIT_S:g}")
    return float(value)


def rate(value: object) -> float:
    """Bytes per second."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 1 <= value <= BODY_LIMIT_BYTES:
        raise ValueError("must be a number of at least 1")
    return float(value)


def one_of(kind: type[E]) -> Check:
    """One of an enumeration's values."""

    def check(value: object) -> E:
        for member in kind:
            if member.value == value:
                return member
        raise ValueError("must be one of " + ", ".join(f'"{member.value}"' for member in kind))

    return check


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[ \t\x21-\x7e]*[\x21-\x7e])?)?")
_FRAMING = ("connection", "content-length", "transfer-encoding")


def headers(value: object) -> dict[str, str]:
    """HTTP headers, but for those that frame the answer."""
    if not isinstance(value, dict):
        raise ValueError('must be a table, such as { "Retry-After" = "30" }')
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
            raise ValueError("has a name that cannot stand here; to break the framing use send_raw")
        if not isinstance(content, str) or not _HEADER_VALUE.fullmatch(content):
            raise ValueError("has a value that is not plain text in quotes; to break the rules of HTTP use send_raw")
    return dict(value)


@dataclass(frozen=True)
class Verb:
    """One `do`: what it makes, its keys, and at which points it may stand."""

    build: Callable[..., Action]
    keys: Mapping[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    points: frozenset[str] = SESSION


def _respond(**values: object) -> Action:
    respond = scripted.Respond(**values)  # type: ignore[arg-type]  # each value went through its check
    if respond.status in (204, 304) and (respond.body or respond.body_bytes):
        raise ValueError("an answer with status 204 or 304 has no body")
    if respond.body and respond.body_bytes:
        raise ValueError("takes body or body_bytes, not both")
    return respond


def _send_text(text: str, fragments: int = 1) -> Action:
    return scripted.SendText(text, fragments)


def _send_binary(hex: bytes | None = None, zeros: int = 640, count: int = 1, fragments: int = 1) -> Action:  # noqa: A002 - the key's name
    data = bytes(zeros) if hex is None else hex
    if len(data) * count > PAYLOAD_LIMIT_BYTES:
        raise ValueError(f"sends over {PAYLOAD_LIMIT_BYTES} bytes in all")
    return scripted.SendBinary(data, count, fragments)


def _send_raw(hex: bytes = b"", text: str = "") -> Action:  # noqa: A002 - the key's name
    if bool(hex) == bool(text):
        raise ValueError("takes either hex or text")
    return scripted.SendRaw(hex or text.encode())


def _ping(count: int = 1, hex: bytes = b"") -> Action:  # noqa: A002 - the key's name
    if len(hex) > 125:
        raise ValueError("carries at most 125 bytes")
    return scripted.SendPing(count, hex)


def _close(code: int = 1000, reason: str = "", *, without_code: bool = False, half_open: bool = False) -> Action:
    return scripted.Close(None if without_code else code, reason, half_open)


_CLOSE_CODE = whole(0, 65_535)
_FRAGMENTS = whole(1, 1000)
_ANYWHERE = HTTP | SESSION | {ACCEPT}

VERBS: Mapping[str, Verb] = {
    "respond": Verb(
        _respond,
        {
            "status": whole(200, 599),
            "headers": headers,
            "body": text,
            "body_bytes": whole(1, BODY_LIMIT_BYTES),
            "bytes_per_s": rate,
        },
        ("status",),
        HTTP,
    ),
    "proceed": Verb(scripted.Proceed, points=HTTP | DECIDED | {ACCEPT}),
    "skip": Verb(scripted.Skip, points=DECIDED | {Place.OPEN.value}),
    "accept": Verb(scripted.Accept, points=frozenset({Place.AUTH.value})),
    "send_error": Verb(scripted.SendError, {"code": text, "message": text, "typed": boolean}, ("code",)),
    "fail": Verb(scripted.Fail, {"code": text, "message": text, "close_code": _CLOSE_CODE}, ("code",)),
    "end_session": Verb(scripted.EndSession, {"reason": text}),
    "send_text": Verb(_send_text, {"text": text, "fragments": _FRAGMENTS}, ("text",)),
    "send_binary": Verb(
        _send_binary,
        {
            "hex": hexadecimal,
            "zeros": whole(0, PAYLOAD_LIMIT_BYTES),
            "count": whole(1, 100_000),
            "fragments": _FRAGMENTS,
        },
    ),
    "send_raw": Verb(_send_raw, {"hex": hexadecimal, "text": text}, points=_ANYWHERE),
    "ping": Verb(_ping, {"count": whole(1, 100_000), "hex": hexadecimal}),
    "close": Verb(_close, {"code": _CLOSE_CODE, "reason": text, "without_code": boolean, "half_open": boolean}),
    "cut": Verb(scripted.Cut, {"how": one_of(Hangup)}, points=_ANYWHERE),
    "stall": Verb(scripted.Stall, {"what": one_of(Direction), "for_s": seconds}, points=_ANYWHERE),
    "hush": Verb(scripted.Hush, {"what": one_of(Quiet)}),
}
