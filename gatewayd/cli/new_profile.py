"""The beginning of a hardware profile for a card that has none of its own, as far as the card itself tells."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gatewayd.hardware.offers import best
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gatewayd.hardware.inventory import Board, Card

_USB_DRIVER = "USB-Audio"
"""What /proc/asound/cards says of every card of snd-usb-audio (sound/usb/card.c): it recognises none."""
_CARD_ID = re.compile(r"[A-Za-z0-9_-]{1,15}")
_NUMBER_ADDED = re.compile(r"_[0-9A-F]{1,3}\Z")
_NAME_MAX = 40
_SOURCE = "what the card itself says, by `gatewayd devices`"


@dataclass(frozen=True)
class NewProfile:
    """A profile to begin with."""

    name: str
    """Not one that is taken."""
    toml: str
    """The content of its file: valid as it is, to be completed by somebody who knows the board."""


def new_profile(card: Card, board: Board, taken: Collection[str]) -> NewProfile | None:
    """A profile for `card` under a name that is not in `taken`; None where nothing recognises the card."""
    match = dict(_match(card, board))
    if not match:
        return None
    product = card.usb.product if card.usb is not None else ""
    title = product or card.name or card.id
    name = _name(title, card.id, taken)
    capture = dict(_capture(card))
    lines = [
        f"name = {_text(name)}",
        f"description = {_text(title)}",
        "",
        "[match]",
        *_assignments(match),
        "",
        "[capture]",
        *(
            _assignments(capture)
            or ["# Not known: `arecord --dump-hw-params` tells. Left out, the best of it is taken."]
        ),
        "",
        "[provenance]",
        f'match = {{ confidence = "one-rig", source = {_text(_SOURCE)} }}',
    ]
    # An empty [capture] says nothing that would have to come from somewhere.
    if capture:
        lines.append(f'capture = {{ confidence = "unverified", source = {_text(_SOURCE)} }}')
    return NewProfile(name, "\n".join(lines))


def _name(title: str, card_id: str, taken: Collection[str]) -> str:
    wanted = "-".join(re.findall(r"[a-z0-9]+", title.casefold()))[:_NAME_MAX].strip("-") or "board"
    names = (wanted, f"{wanted}-{card_id.casefold()}", *(f"{wanted}-{number}" for number in range(2, len(taken) + 4)))
    return next(name for name in names if name not in taken and name != "auto" and re.fullmatch(r"[a-z0-9_-]+", name))


def _match(card: Card, board: Board) -> Iterator[tuple[str, Sequence[str]]]:
    """What recognises the card. Its port does not: a profile is for every board of its kind."""
    if card.usb is not None:
        yield "usb_ids", [card.usb.id]
        if card.usb.product:
            yield "products", [card.usb.product]
    else:
        if card.driver and card.driver != _USB_DRIVER:
            yield "drivers", [card.driver]
        tree = board.hat_product or next(iter(card.compatible), "")
        if tree:
            yield "device_tree", [tree]
    card_id = _NUMBER_ADDED.sub("", card.id) or card.id
    if _CARD_ID.fullmatch(card_id):
        yield "card_ids", [card_id]


def _capture(card: Card) -> Iterator[tuple[str, object]]:
    parameters = best(card.capture_offers)
    if parameters is None:
        return
    yield "rate_hz", parameters.rate_hz
    yield "format", parameters.format.value
    yield "channels", parameters.channels
    if parameters.channels > 1:
        yield "pick", [0]
        yield "why_pick", "Not known yet: `gatewayd meter` shows which channel hears."


def _assignments(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_text(value)}" for key, value in values.items()]


def _text(value: object) -> str:
    """A value as TOML has it, which for text, numbers and lists of them is as JSON has it."""
    return json.dumps(value, ensure_ascii=False)
