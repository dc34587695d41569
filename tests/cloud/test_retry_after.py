"""Retry-After, in seconds and as a date measured by the server's own clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cloud.retry_after import LONGEST_S, retry_after_s

NOON = "Sun, 06 Nov 1994 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("9" * 400, LONGEST_S),
        ("Sun, 06 Nov 1994 12:02:00 GMT", 120),
        ("Sunday, 06-Nov-94 12:02:00 GMT", 120),
        ("Sun Nov  6 12:02:00 1994", 120),
        ("Sun, 06 Nov 1994 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\N{ARABIC-INDIC DIGIT FIVE}", None),
        ("", None),
    ],
)
def test_what_a_server_says(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value, "date": NOON}) == seconds


def test_no_header() -> None:
    assert retry_after_s({"date": NOON}) is None


def test_a_date_without_the_server_s_own_says_nothing_because_this_clock_may_not_be_set() -> None:
    assert retry_after_s({"retry-after": "Sun, 06 Nov 1994 12:02:00 GMT"}) is None


@given(st.text() | st.from_regex(r"\w+, \d+ \w+ \d+ \d+:\d+:\d+ [-+\w]+"), st.text() | st.just(NOON))
def test_any_text_gives_seconds_or_nothing(value: str, date: str) -> None:
    seconds = retry_after_s({"retry-after": value, "date": date})
    assert seconds is None or seconds >= 0
