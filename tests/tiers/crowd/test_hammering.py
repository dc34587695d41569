"""A service that takes everybody in and throws everybody out is never hammered: ten virtual minutes, 1 000 seeds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.session import events
from gatewayd.session.causes import Cause
from tests.tiers.crowd.service import WELCOME, Behaviour, Timetable, busy, closing
from tests.tiers.crowd.street import Street

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = 1000
SPAN_S = 600.0
RETRY_AFTER_S = 30.0
SESSION_ENDED = events.SessionEndAnnounced("agent_disconnected")
SETUP_FAILED = events.ErrorReported(Cause.SESSION_SETUP_FAILED, "SESSION_SETUP_FAILED", "no room")


@dataclass(frozen=True)
class Limits:
    mean: float
    most: int


BACKED_OFF = Limits(mean=28.0, most=45)
"""What full jitter under a cap of 60 s gives: 0.75, 1.25, 2.25, 4.25, 8.25 and 16.25 s on average until the cap is
reached, 33 s in all, and then one connect each 30.25 s: 7 + (600 - 33) / 30.25 = 26 at the most, on average."""
REJECTED = Limits(mean=3.0, most=4)
"""One, one more at once, then at most one each five minutes."""


def lives(behaviour: Behaviour, *, span_s: float = SPAN_S) -> list[Street]:
    """The same device from its boot on, once for each seed."""
    streets = [Street(1, Timetable((0.0, behaviour)), random.Random(seed)) for seed in range(SEEDS)]
    for street in streets:
        street.boot(within_s=0.0)
        street.run(until_s=span_s)
    return streets


def distribution(counts: list[int]) -> str:
    low, middle, high = np.percentile(counts, [5, 50, 95])
    return (
        f"mean {np.mean(counts):5.2f}, least {min(counts):2d}, 5 % {low:2.0f}, half {middle:2.0f}, 95 % {high:2.0f}, "
        f"most {max(counts):2d}"
    )


CASES = {
    "4500": (closing(Cause.SESSION_SETUP_FAILED, 4500), BACKED_OFF),
    "4500 with its error": (closing(Cause.SESSION_SETUP_FAILED, 4500, SETUP_FAILED), BACKED_OFF),
    "1000": (closing(Cause.CLOSED_NORMALLY, 1000), BACKED_OFF),
    "session_ended and 1000": (closing(Cause.CLOSED_NORMALLY, 1000, SESSION_ENDED), BACKED_OFF),
    "session_ended, no close": (Behaviour(said=(*WELCOME, SESSION_ENDED)), BACKED_OFF),
    "1011": (closing(Cause.CLOSED_ABNORMALLY, 1011), BACKED_OFF),
    "drop without close": (closing(Cause.CONNECTION_LOST, None), BACKED_OFF),
    "4001": (closing(Cause.AUTH_TIMED_OUT, 4001), BACKED_OFF),
    "never connected": (Behaviour(), BACKED_OFF),
    "never agent_ready": (Behaviour(said=(events.ServerConnected(),)), BACKED_OFF),
    "4002": (closing(Cause.AUTH_MALFORMED, 4002), REJECTED),
    "4003": (closing(Cause.AUTH_REJECTED, 4003), REJECTED),
}


@pytest.mark.parametrize("name", CASES)
def test_accept_then_close_is_never_hammered(name: str, show: Callable[[str], None]) -> None:
    behaviour, limits = CASES[name]
    connects = [len(street.clients[0].connected_at_s) for street in lives(behaviour)]
    show(f"connects in ten minutes, {name + ':':25s} {distribution(connects)}")
    assert np.mean(connects) <= limits.mean
    assert max(connects) <= limits.most
    assert min(connects) >= 2, "nor is anything given up"


@pytest.mark.parametrize("cause", [Cause.AUTH_MALFORMED, Cause.AUTH_REJECTED], ids=["4002", "4003"])
def test_the_slow_lane_goes_on_for_ever(cause: Cause) -> None:
    hours = 6
    for street in lives(closing(cause, 4002), span_s=hours * 3600.0)[:100]:
        gaps_s = np.diff(street.clients[0].connected_at_s)
        assert gaps_s[0] < 1.0
        assert gaps_s[1:].min() >= 300.0
        assert gaps_s[1:].max() <= 901.0
        assert len(gaps_s) >= hours * 4


def test_refused_credentials_are_asked_for_slowly_from_the_first(show: Callable[[str], None]) -> None:
    refused = Behaviour(token_failure=events.LinkFailed(Cause.TOKEN_REFUSED, "who are you?", http_status=401))
    requests = [len(street.arrivals_s) for street in lives(refused)]
    show(f"requests in ten minutes, {'token refused, 401:':25s} {distribution(requests)}")
    assert max(requests) <= 3


@pytest.mark.parametrize("http_status", [429, 503])
def test_retry_after_is_never_undercut(http_status: int, show: Callable[[str], None]) -> None:
    streets = lives(busy(http_status, RETRY_AFTER_S))
    requests = [len(street.arrivals_s) for street in streets]
    name = f"{http_status}, Retry-After: {RETRY_AFTER_S:.0f}:"
    show(f"requests in ten minutes, {name:25s} {distribution(requests)}")
    assert not any(street.undercuts_s for street in streets)
    assert max(requests) <= 1 + SPAN_S / RETRY_AFTER_S
    assert min(requests) >= 1 + (SPAN_S - 5.0) // (RETRY_AFTER_S + 60.0)
