"""10 000 devices that lose the service in the same moment do not come back in the same moment.

Seconds count from what befell them. `peak` is the most attempts in any whole second of a window, `mean` the average
over all of its seconds; the window of an outage reaches from one minute after its beginning to the second in which the
last client came back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.tiers.crowd import scenarios
from tests.tiers.crowd.scenarios import BUSY_S, CLIENTS, OUTAGE_S, RETRY_AFTER_S, Outcome, per_second

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_MINUTE_S = 60.0
STEADY_HZ = CLIENTS / 30.0
"""A crowd that waits uniformly between 0 and 60 s: each comes every 30 s on average."""
CHANCE = 1.2
"""What a second of chance may add: 3.6 standard deviations of a Poisson rate of `STEADY_HZ`."""


@pytest.fixture(scope="module")
def outage() -> Outcome:
    return scenarios.outage()


@pytest.fixture(scope="module")
def steered() -> Outcome:
    return scenarios.steered_outage()


@pytest.fixture(scope="module")
def busy_return() -> Outcome:
    return scenarios.busy_return()


def after_the_first_minute(outcome: Outcome) -> tuple[float, float]:
    """Peak and mean, in attempts per second."""
    rate_hz = outcome.rate_hz(FIRST_MINUTE_S, math.ceil(outcome.last_arrival_s))
    return float(rate_hz.max()), float(rate_hz.mean())


def test_an_outage_spreads_the_crowd_evenly(outage: Outcome, show: Callable[[str], None]) -> None:
    peak_hz, mean_hz = after_the_first_minute(outage)
    show(f"street, outage: peak {peak_hz:.0f}/s, mean {mean_hz:.0f}/s, ratio {peak_hz / mean_hz:.2f}")
    assert peak_hz / mean_hz <= 2.0
    assert peak_hz <= CHANCE * STEADY_HZ


def test_the_return_of_the_service_brings_no_rush(outage: Outcome, show: Callable[[str], None]) -> None:
    back_s = outage.last_arrival_s - OUTAGE_S
    peak_hz = outage.rate_hz(OUTAGE_S, OUTAGE_S + 60.0).max()
    show(f"street, outage: after the return at most {peak_hz:.0f}/s; the last is back after {back_s:.0f} s")
    assert outage.talking == CLIENTS
    assert back_s <= 60.0 + 1.0
    assert peak_hz <= CHANCE * STEADY_HZ
    assert outage.rate_hz(OUTAGE_S + 30.0, OUTAGE_S + 60.0).mean() <= STEADY_HZ / 2


def test_retry_after_is_never_undercut_by_anybody(busy_return: Outcome, show: Callable[[str], None]) -> None:
    peak_hz, mean_hz = after_the_first_minute(busy_return)
    show(
        f"street, 503 for a minute after an outage: peak {peak_hz:.0f}/s, mean {mean_hz:.0f}/s, ratio "
        f"{peak_hz / mean_hz:.2f}; Retry-After told {busy_return.asked_to_wait} times, undercut "
        f"{len(busy_return.undercuts_s)} times"
    )
    assert busy_return.asked_to_wait >= CLIENTS
    assert not busy_return.undercuts_s
    assert busy_return.talking == CLIENTS
    assert peak_hz / mean_hz <= 2.0
    # nobody is asked to wait later than the minute, so the last to be asked is back this much later
    assert busy_return.last_arrival_s <= OUTAGE_S + BUSY_S + RETRY_AFTER_S + 60.0 + 1.0


def test_a_heartbeat_spares_the_service_most_attempts(
    outage: Outcome, steered: Outcome, show: Callable[[str], None]
) -> None:
    unsteered_hz = outage.rate_hz(FIRST_MINUTE_S, OUTAGE_S)
    steered_hz = steered.rate_hz(FIRST_MINUTE_S, OUTAGE_S)
    heartbeats_hz = per_second(steered.heartbeats_s, FIRST_MINUTE_S, OUTAGE_S)
    show(
        f"street, heartbeat: {steered_hz.mean():.0f} attempts/s (at most {steered_hz.max():.0f}) instead of "
        f"{unsteered_hz.mean():.0f}, beside {heartbeats_hz.mean():.0f} heartbeats/s (at most {heartbeats_hz.max():.0f})"
    )
    assert steered_hz.mean() <= unsteered_hz.mean() / 4
    assert (steered_hz + heartbeats_hz).max() <= 2.0 * (steered_hz + heartbeats_hz).mean()


def test_a_heartbeat_that_answers_again_lets_nobody_come_sooner_than_it_asks(
    steered: Outcome, show: Callable[[str], None]
) -> None:
    returns_s = steered.arrivals_s[steered.arrivals_s >= OUTAGE_S]
    most_back_s = float(np.percentile(returns_s, 95))
    rate_hz = steered.rate_hz(OUTAGE_S, math.ceil(most_back_s))
    ratio = rate_hz.max() / rate_hz.mean()
    show(
        f"street, heartbeat: after the return at most {rate_hz.max():.0f} attempts/s, ratio {ratio:.2f}; "
        f"95 % are back after {most_back_s - OUTAGE_S:.0f} s"
    )
    assert steered.talking == CLIENTS
    # each device learns of it from its own heartbeat; that, more than the jitter that follows, is what spreads them
    assert ratio <= 2.0
    assert most_back_s - OUTAGE_S <= 45.0


def test_a_power_cut_is_spread_over_the_startup(show: Callable[[str], None]) -> None:
    outcome = scenarios.power_cut()
    rate_hz = outcome.rate_hz(0.0, 5.0)
    show(f"street, power cut: at most {rate_hz.max():.0f}/s for 5 s, ratio {rate_hz.max() / rate_hz.mean():.2f}")
    assert outcome.talking == CLIENTS
    assert rate_hz.max() / rate_hz.mean() <= CHANCE
    assert outcome.last_arrival_s <= 5.0


def test_a_clean_restart_is_spread_like_a_power_cut(show: Callable[[str], None]) -> None:
    outcome = scenarios.shutdown()
    rate_hz = outcome.rate_hz(1.0, 6.0)
    ratio = rate_hz.max() / rate_hz.mean()
    show(f"street, session_ended to all: at most {rate_hz.max():.0f}/s for 5 s, ratio {ratio:.2f}")
    assert outcome.talking == len(outcome.arrivals_s) == CLIENTS
    assert outcome.arrivals_s[0] >= 1.0
    assert outcome.last_arrival_s <= 6.1
    assert ratio <= CHANCE


def test_a_first_retry_has_no_favourite_moment(show: Callable[[str], None]) -> None:
    """The protocol wants it within a second; so it is at least even over what is left of that."""
    outcome = scenarios.restart()
    tenths = np.histogram(outcome.arrivals_s, bins=np.arange(0.5, 1.05, 0.1))[0]
    show(f"street, 1012 to all: from {outcome.arrivals_s[0]:.2f} s on, at most {tenths.max()} in a tenth of a second")
    assert outcome.talking == len(outcome.arrivals_s) == CLIENTS
    assert outcome.arrivals_s[0] >= 0.5
    assert outcome.last_arrival_s <= 1.0
    assert tenths.max() / tenths.mean() <= CHANCE
