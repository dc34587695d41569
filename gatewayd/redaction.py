"""Takes secrets out of text: those that this process has read, and what looks like one.

Known secrets are the sure half: whoever reads a credential or receives a token says so with `remember_secret`. The
shapes are for what nobody told of, such as an address with a query in a library's record.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from gatewayd.configuration.secrets import names_secret

if TYPE_CHECKING:
    from collections.abc import Callable

REDACTED = "[redacted]"
KNOWN_LIMIT = 32
"""So many secrets are remembered, the latest; a token is good for one connect, and a device has a few credentials."""
TELLING_CHARACTERS = 6
"""A shorter secret is not looked for, as it would be found in ordinary words; a shorter piece of one tells nothing."""
TEXT_LIMIT = 4096
"""Characters looked through, as many as a log shows; of a longer text the middle is left out, so that the time it takes
is bounded.
"""

_known: dict[str, tuple[str, ...]] = {}

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY.*", re.DOTALL)
_HEADER = re.compile(
    r"(authorization['\"]?\s{0,4}[:=,]\s{0,4}b?['\"]?)"
    r"(?:(?:bearer|basic|digest|negotiate|token)\s{1,4}[^\s'\",;]+|(?=[^\s'\",;]{0,64}\d)[^\s'\",;]{8,})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\bbearer\s{1,4})(?=[^\s'\",;]{0,64}\d)[^\s'\",;]{8,}", re.IGNORECASE)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_USER_INFO = re.compile(r"(://)[^\s/@'\"<>]+@")
_QUERY = re.compile(r"((?:https?|wss?)://[^\s?'\"<>]*\?)[^\s'\"<>]+", re.IGNORECASE)
_RELATIVE_QUERY = re.compile(r"((?<=[^\s?])\?)[\w.~%+-]{1,64}=[^\s'\"<>]+")
_PAIR = re.compile(
    r"(?P<head>(['\"])(?P<name>[A-Za-z][\w.-]{0,63})\2\s{0,4}:\s{0,4}b?(?P<quote>['\"]))(?P<value>.+?)(?P=quote)"
)
_ASSIGNMENT = re.compile(r"(?P<head>\b(?P<name>[A-Za-z][\w-]{0,63})=)(?=[^\s&'\",;]{0,64}\d)[^\s&'\",;]{8,}")
_NO_SECRETS = ("LoadCredential", "LoadCredentialEncrypted")
"""Settings of systemd whose name is a secret's, and whose value is a path."""


def remember_secret(value: str) -> None:
    """Take `value` out of every text from now on, until `KNOWN_LIMIT` others came after it."""
    if len(value) < TELLING_CHARACTERS:
        return
    _known.pop(value, None)
    forms = (value, quote(value, safe=""), json.dumps(value)[1:-1], b64encode(value.encode()).decode().rstrip("="))
    _known[value] = tuple(dict.fromkeys(forms))
    while len(_known) > KNOWN_LIMIT:
        _known.pop(next(iter(_known)))


def forget_secrets() -> None:
    """Forget all that were remembered."""
    _known.clear()


def redacted(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` with `[redacted]` where a secret was; a text of more characters than `limit` loses its middle first."""
    text = _bounded(text, limit)
    for forms in tuple(_known.values()):
        for form in forms:
            text = _without(text, form)
    text = _PRIVATE_KEY.sub(REDACTED, text)
    for pattern in (_HEADER, _BEARER, _QUERY, _RELATIVE_QUERY):
        text = pattern.sub(rf"\1{REDACTED}", text)
    text = _USER_INFO.sub(rf"\1{REDACTED}@", text)
    text = _JSON_WEB_TOKEN.sub(REDACTED, text)
    text = _PAIR.sub(_if_named(lambda match: f"{match['head']}{REDACTED}{match['quote']}"), text)
    return _ASSIGNMENT.sub(_if_named(lambda match: f"{match['head']}{REDACTED}"), text)


def _without(text: str, secret: str) -> str:
    """Take a secret out: whole, and where the text was cut off in the middle of it."""
    text = text.replace(secret, REDACTED)
    at = text.rfind(secret[:TELLING_CHARACTERS])
    return text[:at] + REDACTED if at >= 0 and secret.startswith(text[at:]) else text


def _if_named(replacement: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        return replacement(match) if names_secret(name) and name not in _NO_SECRETS else match[0]

    return replace


def _bounded(text: str, limit: int) -> str:
    """Leave the middle out, at blanks, so that no half of a secret stays."""
    if len(text) <= limit:
        return text
    half = limit // 2
    start, _, _ = text[:half].rpartition(" ")
    _, _, end = text[-half:].partition(" ")
    return f"{start} [...] {end}"
