"""What is told of an exception: an expected error's own words, and of a bug nothing but its type and place."""

from __future__ import annotations

import pytest

from gatewayd.errors import DeviceLost
from gatewayd.failures import leaves, place, told
from gatewayd.text import one_line


class Group(Exception):
    """Looks as exception groups do, on every Python."""

    def __init__(self, *exceptions: BaseException) -> None:
        super().__init__("several")
        self.exceptions = exceptions


def raised(error: BaseException) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def in_the_package() -> BaseException:
    with pytest.raises(AttributeError) as caught:
        one_line(None)  # type: ignore[arg-type]  # the bug
    return caught.value


def test_groups_are_taken_apart() -> None:
    first, second, third = ValueError(), KeyError(), TypeError()
    assert list(leaves(Group(first, Group(second, third)))) == [first, second, third]
    assert list(leaves(first)) == [first]


def test_a_bug_is_placed_where_it_struck_in_this_package() -> None:
    assert place(in_the_package()).startswith("gatewayd/text.py:")


def test_a_bug_from_elsewhere_is_placed_in_its_own_file() -> None:
    assert place(raised(ValueError())).startswith(f"{__file__}:")
    assert place(ValueError()) == "an unknown place"


def test_words_are_only_repeated_where_they_are_fit_for_a_person() -> None:
    line = told(Group(DeviceLost("hw:CARD=A", "it was\nunplugged"), raised(ValueError("s3cret"))))
    assert line.startswith(f"hw:CARD=A: it was\\nunplugged; ValueError at {__file__}:")
    assert "s3cret" not in line
