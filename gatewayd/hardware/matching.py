"""How well a profile fits a card, with every piece of evidence for it and against it.

Points say what weighs more, not how sure it is: a USB id (100) outweighs a product string (40), that the driver and the
device tree (30 each), those the mixer's controls (20), and those the card's id (10), which quite different hardware
shares. A profile made for one port (200) was made by somebody who stood in front of it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gatewayd.configuration.report import listed
from gatewayd.hardware.profile import Match
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewayd.hardware.inventory import Board, Card
    from gatewayd.hardware.profile import Profile

PORT_POINTS = 200
USB_ID_POINTS = 100
PRODUCT_POINTS = 40
DRIVER_POINTS = 30
DEVICE_TREE_POINTS = 30
CONTROLS_POINTS = 20
CARD_ID_POINTS = 10
GENERIC_POINTS = 1

PORT = "port"
"""The criterion of a profile that is made for one place."""
USB_DRIVERS = ("USB-Audio", "snd-usb-audio")
"""What /proc/asound/cards says of every USB card (sound/usb/card.c), and the kernel driver's own name."""
_ONLY_PLAY = re.compile(r"bcm2835(_.*)?|vc4[-_]hdmi.*")
"""Drivers of a Raspberry Pi's headphone socket and HDMI, old and new; none of them has a microphone."""
_SUFFIX = re.compile(r"_[0-9A-F]{1,3}")
_CARD_ID_MAX = 15
"""Characters of a card's id. Where a number is added to it, the end gives way (sound/core/init.c)."""
_UNKNOWN = ""


@dataclass(frozen=True)
class Evidence:
    """One criterion of a profile, held against what is known of a card."""

    criterion: str
    """In words: `USB id`, `product`, `driver`, `device tree`, `controls`, `port`, `card id`, `generic`, `capture`."""
    wanted: str
    """What the profile asks for; alternatives are joined by `or`."""
    found: str
    """What there is; empty where that is not known."""
    matched: bool
    points: int = 0
    excludes: bool = False
    """This alone keeps the profile from being used for the card."""

    @property
    def contradicts(self) -> bool:
        """It is known to be otherwise, which is more than not being known."""
        return not self.matched and self.found != _UNKNOWN

    def __str__(self) -> str:
        if self.matched:
            return f"{self.criterion} {self.found}"
        if self.contradicts:
            return f"{self.criterion} is {self.found}, not {self.wanted}"
        return f"{self.criterion} is not known, {self.wanted} is wanted"


@dataclass(frozen=True)
class Score:
    """How well a profile fits a card."""

    points: int
    evidence: tuple[Evidence, ...]
    """In the order of what weighs most."""
    excluded: bool
    """The profile is not for this card, whatever else matches."""

    @property
    def matches(self) -> bool:
        """The profile may be used for the card."""
        return self.points > 0 and not self.excluded

    @property
    def rank(self) -> tuple[int, int]:
        """Compares candidates: more points are better; with equal points, fewer criteria that are known to differ."""
        return self.points, -sum(evidence.contradicts for evidence in self.evidence)


def match(card: Card, board: Board, profile: Profile) -> Score:
    """How well `profile` fits `card` on `board`."""
    wanted = profile.match
    evidence = [
        *_port(card, wanted),
        *_usb(card, wanted),
        *_driver(card, wanted),
        *_device_tree(card, board, wanted),
        *_controls(card, wanted),
        *_card_id(card, wanted),
    ]
    recognised = any(each.matched for each in evidence)
    evidence += _absent_controls(card, wanted)
    if wanted.generic and (recognised or wanted == Match(generic=True)):
        evidence.append(Evidence("generic", "any card", "any card", matched=True, points=GENERIC_POINTS))
    evidence += _capture(card)
    excluded = any(each.excludes for each in evidence)
    points = sum(each.points for each in evidence) if recognised or wanted.generic else 0
    return Score(points, tuple(evidence), excluded)


def cannot_capture(card: Card) -> str:
    """Why a card is no microphone; empty if it may be one."""
    return next((each.found for each in _capture(card)), "")


def at_port(card: Card, port: str) -> bool:
    """Whether a card hangs on a port, by either of its names."""
    return port in ports_of(card)


def ports_of(card: Card) -> tuple[str, ...]:
    """What the port of a card is called: as in its long name, and as in sysfs; none where it is not known."""
    names = (card.port, card.usb.path if card.usb is not None else "")
    return tuple(dict.fromkeys(name for name in names if name))


def has_card_id(card: Card, card_id: str) -> bool:
    """Whether the kernel called the card so, apart from the number it adds where that was taken (`Device_1`)."""
    if card.id == card_id:
        return True
    suffix = _SUFFIX.search(card.id[-4:])
    if suffix is None or not card.id.endswith(suffix[0]):
        return False
    base = card.id[: -len(suffix[0])]
    return base == card_id or (len(card.id) == _CARD_ID_MAX and card_id.startswith(base))


