"""Recognises secrets in places where none may stand: by the name beside a value, or by a value's own unmistakable form.

Only what is surely meant as a secret is refused. A name is judged by its last word (`access_token`, `X-Api-Key`,
`clientSecret`), so that `token_type` and `max_tokens` stay usable.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = re.compile(
    r"apikey|authorization|bearer|cookie|credentials?|jwt|pass(phrase|wd|word)|psk|pwd|secret|signature|token"
)
_KEY_WORDS = re.compile(r"access|api|auth|client|encryption|private|secret|service|shared|signing|subscription")
"""`key` alone is an ordinary word; after one of these it opens something."""
_SECRET_VALUE = re.compile(r"bearer\s+(?=\S*\d)\S{8,}\Z|-----BEGIN [A-Z ]*PRIVATE KEY", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Whether a header, parameter or JSON field of this name carries a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if words[-1:] == ["key"]:
        return len(words) > 1 and _KEY_WORDS.fullmatch(words[-2]) is not None
    return bool(words) and _SECRET_WORDS.fullmatch(words[-1]) is not None


def is_secret(value: str) -> bool:
    """Whether a value has the form of credentials: a bearer token, or a private key."""
    return _SECRET_VALUE.match(value.strip()) is not None


def query_names_secret(url: str) -> bool:
    """Whether the query of `url`, a valid address, has a parameter that carries a secret."""
    return any(name.lower() == "key" or names_secret(name) for name, _ in parse_qsl(urlsplit(url).query))
