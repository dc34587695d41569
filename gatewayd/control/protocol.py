"""The wire format of the control socket: one JSON object a line, UTF-8, in both directions.

    → {"version": 1, "command": "status"}
    ← {"version": 1, "ok": true, "result": {…}}
    → {"version": 1, "command": "stop", "station": "lobby"}
    ← {"version": 1, "ok": false, "error": {"code": "unknown_station", "message": "…"}}
    → {"version": 1, "command": "events"}
    ← {"version": 1, "ok": true, "result": {…}}
    ← {"event": "state_changed", "time": "…", "boot_s": 81.2, "station": "lobby", …}      and so on, until it hangs up

Requests are read strictly: a misspelt `station` must not turn "stop this one" into "stop them all". Answers are read
leniently: a newer daemon may say more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import NoReturn

from gatewayd.errors import ExitCode, GatewayError, Unavailable
from gatewayd.lean import dataclass
from gatewayd.text import one_line

PROTOCOL_VERSION = 1
REQUEST_LIMIT_BYTES = 4 * 1024
"""Longest request line, newline included; a real one has under 100 bytes."""
ANSWER_LIMIT_BYTES = 1024 * 1024
"""Longest answer line that is read; a status has about 1 kB a station."""
NAME_LIMIT = 64
"""Longest station name, in characters."""
_INTEGER_DIGITS = 100
"""Far above any real number; Python converts very long ones slowly, or raises, depending on its version."""


class Command(str, Enum):
    """What can be asked of the daemon."""

    STATUS = "status"
    START = "start"
    STOP = "stop"
    MUTE = "mute"
    UNMUTE = "unmute"
    EVENTS = "events"
    """The answer is the status; events follow it for as long as the client stays."""
    METRICS = "metrics"
    """The answer has the status and, under `measurements`, what `gatewayd.metrics` keeps besides."""


@dataclass(frozen=True)
class Request:
    """One request; `station` None means all of them."""

    command: Command
    station: str | None = None


class Refusal(str, Enum):
    """Why a request was not carried out."""

    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_COMMAND = "unknown_command"
    UNKNOWN_STATION = "unknown_station"
    DENIED = "denied"
    BUSY = "busy"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


_EXIT_CODES = {
    Refusal.MALFORMED: ExitCode.UNAVAILABLE,
    Refusal.UNSUPPORTED_VERSION: ExitCode.UNAVAILABLE,
    Refusal.UNKNOWN_COMMAND: ExitCode.UNAVAILABLE,
    Refusal.UNKNOWN_STATION: ExitCode.USAGE,
    Refusal.DENIED: ExitCode.UNAVAILABLE,
    Refusal.BUSY: ExitCode.TRY_AGAIN,
    Refusal.TIMED_OUT: ExitCode.TRY_AGAIN,
    Refusal.FAILED: ExitCode.UNAVAILABLE,
}


class RequestRefused(GatewayError):
    """The daemon does not carry out a request; raised on both sides of the socket."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        self.refusal = refusal
        self.exit_code = _EXIT_CODES[refusal]
        super().__init__(message)


class AnswerMalformed(Unavailable):
    """What came back is no answer of this protocol."""


class LineTooLong(Exception):
    """A line went over the limit before it ended."""


class LineSplitter:
    """Cuts a byte stream into lines; holds at most `limit_bytes` and what was fed last."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def next_line(self) -> bytes | None:
        """Take the next whole line, without its newline; None while there is none. Raises `LineTooLong`."""
        end = self._buffer.find(b"\n", 0, self._limit_bytes)
        if end < 0 and len(self._buffer) >= self._limit_bytes:
            raise LineTooLong
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def rest(self) -> bytes:
        """Take what stands after the last newline: the stream's last line, if its writer did not end it."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def encode_request(request: Request) -> bytes:
    """The line for a request, newline included."""
    fields: dict[str, object] = {"version": PROTOCOL_VERSION, "command": request.command.value}
    if request.station is not None:
        fields["station"] = request.station
    return _line(fields)


def decode_request(line: bytes) -> Request:
    """Read a request. Raises `RequestRefused` for anything that is not exactly one."""
    try:
        fields = _parse(line)
    except ValueError as error:
        _refuse(Refusal.MALFORMED, f"a request is one JSON object a line: {error}")
    version = fields.pop("version", PROTOCOL_VERSION)
    if type(version) is not int or version != PROTOCOL_VERSION:
        _refuse(Refusal.UNSUPPORTED_VERSION, f"this daemon speaks version {PROTOCOL_VERSION} of the control protocol")
    command = _command(fields.pop("command", None))
    station = fields.pop("station", None)
    if fields:
        names = ", ".join(_quoted(name) for name in sorted(fields))
        _refuse(Refusal.MALFORMED, f"unknown: {names}; a request has version, command and station")
    if station is not None and not (isinstance(station, str) and 0 < len(station) <= NAME_LIMIT):
        _refuse(Refusal.MALFORMED, f"station must be a name of 1 to {NAME_LIMIT} characters")
    return Request(command, station)


def encode_result(result: Mapping[str, object]) -> bytes:
    """The line for a request that was carried out. Numbers that JSON does not know (infinite, NaN) become null."""
    return _line({"version": PROTOCOL_VERSION, "ok": True, "result": _finite(result)})


def encode_event(event: Mapping[str, object]) -> bytes:
    """The line for something that happened; numbers as in `encode_result`."""
    return _line({key: _finite(value) for key, value in event.items()})


def encode_refusal(refused: RequestRefused) -> bytes:
    """The line for a request that was not carried out."""
    error = {"code": refused.refusal.value, "message": str(refused)}
    return _line({"version": PROTOCOL_VERSION, "ok": False, "error": error})


def decode_answer(line: bytes) -> dict[str, object]:
    """Read an answer and return its result.

    Raises `RequestRefused` when that is what the daemon answered, `AnswerMalformed` when the line is no answer.
    """
    try:
        answer = _parse(line)
    except ValueError as error:
        raise AnswerMalformed(f"the answer is not one JSON object: {error}") from None
    result, failure = answer.get("result"), answer.get("error")
    if answer.get("ok") is True and isinstance(result, dict):
        return result
    if answer.get("ok") is False and isinstance(failure, dict):
        code, message = failure.get("code"), failure.get("message")
        if isinstance(code, str) and isinstance(message, str):
            known = code in {refusal.value for refusal in Refusal}
            raise RequestRefused(Refusal(code) if known else Refusal.FAILED, one_line(message))
    raise AnswerMalformed("the answer has neither a result nor an error")


def decode_event(line: bytes) -> dict[str, object]:
    """Read something that happened. Raises `AnswerMalformed` for a line that tells of nothing."""
    try:
        event = _parse(line)
    except ValueError as error:
        raise AnswerMalformed(f"what came is not one JSON object a line: {error}") from None
    if not isinstance(event.get("event"), str):
        raise AnswerMalformed("what came is no event")
    return event


def _command(name: object) -> Command:
    known = ", ".join(command.value for command in Command)
    if not isinstance(name, str):
        _refuse(Refusal.MALFORMED, f"command must be one of {known}")
    try:
        return Command(name)
    except ValueError:
        _refuse(Refusal.UNKNOWN_COMMAND, f"unknown command {_quoted(name)}; this daemon knows {known}")


def _parse(line: bytes) -> dict[str, object]:
    """Parse one JSON object. Raises `ValueError` whose text is fit for a person and does not repeat the input."""
    try:
        value = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer
        )
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it is JSON, but not an object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands in it twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS:
        raise ValueError("a number in it is too long")
    return int(digits)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _line(fields: Mapping[str, object]) -> bytes:
    # json.dumps escapes newlines and everything beyond ASCII, lone surrogates included: the line stays one line.
    return json.dumps(fields, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _quoted(name: str) -> str:
    return f"'{one_line(name[:NAME_LIMIT])}'"


def _refuse(refusal: Refusal, message: str) -> NoReturn:
    raise RequestRefused(refusal, message)
