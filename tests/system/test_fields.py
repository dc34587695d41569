from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.session.causes import Cause
from gatewayd.system.fields import FIELDS, MESSAGE_LIMIT_BYTES, VALUE_LIMIT_BYTES, encode, field_name, field_value
from tests.system.journald import decode

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,63}", fullmatch=True)
VALUES = st.text(max_size=20)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_what_is_encoded_is_what_journald_reads(fields: list[tuple[str, str]]) -> None:
    read = decode(encode(fields))
    assert read == [(name, value.encode("utf-8", "backslashreplace")) for name, value in fields]


@given(
    st.sampled_from([("MESSAGE", MESSAGE_LIMIT_BYTES), ("GATEWAYD_CAUSE", VALUE_LIMIT_BYTES)]),
    st.text(st.characters(), min_size=1, max_size=8),
    st.integers(0, 5),
)
def test_no_value_is_longer_than_its_bound_or_cut_in_a_character(
    bounded: tuple[str, int], text: str, more: int
) -> None:
    name, limit_bytes = bounded
    ((read, value),) = decode(encode([(name, "x" * more + text * (limit_bytes + 1))]))
    assert read == name
    assert limit_bytes - 16 < len(value) <= limit_bytes
    assert value.decode("utf-8").endswith(" [...]")


def test_a_value_with_a_line_break_carries_its_length() -> None:
    assert encode([("MESSAGE", "a\nb"), ("PRIORITY", "6")]) == b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=6\n"


@pytest.mark.parametrize("name", ["", "_PID", "1ST", "small", "A" * 65, "A=B", "A\nB", "Ä"])
def test_a_name_that_journald_would_not_take_is_a_bug(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a journal field"):
        encode([(name, "value")])


def test_every_key_makes_a_name() -> None:
    for key, meaning in FIELDS.items():
        assert re.fullmatch(r"GATEWAYD_[A-Z_]{1,55}", field_name(key))
        assert meaning


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (Cause.DNS_FAILED, "dns_failed"),
        (503, "503"),
        (1.5, "1.5"),
        (60.0, "60"),
        (0.0004, "0"),
        (True, "True"),
    ],
)
def test_values_are_told_as_the_status_tells_them(value: object, text: str) -> None:
    assert field_value(value) == text
