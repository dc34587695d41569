from __future__ import annotations

import sys

import pytest

from gatewayd.configuration.kinds import type_name
from gatewayd.configuration.toml import MAX_BYTES, located, parse_toml

DEEP = "nests tables or arrays too deeply; 16 levels are allowed"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"a = 1\nb = \n", "line 2, column 5: is not TOML: Invalid value"),
        (b"a = 1\n= 2", "line 2, column 1: is not TOML: Invalid statement"),
        (b'a = 1\nb = "x', "line 2, column 7: is not TOML: Unterminated string"),
        (b"a = 1\na = 2\n", "line 2, column 6: is not TOML: Cannot overwrite a value"),
        (b"[a]\n[a]\n", "line 2, column 3: is not TOML: Cannot declare ('a',) twice"),
        (b"a = 2020-02-30", "line 1, column 5: is not TOML: Invalid date or datetime"),
        (b'a = "\\ud800"', "line 1, column 12: is not TOML: Escaped character is not a Unicode scalar value"),
        (b"a = 1\nb = '\xff'", "line 2, byte 6: is not UTF-8 text; save it as UTF-8"),
        (b"\xff\xfea\x00", "line 1, byte 1: is not UTF-8 text; save it as UTF-8"),
        (b"\xef\xbb\xbfa = 1", "begins with a byte order mark; save it as UTF-8 without one"),
        (b"#" * (MAX_BYTES + 1), "is larger than 64 KiB, which no configuration needs"),
        (b"a = " + b"9" * 5000, "holds a number or date that cannot be read"),
        (b"a = " + b"[" * 50_000, DEEP),
        (b"a = " + b"{a = " * 10_000, DEEP),
        (b"a." * 3000 + b"a = 1", DEEP),
        (b"[" + b"a." * 3000 + b"a]", DEEP),
        (b"a." * 15 + b"a = []", DEEP),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(data: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_toml(data)
    if sys.version_info[:2] == (3, 11) or "TOML" not in what:  # the parser's own words are its version's
        assert str(caught.value) == what
    else:
        assert ": is not TOML: " in str(caught.value)


def test_what_is_toml_comes_through() -> None:
    assert parse_toml(b"#" * MAX_BYTES) == {}
    assert parse_toml(b"\r\na.b = [1, {c = 'x'}]\r\n") == {"a": {"b": [1, {"c": "x"}]}}
    assert parse_toml(b"a." * 15 + b"a = 1")


def test_a_type_that_toml_does_not_have_is_a_bug() -> None:
    with pytest.raises(TypeError, match="NoneType is no type of TOML"):
        type_name(None)


def test_a_message_without_a_place_stays_as_it_is() -> None:
    assert located("Something is wrong", "a = 1") == "is not TOML: Something is wrong"
