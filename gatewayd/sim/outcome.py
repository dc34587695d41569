"""How far a session is, what it came to so far, and how it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import Enum, auto

from gatewayd.lean import dataclass

DISTINCT_VIOLATIONS = 50
"""Kinds of misbehaviour told apart in one session; the rest is counted as `other`."""


class Phase(Enum):
    """How far the session is."""

    AWAITING_AUTH = auto()
    AUTHENTICATING = auto()
    CONNECTED = auto()
    AGENT_READY = auto()
    CLOSING = auto()
    """A close frame was sent, its answer is waited for."""
    ABANDONED = auto()
    """Nothing is answered any more, and TCP stays open."""
    ENDED = auto()


LIVE = (Phase.AWAITING_AUTH, Phase.AUTHENTICATING, Phase.CONNECTED, Phase.AGENT_READY)
"""Phases in which neither side has closed."""


class EndedBy(str, Enum):
    """Who ended a session."""

    CLIENT = "client"
    SERVICE = "service"
    NETWORK = "network"
    """TCP ended or failed, and neither side had said anything."""


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    by: EndedBy
    detail: str
    reached: str
    """How far it got: `awaiting_auth`, `authenticating`, `connected` or `agent_ready`."""
    close_sent: int | None
    """Close code the service sent; 1005 for a close frame without one; None for no close frame."""
    close_received: int | None
    """Close code the client sent, likewise."""
    error_code: str | None
    """The last error message's code."""


@dataclass
class Tally:
    """What came and went in one session so far."""

    frames_heard: int = 0
    """Binary messages, of whatever size."""
    frames_said: int = 0
    frames_unsaid: int = 0
    """Frames of the agent's that were thrown away because the client did not take them."""
    texts_heard: int = 0
    pings: int = 0
    pongs: int = 0
    close_sent: int | None = None
    close_received: int | None = None
    violations: Counter[str] = field(default_factory=Counter)
    """What the client did against the protocol, and how often."""

    def misbehaved(self, what: str) -> bool:
        """Count one violation; True for the first of its kind."""
        if what not in self.violations and len(self.violations) >= DISTINCT_VIOLATIONS:
            what = "other"
        self.violations[what] += 1
        return self.violations[what] == 1
