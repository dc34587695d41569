"""What a fault is: how the service misbehaves, and what the gateway has to make of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatewayd.configuration.model import BackoffConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.control.schema import SessionState
    from gatewayd.session.causes import Cause
    from gatewayd.sim.script import Script
    from gatewayd.sim.session import Session
    from tests.tiers.faults.doors import Behaviour

BACKOFF = BackoffConfiguration(
    base_s=0.5, cap_s=0.5, stable_after_s=30.0, startup_spread_s=0.0, refused_min_s=1.0, refused_max_s=1.0
)
"""So small that chance is left out: the lanes' waits are the constants below."""
BACKOFF_S = 0.5
"""The floor of the backoff, which is also its cap here."""
SHORT_SESSION_S = 1.5
"""After a session that ended well but was short: a pause of 1 s and the backoff."""
AT_ONCE_S = 0.0
"""The first time that a token was rejected."""
REFUSED_S = 1.0
"""The slow lane."""
CLOCK_S = 5.0
"""While the clock is not set."""
RETRY_AFTER_S = 2.0
LATER_S = RETRY_AFTER_S + BACKOFF_S
"""Not before what the service asked for."""

WAITS = {
    BACKOFF_S: "backoff",
    SHORT_SESSION_S: "1 s and backoff",
    AT_ONCE_S: "at once, with a fresh token",
    REFUSED_S: "slow lane",
    CLOCK_S: "5 s",
    LATER_S: "Retry-After and backoff",
}
"""What each wait stands for, in words."""

REAL_FRAME_PERIOD_S = 0.02

RECOVERY_S = 15.0
"""From the end of the wait to `agent_ready`."""
PROMPTLY_S = 5.0
"""For what needs no limit of the gateway's to pass; long, because it may share the machine."""
SHUT_DOWN_S = 3.0
"""From being asked to leave to having left."""


@dataclass(frozen=True)
class Ending:
    """How an attempt or a session has to end, as status and log show it, and the wait that has to follow."""

    cause: Cause
    close_code: int | None = None
    error_code: str | None = None
    wait_s: float = BACKOFF_S
    level: int = logging.WARNING
    or_else: Ending | None = None
    """As good an ending, where two limits are reached at nearly the same time."""
    says: str = ""
    """Words that people have to find in the detail."""


@dataclass(frozen=True)
class Fault:
    """One way to misbehave. `endings` are those of the attempts in a row that meet it; the next one finds a service in
    good health. Without any the gateway has to take no notice: the first session goes on.
    """

    name: str
    """Such as `closes 4001`: a row of docs/faults.md and the name of a test."""
    endings: tuple[Ending, ...] = ()
    scripts: tuple[Script, ...] = ()
    """Of the attempts, in order."""
    token: tuple[Behaviour, ...] = ()
    """What happens to the first connections to the token endpoint, below HTTP."""
    voice: tuple[Behaviour, ...] = ()
    """Likewise for the WebSocket's address."""
    token_refused: bool = False
    """Nothing listens at the token endpoint until the first attempt has ended."""
    voice_refused: bool = False
    """Likewise."""
    limit_s: float = 0.0
    """The gateway's own limit that has to pass before it can know."""
    limit_key: str = ""
    """What sets it in the configuration, if anything does; the default would take too long here."""
    watched_s: float = 0.0
    """How long the state that is waited for is then left alone: a session that goes on, or `leaves_in`."""
    leaves_in: SessionState | None = None
    """The state in which the gateway is asked to leave, instead of recovering first."""
    found_within_s: float | None = None
    """Of `agent_ready`, where the issue sets a bound for that."""
    frame_period_s: float = 0.25
    """Between frames from the microphone; slower than in life, because all faults share a processor. 0: none while the
    first session lasts."""
    token_timeout_s: float = 10.0
    connect_timeout_s: float = 10.0
    small_buffer: bool = False
    """The service's kernel reads only a little ahead for it."""
    names_unresolved: int = 0
    """Lookups of the service's name that fail first."""
    names_hang_s: float = 0.0
    """How long the first lookup takes."""
    clock_set: bool = True
    holds: Callable[[Session], bool] = field(default=lambda _session: True)
    """What the service has to have seen in its first session."""

    @property
    def patience_s(self) -> float:
        """How long all of it may take at most."""
        waits_s = sum(ending.wait_s for ending in self.endings)
        return self.limit_s + waits_s + (1 + len(self.endings)) * RECOVERY_S + SHUT_DOWN_S + PROMPTLY_S
