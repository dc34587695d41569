"""When to try again: the one place that knows, as data first and arithmetic second.

Each end of an attempt or a session falls into a lane (`LANES`), and the lane says how long to wait. The waits keep a
device from ever hammering the service, and a street of devices from arriving at once, yet give up on nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatewayd.configuration.model import BackoffConfiguration

DELAY_FLOOR_S = 0.5
"""No backoff waits less than this, however the jitter falls."""
RETRY_AFTER_CEILING_S = 3600.0
"""A server's Retry-After counts up to here."""
CLOCK_RETRY_S = 5.0
"""Between attempts while the clock is not set: it is set within a minute of the network's coming, or a person must."""
AUTH_TIMEOUTS_ALARMING = 3
"""So many in a row are no accident."""
NORMAL_PAUSE_S = 1.0
"""Shortest wait after a session that ended well."""


class Lane(Enum):
    """How the wait before the next attempt is found."""

    BACKOFF = "exponential backoff with full jitter"
    NORMAL = "a short pause; a session that was short counts as a failure"
    REJECTED = "once more at once with a fresh token, then as refused"
    REFUSED = "the slow lane: minutes, jittered, for ever"
    CLOCK = "every few seconds, without escalation, until the clock is set"


LANES: Mapping[Cause, Lane] = {
    Cause.DNS_FAILED: Lane.BACKOFF,
    Cause.CONNECT_REFUSED: Lane.BACKOFF,
    Cause.CONNECT_FAILED: Lane.BACKOFF,
    Cause.CONNECT_TIMED_OUT: Lane.BACKOFF,
    Cause.PROXY_FAILED: Lane.BACKOFF,
    Cause.PROXY_REFUSED: Lane.BACKOFF,
    Cause.TLS_FAILED: Lane.BACKOFF,
    Cause.CERTIFICATE_INVALID: Lane.BACKOFF,
    Cause.CERTIFICATE_NOT_YET_VALID: Lane.BACKOFF,
    Cause.CLOCK_NOT_SET: Lane.CLOCK,
    Cause.TOKEN_REFUSED: Lane.REFUSED,
    Cause.TOKEN_UNAVAILABLE: Lane.BACKOFF,
    Cause.TOKEN_UNUSABLE: Lane.BACKOFF,
    Cause.TOKEN_TIMED_OUT: Lane.BACKOFF,
    Cause.TOKEN_EXPIRED: Lane.BACKOFF,
    Cause.TOKEN_COMMAND_FAILED: Lane.BACKOFF,
    Cause.UPGRADE_REFUSED: Lane.BACKOFF,
    Cause.UPGRADE_FAILED: Lane.BACKOFF,
    Cause.AUTH_TIMED_OUT: Lane.BACKOFF,
    Cause.AUTH_MALFORMED: Lane.REJECTED,
    Cause.AUTH_REJECTED: Lane.REJECTED,
    Cause.SESSION_SETUP_FAILED: Lane.BACKOFF,
    Cause.SERVER_ERROR: Lane.BACKOFF,
    Cause.SESSION_ENDED: Lane.NORMAL,
    Cause.SERVER_SHUT_DOWN: Lane.NORMAL,
    Cause.CLOSED_NORMALLY: Lane.NORMAL,
    Cause.CLOSED_ABNORMALLY: Lane.BACKOFF,
    Cause.CONNECTION_LOST: Lane.BACKOFF,
    Cause.PROTOCOL_VIOLATED: Lane.BACKOFF,
    Cause.CONNECTED_TIMED_OUT: Lane.BACKOFF,
    Cause.AGENT_READY_TIMED_OUT: Lane.BACKOFF,
    Cause.SEND_TIMED_OUT: Lane.BACKOFF,
    Cause.PING_TIMED_OUT: Lane.BACKOFF,
    Cause.DRIVER_OVERDUE: Lane.BACKOFF,
    Cause.DEVICE_LOST: Lane.NORMAL,
    Cause.STOPPED: Lane.NORMAL,
    Cause.SHUT_DOWN: Lane.NORMAL,
}

