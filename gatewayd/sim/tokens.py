"""Session tokens as the service hands them out: good once, and for five minutes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from enum import Enum

TOKEN_VALID_S = 300.0
"""How long the service honours a token."""
OUTSTANDING_TOKENS = 4096
"""Tokens remembered at once; over it the oldest is forgotten, so that token requests cannot fill the memory."""


class Verdict(str, Enum):
    """What a token is worth."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """Never issued, or issued and forgotten: used already, or too long ago."""
    EXPIRED = "expired"


class TokenBook:
    """The tokens that were issued and not used yet."""

    def __init__(self) -> None:
        self._issued_at: OrderedDict[str, float] = OrderedDict()

    def issue(self, now: float) -> str:
        """Make a token that is valid from `now`, in seconds on any clock that does not go backwards."""
        token = secrets.token_urlsafe(24)
        self._issued_at[token] = now
        while len(self._issued_at) > OUTSTANDING_TOKENS:
            self._issued_at.popitem(last=False)
        return token

    def redeem(self, token: str, now: float) -> Verdict:
        """Judge a token and use it up, whatever comes of the session."""
        issued_at = self._issued_at.pop(token, None)
        if issued_at is None:
            return Verdict.UNKNOWN
        return Verdict.GOOD if now - issued_at < TOKEN_VALID_S else Verdict.EXPIRED
