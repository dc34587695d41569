from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.text import one_line


@given(st.text(st.characters()))
def test_the_result_is_always_one_printable_line_that_encodes(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    assert shown.splitlines() in ([], [shown])
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["", "Grüße, 東京 :)", "back\\slash stays"])
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\u202eabc", "\\u202eabc"), ("\ud800", "\\ud800"), ("\0", "\\x00")],
)
def test_what_steers_is_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown
