"""The open-ended tables of `[agent.token]`, headers and body of the token request; neither may hold secrets.

Both come from people, end up in support bundles and backups, and go out over the network; what authenticates the
device is read from a file that `credential` names, at the moment it is needed.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from gatewayd.configuration.entries import Branch, Entry
from gatewayd.configuration.kinds import INVALID, Invalid, Unsuitable, plain_text, type_name
from gatewayd.configuration.secrets import is_secret, names_secret
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.configuration.report import Path, Report

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
"""What a header's name may be made of (RFC 9110, 5.6.2)."""
_OWN_HEADERS = re.compile(
    r"connection|content-length|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)
"""Headers that say how the request is transmitted; whoever transmits it sets them."""
_INTEGERS = range(-(2**63), 2**63)
"""The integers TOML promises (TOML 1.0, Integer); the parser takes larger ones, JSON readers do not."""

_ELSEWHERE = (
    "a secret must not stand in a configuration file; put it into a file that agent.token.credential names (it is sent "
    "as Authorization: Bearer), or make the whole request with agent.token.command"
)


@dataclass(frozen=True)
class Headers:
    """Names and values of HTTP headers."""

    def describe(self) -> str:
        """See `Kind`."""
        return "a table of texts"

    def read(self, entry: Entry, path: Path, report: Report) -> dict[str, str] | Invalid:
        """See `Kind`."""
        if not isinstance(entry, Branch):
            report.add(entry.source, path, f"must be {self.describe()}, not {type_name(entry.value)}")
            return INVALID
        headers: dict[str, str] = {}
        for name, inner in entry.children.items():
            value = _header(name, inner, headers, (*path, name), report)
            if value is not None:
                headers[name] = value
        return headers


def _header(name: str, entry: Entry, earlier: dict[str, str], path: Path, report: Report) -> str | None:
    try:
        _check_header_name(name, earlier)
        return _header_value(entry)
    except Unsuitable as error:
        report.add(entry.source, path, str(error))
        return None


def _check_header_name(name: str, earlier: dict[str, str]) -> None:
    if _TOKEN.match(name) is None:
        raise Unsuitable("is no header name; use letters, digits and dashes")
    if names_secret(name):
        raise Unsuitable(_ELSEWHERE)
    if _OWN_HEADERS.fullmatch(name):
        raise Unsuitable("is set by gatewayd itself; leave it out")
    if name.lower() in {other.lower() for other in earlier}:
        raise Unsuitable("stands there twice: upper and lower case are the same in a header's name")


def _header_value(entry: Entry) -> str:
    if isinstance(entry, Branch):
        raise Unsuitable("must be text, not a table")
    text = plain_text(entry.value, "text")
    if not text.isascii():
        raise Unsuitable("must be plain ASCII")
    if text != text.strip():
        raise Unsuitable("must not begin or end with a blank")
    if is_secret(text):
        raise Unsuitable(_ELSEWHERE)
    return text


@dataclass(frozen=True)
class JsonObject:
    """A table that is sent as a JSON object: texts, finite numbers, true, false, arrays and tables."""

    def describe(self) -> str:
        """See `Kind`."""
        return "a table, sent as JSON"

    def read(self, entry: Entry, path: Path, report: Report) -> dict[str, object] | Invalid:
        """See `Kind`."""
        if not isinstance(entry, Branch):
            report.add(entry.source, path, f"must be {self.describe()}, not {type_name(entry.value)}")
            return INVALID
        return _object(entry, path, report)


def _object(entry: Branch, path: Path, report: Report, *, in_secret: bool = False) -> dict[str, object]:
    body: dict[str, object] = {}
    for name, inner in entry.children.items():
        place = (*path, name)
        secret = in_secret or names_secret(name)
        if isinstance(inner, Branch):
            body[name] = _object(inner, place, report, in_secret=secret)
            continue
        try:
            body[name] = _json(inner.value, secret=secret)
        except Unsuitable as error:
            report.add(inner.source, place, str(error))
    return body


def _json(value: object, *, secret: bool) -> object:
    """`value` as JSON has it, arrays and the tables in them included; how deep it is was bounded when it was parsed.

    `secret` says that a name around it makes any text in it a secret; numbers and switches never are.
    """
    if isinstance(value, list):
        return [_json(item, secret=secret) for item in value]
    if isinstance(value, dict):
        return {name: _json(item, secret=secret or names_secret(name)) for name, item in value.items()}
    if isinstance(value, str):
        if is_secret(value) or (secret and value):
            raise Unsuitable(_ELSEWHERE)
        return value
    return _json_number(value)


def _json_number(value: object) -> bool | int | float:
    if not isinstance(value, (bool, int, float)):
        raise Unsuitable(f"is {type_name(value)}, which JSON does not have; write it as text")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unsuitable("must be a finite number; JSON has no other")
    if isinstance(value, int) and value not in _INTEGERS:
        raise Unsuitable("is a whole number of more than 64 bits")
    return value
