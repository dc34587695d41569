from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.configuration.model import BackoffConfiguration
from gatewayd.session.causes import ADVICE, Cause
from gatewayd.session.policy import LANES, Ended, Lane, Next, Streak, lane_of, next_attempt
from tests.session.story import Chance

BACKOFF = BackoffConfiguration()


def test_every_cause_has_a_lane() -> None:
    assert set(LANES) == set(Cause)


def test_advice_is_given_for_known_causes_only() -> None:
    assert set(ADVICE) <= set(Cause)


@pytest.mark.parametrize(
    ("failures", "widest_s"), [(0, 1.0), (1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (7, 60.0), (100_000, 60.0)]
)
def test_the_backoff_doubles_up_to_its_cap(failures: int, widest_s: float) -> None:
    chance = Chance(1.0)
    following = next_attempt(Ended(Cause.DNS_FAILED), Streak(failures=failures), BACKOFF, chance)
    assert following == Next(widest_s, Streak(failures=failures + 1))
    assert chance.ranges == [(0.5, widest_s)]


@pytest.mark.parametrize("base_s", [0.1, 1.0])
def test_no_backoff_is_shorter_than_half_a_second(base_s: float) -> None:
    backoff = BackoffConfiguration(base_s=base_s)
    assert next_attempt(Ended(Cause.DNS_FAILED), Streak(), backoff, Chance(0.0)).delay_s == 0.5


def test_a_service_that_shuts_down_is_not_met_by_everybody_at_once() -> None:
    ended = Ended(Cause.SERVER_SHUT_DOWN, was_stable=True)
    assert next_attempt(ended, Streak(), BACKOFF, Chance(1.0)) == Next(6.0, Streak())


@pytest.mark.parametrize(
    ("retry_after_s", "delay_s"), [(0.0, 1.0), (30.0, 31.0), (-5.0, 1.0), (3600.0, 3601.0), (1e9, 3601.0)]
)
def test_retry_after_comes_first_and_jitter_on_top(retry_after_s: float, delay_s: float) -> None:
    ended = Ended(Cause.TOKEN_UNAVAILABLE, http_status=503, retry_after_s=retry_after_s)
    assert next_attempt(ended, Streak(), BACKOFF, Chance(1.0)).delay_s == delay_s


def test_a_rejected_token_is_retried_at_once_and_then_in_the_slow_lane() -> None:
    first = next_attempt(Ended(Cause.AUTH_MALFORMED), Streak(), BACKOFF, Chance(0.25))
    assert first == Next(0.0, Streak(failures=1, rejections=1))
    second = next_attempt(Ended(Cause.AUTH_REJECTED), first.streak, BACKOFF, Chance(0.25))
    assert second == Next(450.0, Streak(failures=2, rejections=2), alarming=True)


def test_a_refused_credential_is_slow_from_the_first() -> None:
    assert next_attempt(Ended(Cause.TOKEN_REFUSED), Streak(), BACKOFF, Chance(1.0)) == Next(
        900.0, Streak(failures=1), alarming=True
    )


@pytest.mark.parametrize(("status", "lane"), [(401, Lane.REJECTED), (403, Lane.REJECTED), (404, Lane.BACKOFF)])
def test_an_upgrade_refused_for_want_of_authority_is_a_rejected_token(status: int, lane: Lane) -> None:
    assert lane_of(Ended(Cause.UPGRADE_REFUSED, http_status=status)) is lane


def test_a_stable_session_that_ended_well_pauses_for_a_second_and_a_bit() -> None:
    ended = Ended(Cause.SESSION_ENDED, was_stable=True)
    assert next_attempt(ended, Streak(), BACKOFF, Chance(0.5)) == Next(1.5, Streak())


def test_a_short_session_that_ended_well_backs_off_too() -> None:
    assert next_attempt(Ended(Cause.CLOSED_NORMALLY), Streak(failures=3), BACKOFF, Chance(0.5)) == Next(
        1.0 + (0.5 + 8.0) / 2, Streak(failures=4)
    )


@given(
    cause=st.sampled_from(sorted(Cause)),
    http_status=st.none() | st.integers(100, 599),
    retry_after_s=st.none() | st.floats(allow_nan=False, allow_infinity=True),
    failures=st.integers(0, 10**6),
    rejections=st.integers(0, 10**6),
    stable=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_waits_are_bounded_whatever_happened(
    *,
    cause: Cause,
    http_status: int | None,
    retry_after_s: float | None,
    failures: int,
    rejections: int,
    stable: bool,
    seed: int,
) -> None:
    ended = Ended(cause, http_status, retry_after_s, was_stable=stable)
    following = next_attempt(ended, Streak(failures, rejections), BACKOFF, random.Random(seed).uniform)
    assert 0.0 <= following.delay_s <= 3600.0 + 60.0
    first_rejection = lane_of(ended) is Lane.REJECTED and rejections == 0
    assert following.delay_s >= (0.0 if first_rejection else 0.5)
