"""The voice service as a crowd of clients meets it: what it does with an attempt, and when it does what."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewayd.session import events
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Behaviour:
    """What becomes of one attempt. Each step takes one round trip."""

    token_failure: events.LinkFailed | None = None
    """The answer to the token request; None: a token."""
    upgrade_failure: events.LinkFailed | None = None
    """The answer to the WebSocket's upgrade; None: it opens."""
    said: tuple[events.Event, ...] = ()
    """Once the token was sent, all at once."""
    reachable: bool = True
    """Whether the heartbeat answers."""


WELCOME: tuple[events.Event, ...] = (events.ServerConnected(), events.AgentReadied())

CONVERSING = Behaviour(said=WELCOME)
"""Accepts everybody, and goes on for ever."""
UNREACHABLE = Behaviour(token_failure=events.LinkFailed(Cause.CONNECT_REFUSED, "connection refused"), reachable=False)


def closing(cause: Cause, code: int | None, *before: events.Event) -> Behaviour:
    """Accepts, and closes at once."""
    return Behaviour(said=(*WELCOME, *before, events.LinkFailed(cause, "closed", close_code=code)))


def busy(http_status: int, retry_after_s: float) -> Behaviour:
    """Refuses the token request and says when to come again."""
    return Behaviour(
        token_failure=events.LinkFailed(
            Cause.TOKEN_UNAVAILABLE, "busy", http_status=http_status, retry_after_s=retry_after_s
        )
    )


class Timetable:
    """What the service does from when on; `entries` begin at 0 and ascend."""

    def __init__(self, *entries: tuple[float, Behaviour]) -> None:
        self._from_s = [from_s for from_s, _ in entries]
        self._behaviours: Sequence[Behaviour] = [behaviour for _, behaviour in entries]

    def at(self, now_s: float) -> Behaviour:
        """What an attempt that arrives now meets."""
        return self._behaviours[bisect_right(self._from_s, now_s) - 1]
