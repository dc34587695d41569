"""What sound hardware a device has, as its kernel tells: the evidence that detection works on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.hardware.offers import Offer


_ON_A_CARD = re.compile(r"[a-z]+:(?:CARD=)?([^,=]+)(?:,.*)?")
"""ALSA's names that say a card, with the names of their arguments or without: `hw:CARD=Array,DEV=0`, `plughw:1,0`."""


@dataclass(frozen=True)
class UsbIdentity:
    """What a USB device says it is."""

    id: str
    """`vendor:product`, four lower-case hexadecimal digits each."""
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    path: str = ""
    """The port it hangs on as sysfs names it, such as `1-1.2`; empty where sysfs is not there."""


@dataclass(frozen=True)
class Card:
    """One ALSA card. What is unknown is empty, or None where empty would say something else."""

    number: int
    """Its place in the kernel's list: differs from boot to boot, so never a name for it."""
    id: str
    """ALSA's id, as in `hw:CARD=id`; given in the order of plugging in where two would be the same (`Device_1`)."""
    driver: str = ""
    """As in /proc/asound/cards: `USB-Audio`, or an ASoC card's."""
    name: str = ""
    long_name: str = ""
    usb: UsbIdentity | None = None
    port: str = ""
    """Where it is connected, the same at each boot: `usb-0000:01:00.0-1.2`, or a platform device (`soc:sound`)."""
    kernel_driver: str = ""
    """The kernel driver bound to its device, such as `snd-usb-audio`."""
    compatible: tuple[str, ...] = ()
    """The device tree's `compatible` of its device."""
    capture_devices: tuple[int, ...] | None = None
    """Device numbers that capture; None: not known."""
    playback_devices: tuple[int, ...] | None = None
    capture_offers: tuple[Offer, ...] = ()
    """From `stream0`; empty: not known."""
    playback_offers: tuple[Offer, ...] = ()
    controls: frozenset[str] | None = None
    """Names of its mixer controls (simple mixer elements, as `amixer scontrols` prints); None: not known."""


@dataclass(frozen=True)
class Board:
    """What the device is, by its device tree."""

    model: str = ""
    hat_vendor: str = ""
    hat_product: str = ""


@dataclass(frozen=True)
class Inventory:
    """Everything that was found."""

    cards: tuple[Card, ...] = ()
    """By card number."""
    board: Board = Board()
    problems: tuple[str, ...] = ()
    """What could not be read, or made no sense; a line each. Nothing of it keeps the rest from being used."""

    def card_of(self, device: str) -> Card | None:
        """The card that an ALSA device name means, by its id or number; None where it says none, or one not there."""
        named = _ON_A_CARD.fullmatch(device)
        return next((card for card in self.cards if named and named[1] in (card.id, str(card.number))), None)
