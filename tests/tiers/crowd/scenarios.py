"""What may befall a street of devices, played through; the tests judge it, and the plot shows it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.session import events
from gatewayd.session.causes import Cause
from tests.tiers.crowd.service import CONVERSING, UNREACHABLE, Timetable, busy
from tests.tiers.crowd.street import AGENT, STEERED_AGENT, Street

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gatewayd.configuration.model import AgentConfiguration

CLIENTS = 10_000
SEED = 20240229
BOOT_WITHIN_S = 60.0
"""The devices were switched on one after the other, long ago."""
FALL_S = 300.0
"""When it happens; by then every session has been stable for minutes."""
OUTAGE_S = 600.0
BUSY_S = 60.0
RETRY_AFTER_S = 30.0
AFTERMATH_S = 240.0
"""Played on after the service is back."""

LOST = (events.LinkFailed(Cause.CONNECTION_LOST, "the connection is gone"),)
SHUT_DOWN = (
    events.SessionEndAnnounced("server_shutdown"),
    events.LinkFailed(Cause.CLOSED_NORMALLY, "closed", close_code=1000),
)
RESTARTED = (events.LinkFailed(Cause.CLOSED_ABNORMALLY, "service restart", close_code=1012),)


@dataclass(frozen=True)
class Outcome:
    """How a street lived through it. All times are seconds since what befell it."""

    arrivals_s: npt.NDArray[np.float64]
    """When attempts reached out, in ascending order."""
    heartbeats_s: npt.NDArray[np.float64]
    undercuts_s: Sequence[float]
    """By how much attempts came earlier than a Retry-After had asked for."""
    asked_to_wait: int
    """How many answers carried a Retry-After."""
    talking: int
    """Clients with a ready agent in the end."""

    @property
    def last_arrival_s(self) -> float:
        """When the last client came back."""
        return float(self.arrivals_s[-1])

    def rate_hz(self, from_s: float, to_s: float) -> npt.NDArray[np.float64]:
        """Attempts in each whole second from `from_s` to `to_s`."""
        return per_second(self.arrivals_s, from_s, to_s)


def per_second(times_s: npt.NDArray[np.float64], from_s: float, to_s: float) -> npt.NDArray[np.float64]:
    """How many of `times_s` lie in each whole second from `from_s` to `to_s`."""
    counts, _ = np.histogram(times_s, bins=np.arange(from_s, to_s + 0.5))
    return counts.astype(np.float64)


def outage(agent: AgentConfiguration = AGENT) -> Outcome:
    """All lose their connection at once; for ten minutes connections are refused; then all is well."""
    service = Timetable((0.0, CONVERSING), (FALL_S, UNREACHABLE), (FALL_S + OUTAGE_S, CONVERSING))
    return _fall(service, LOST, agent, until_s=FALL_S + OUTAGE_S + AFTERMATH_S)


def steered_outage() -> Outcome:
    """The same, with a heartbeat configured on every device."""
    return outage(STEERED_AGENT)


def busy_return() -> Outcome:
    """The same without heartbeats, but for a minute after the outage the service answers 503 with Retry-After."""
    return_s = FALL_S + OUTAGE_S
    service = Timetable(
        (0.0, CONVERSING),
        (FALL_S, UNREACHABLE),
        (return_s, busy(503, RETRY_AFTER_S)),
        (return_s + BUSY_S, CONVERSING),
    )
    return _fall(service, LOST, until_s=return_s + AFTERMATH_S)


def shutdown() -> Outcome:
    """The service ends every session properly, and is there again at once."""
    return _fall(Timetable((0.0, CONVERSING)), SHUT_DOWN)


def restart() -> Outcome:
    """The service closes every session with 1012, and is there again at once."""
    return _fall(Timetable((0.0, CONVERSING)), RESTARTED)


def power_cut() -> Outcome:
    """Every device boots in the same moment, and the service takes them all."""
    street = Street(CLIENTS, Timetable((0.0, CONVERSING)), random.Random(SEED))
    for client in street.clients:
        street.at(FALL_S, client.boot)
    return _live(street)


def _fall(
    service: Timetable,
    said: Sequence[events.Event],
    agent: AgentConfiguration = AGENT,
    *,
    until_s: float = FALL_S + AFTERMATH_S,
) -> Outcome:
    street = Street(CLIENTS, service, random.Random(SEED), agent=agent)
    street.boot(within_s=BOOT_WITHIN_S)
    street.at(FALL_S, street.tell_connected(said))
    return _live(street, until_s)


def _live(street: Street, until_s: float = FALL_S + AFTERMATH_S) -> Outcome:
    street.run(until_s=until_s)
    arrivals_s = np.array(street.arrivals_s) - FALL_S
    return Outcome(
        arrivals_s=arrivals_s[arrivals_s >= 0.0],
        heartbeats_s=np.array(street.heartbeats_s) - FALL_S,
        undercuts_s=street.undercuts_s,
        asked_to_wait=street.asked_to_wait,
        talking=sum(client.machine.state.value == "agent_ready" for client in street.clients),
    )