_UNAUTHORISED = (401, 403)


@dataclass(frozen=True)
class Streak:
    """What went wrong in a row; starts anew only when a session has proved stable."""

    failures: int = 0
    rejections: int = 0
    auth_timeouts: int = 0
    """In a row without anything else in between."""


@dataclass(frozen=True)
class Ended:
    """How an attempt or a session ended, as far as the wait depends on it."""

    cause: Cause
    http_status: int | None = None
    retry_after_s: float | None = None
    was_stable: bool = False
    """Whether the agent had been ready for `stable_after_s`."""


@dataclass(frozen=True)
class Next:
    """What follows an end."""

    delay_s: float
    streak: Streak
    alarming: bool = False
    """Whether a person has to put something right."""


def lane_of(ended: Ended) -> Lane:
    """The lane an end falls into; an upgrade refused for want of authority counts as a rejected token."""
    if ended.cause is Cause.UPGRADE_REFUSED and ended.http_status in _UNAUTHORISED:
        return Lane.REJECTED
    return LANES[ended.cause]


def next_attempt(
    ended: Ended, streak: Streak, backoff: BackoffConfiguration, uniform: Callable[[float, float], float]
) -> Next:
    """Say how long to wait before the next attempt.

    `uniform(a, b)` draws from [a, b]; it is the only source of chance.
    """
    lane = lane_of(ended)
    if lane is Lane.CLOCK:
        return Next(CLOCK_RETRY_S, streak)
    counted = _count(ended, streak)
    if lane is Lane.REJECTED:
        if streak.rejections == 0:
            return Next(0.0, counted)
        return Next(_slow(backoff, uniform), counted, alarming=True)
    if lane is Lane.REFUSED:
        return Next(_slow(backoff, uniform), counted, alarming=True)
    if lane is Lane.NORMAL and ended.was_stable:
        # a service that shuts down ends everybody's session at once; other ends are one device's own
        spread_s = backoff.startup_spread_s if ended.cause is Cause.SERVER_SHUT_DOWN else backoff.base_s
        return Next(NORMAL_PAUSE_S + uniform(0.0, spread_s), streak)
    delay_s = _full_jitter(streak.failures, backoff, uniform)
    if lane is Lane.NORMAL:
        return Next(NORMAL_PAUSE_S + delay_s, counted)
    if ended.retry_after_s is not None:
        delay_s += min(max(ended.retry_after_s, 0.0), RETRY_AFTER_CEILING_S)
    return Next(delay_s, counted, alarming=counted.auth_timeouts >= AUTH_TIMEOUTS_ALARMING)


def _count(ended: Ended, streak: Streak) -> Streak:
    return Streak(
        failures=streak.failures + 1,
        rejections=streak.rejections + (lane_of(ended) is Lane.REJECTED),
        auth_timeouts=streak.auth_timeouts + 1 if ended.cause is Cause.AUTH_TIMED_OUT else 0,
    )


def _full_jitter(failures: int, backoff: BackoffConfiguration, uniform: Callable[[float, float], float]) -> float:
    """Uniform up to min(cap, base * 2**failures): "full jitter" of Brooker, "Exponential Backoff And Jitter" (AWS
    Architecture Blog, 2015). Spreads a crowd better than jitter around a fixed wait.

    Drawn from above the floor, not raised to it: half of a crowd's first retries would come at exactly 0.5 s.
    """
    ceiling_s = min(backoff.cap_s, backoff.base_s * 2.0 ** min(failures, 62))
    return uniform(DELAY_FLOOR_S, max(DELAY_FLOOR_S, ceiling_s))


def _slow(backoff: BackoffConfiguration, uniform: Callable[[float, float], float]) -> float:
    return uniform(backoff.refused_min_s, backoff.refused_max_s)