def _capture(card: Card) -> Iterator[Evidence]:
    nothing = Evidence("capture", "a card that captures", _UNKNOWN, matched=False, excludes=True)
    if card.capture_devices == ():
        yield replace(nothing, found="a card that only plays" if card.playback_devices else "a card without sound")
    elif card.capture_devices is None:
        for driver in _drivers(card):
            if _ONLY_PLAY.fullmatch(driver):
                yield replace(nothing, found=f"a card of {driver}, which only plays")
                return


def _port(card: Card, wanted: Match) -> Iterator[Evidence]:
    if wanted.ports:
        found = ports_of(card)
        matched = any(port in found for port in wanted.ports)
        points = PORT_POINTS if matched else 0
        yield Evidence(PORT, listed(wanted.ports), " = ".join(found), matched, points, excludes=not matched)


def _usb(card: Card, wanted: Match) -> Iterator[Evidence]:
    """A card that is known to be another USB device than any that is wanted is none of them."""
    identity = [each for each in (_usb_id(card, wanted), _product(card, wanted)) if each is not None]
    recognised = any(each.matched for each in identity)
    for each in identity:
        yield replace(each, excludes=each.contradicts and not recognised)


def _usb_id(card: Card, wanted: Match) -> Evidence | None:
    if not wanted.usb_ids:
        return None
    found = card.usb.id if card.usb is not None else _not_usb(card)
    matched = found in wanted.usb_ids
    return Evidence("USB id", listed(wanted.usb_ids), found, matched, USB_ID_POINTS if matched else 0)


def _product(card: Card, wanted: Match) -> Evidence | None:
    if not wanted.products:
        return None
    not_usb = _not_usb(card)
    # Without sysfs the card's name is what is left of the product string, cut at 31 bytes.
    found = not_usb or (card.usb.product if card.usb is not None else "") or card.name
    matched = not not_usb and _any_part_of(wanted.products, [found])
    return Evidence("product", listed(wanted.products), found, matched, PRODUCT_POINTS if matched else 0)


def _not_usb(card: Card) -> str:
    """What to call a card that is known to be no USB card; empty where it is one, or that is not known."""
    drivers = _drivers(card)
    known_other = card.usb is None and drivers and not any(driver in USB_DRIVERS for driver in drivers)
    return f"no USB card ({drivers[0]})" if known_other else ""


def _drivers(card: Card) -> tuple[str, ...]:
    """What the card's driver is called, as far as that is known."""
    return tuple(dict.fromkeys(name for name in (card.driver, card.kernel_driver) if name))


def _driver(card: Card, wanted: Match) -> Iterator[Evidence]:
    if wanted.drivers:
        found = _drivers(card)
        matched = any(driver in found for driver in wanted.drivers)
        yield Evidence("driver", listed(wanted.drivers), " = ".join(found), matched, DRIVER_POINTS if matched else 0)


def _device_tree(card: Card, board: Board, wanted: Match) -> Iterator[Evidence]:
    """A board's HAT and model say nothing about what hangs on its USB."""
    if wanted.device_tree:
        of_board = () if card.usb is not None else (board.hat_product, board.model)
        found = [name for name in (*card.compatible, *of_board) if name]
        fitting = [name for name in found if _any_part_of(wanted.device_tree, [name])]
        shown = ", ".join(fitting or found) or (_UNKNOWN if card.usb is None else "that of a USB card")
        points = DEVICE_TREE_POINTS if fitting else 0
        yield Evidence("device tree", listed(wanted.device_tree), shown, bool(fitting), points)


def _controls(card: Card, wanted: Match) -> Iterator[Evidence]:
    """A board whose controls are known and lack one that is wanted is another board."""
    if wanted.controls:
        names = card.controls
        there = [name for name in wanted.controls if names is not None and name in names]
        matched = len(there) == len(wanted.controls)
        found = _UNKNOWN if names is None else ", ".join(there) or "none of them"
        points = CONTROLS_POINTS if matched else 0
        excludes = names is not None and not matched
        yield Evidence("controls", ", ".join(wanted.controls), found, matched, points, excludes)


def _absent_controls(card: Card, wanted: Match) -> Iterator[Evidence]:
    """What is absent recognises nothing by itself: most cards lack most controls."""
    if wanted.without_controls:
        names = card.controls
        there = [name for name in wanted.without_controls if names is not None and name in names]
        asked = f"no {' and no '.join(wanted.without_controls)}"
        matched = names is not None and not there
        found = _UNKNOWN if names is None else ", ".join(there) or asked
        points = CONTROLS_POINTS if matched and not wanted.controls else 0
        yield Evidence("controls", asked, found, matched, points, excludes=bool(there))


def _card_id(card: Card, wanted: Match) -> Iterator[Evidence]:
    if wanted.card_ids:
        matched = any(has_card_id(card, card_id) for card_id in wanted.card_ids)
        yield Evidence("card id", listed(wanted.card_ids), card.id, matched, CARD_ID_POINTS if matched else 0)


def _any_part_of(parts: Iterable[str], texts: Iterable[str]) -> bool:
    folded = [text.casefold() for text in texts]
    return any(part.casefold() in text for part in parts for text in folded)
