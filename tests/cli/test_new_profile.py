from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cli.new_profile import new_profile
from gatewayd.configuration.entries import Source
from gatewayd.hardware.inventory import Board, Card, UsbIdentity
from gatewayd.hardware.matching import cannot_capture, match
from gatewayd.hardware.profiles import parse_profiles
from gatewayd.text import one_line
from tests.roots.expectations import inventory_of, recorded, shipped_profiles

words = st.text().map(lambda text: one_line(text.strip()))
"""What is left of any file's text once it was read."""


@pytest.mark.parametrize("root", recorded())
def test_any_card_of_any_root_is_recognised_by_the_profile_that_is_begun_for_it(root: str) -> None:
    inventory = inventory_of(root)
    for card in inventory.cards:
        draft = new_profile(card, inventory.board, shipped_profiles())
        assert draft is not None
        assert cannot_capture(card) or recognises(card, inventory.board, draft.name, draft.toml)


def test_no_name_is_taken_twice() -> None:
    taken: list[str] = []
    for name in ("the-board", "the-board-soc", "the-board-2", "the-board-3"):
        draft = new_profile(Card(0, "Soc", name="The Board"), Board(), taken)
        assert draft is not None
        assert draft.name == name
        taken.append(name)


def test_a_card_that_nothing_recognises_has_none() -> None:
    assert new_profile(Card(0, "What is this?"), Board(), []) is None


@given(
    st.builds(
        Card,
        number=st.just(0),
        id=st.from_regex(r"[A-Za-z0-9_-]{1,15}", fullmatch=True),
        driver=words,
        name=words,
        compatible=st.lists(words.filter(bool), max_size=2).map(tuple),
        usb=st.none() | st.builds(UsbIdentity, st.from_regex("[0-9a-f]{4}:[0-9a-f]{4}", fullmatch=True), product=words),
    )
)
def test_whatever_a_card_says_its_profile_is_valid_and_recognises_it(card: Card) -> None:
    draft = new_profile(card, Board(), ["generic-usb"])
    assert draft is not None
    assert recognises(card, Board(), draft.name, draft.toml)


def recognises(card: Card, board: Board, name: str, toml: str) -> bool:
    profile = parse_profiles([Source(f"{name}.toml", toml.encode())])[name]
    return match(card, board, profile).matches
