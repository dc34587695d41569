"""A session token, and how long it may be used."""

from __future__ import annotations

from dataclasses import field

from gatewayd.lean import dataclass

TOKEN_USABLE_S = 240.0
"""A token is thrown away at this age; the service honours it for 300 s, and the rest is for slow links."""


@dataclass(frozen=True)
class Token:
    """A session token, good for one connect."""

    value: str = field(repr=False)
    requested_at_s: float
    """On `Clock.boottime_s`, from before the request was made."""
    url: str | None = field(default=None, repr=False)
    """The WebSocket address that came with it, if any; it may carry a secret in its query."""

    def usable_at(self, boottime_s: float) -> bool:
        """Whether the token may still be sent at that time on the same clock."""
        return boottime_s - self.requested_at_s < TOKEN_USABLE_S


_TELLING_CHARACTERS = 6
"""A shorter piece of a token tells nobody anything."""


def without_token(text: str, token: str) -> str:
    """`text` with the token taken out: whole, and where the text was cut off in the middle of it."""
    if not token:
        return text
    text = text.replace(token, "[token]")
    for length in range(min(len(token) - 1, len(text)), _TELLING_CHARACTERS - 1, -1):
        if text.endswith(token[:length]):
            return text[:-length] + "[token]"
    return text
