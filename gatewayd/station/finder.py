"""Finds a station's hardware, whatever the kernel calls it today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.hardware.alsa.capabilities import offers
from gatewayd.hardware.claims import claimed_ports
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.inventory import Inventory
from gatewayd.hardware.resolve import names_everything, settle
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, Sequence

    from gatewayd.configuration.model import StationConfiguration
    from gatewayd.hardware.inventory import Card
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import Profile
    from gatewayd.hardware.settings import StationSettings

HOST = Path("/")
"""The root of the device this runs on; any other is a copy of some device's files."""


@dataclass(frozen=True)
class Look:
    """How to look at the sound hardware: all cards at once, and one card's abilities."""

    inventory: Callable[[], Inventory]
    offers: Callable[[str, bool], tuple[Offer, ...]]
    """Of an ALSA device, for capture or not; raises `DeviceError` as opening it does."""


def look_at(root: Path = HOST, *, controls: Callable[[str], frozenset[str] | None] | None = None) -> Look:
    """Look at the files under `root`; `controls` asks the mixers of this device's own cards for their controls."""
    return Look(
        lambda: read_inventory(root, live_controls=controls if root == HOST else None),
        lambda device, capture: offers(device, capture=capture),
    )


class StationFinder:
    """Implements `seams.hardware.HardwareSource` for one of `stations`.

    A station that names device, rate, format and channels needs no detection: the hardware is not looked at then, and
    need not be there.
    """

    def __init__(
        self,
        station: StationConfiguration,
        stations: Sequence[StationConfiguration],
        profiles: Mapping[str, Profile],
        look: Look,
        *,
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self._station = station
        self._stations = stations
        self._profiles = profiles
        self._look = look
        self._log = log
        self._told = ""
        self._inventory = Inventory()
        self._offers: dict[tuple[str, bool], tuple[Offer, ...]] = {}

    def find(self) -> StationSettings:
        """See `seams.hardware.HardwareSource`; reads some dozens of small files, in about a millisecond."""
        inventory = Inventory() if names_everything(self._station) else self._look.inventory()
        self._forget_replaced_cards(inventory)
        claimed = claimed_ports(self._station, self._stations, inventory, self._profiles)
        settings = settle(self._station, self._profiles, inventory, claimed=claimed, offers=self._ask)
        self._tell("; ".join(settings.notes))
        return settings

    def _ask(self, device: str, capture: bool) -> tuple[Offer, ...]:
        """What a device can do, asked once: the next time one of its streams may be open, and the card busy with us."""
        if (device, capture) not in self._offers:
            self._offers[device, capture] = self._look.offers(device, capture)
        return self._offers[device, capture]

    def _forget_replaced_cards(self, inventory: Inventory) -> None:
        for device, capture in list(self._offers):
            if _identity(self._inventory.card_of(device)) != _identity(inventory.card_of(device)):
                del self._offers[device, capture]
        self._inventory = inventory

    def _tell(self, line: str) -> None:
        if line and line != self._told:
            self._log.warning("%s", line)
        self._told = line


def _identity(card: Card | None) -> tuple[int, str, str] | None:
    """What is another's once a card was unplugged and one plugged in."""
    return (card.number, card.id, card.port) if card is not None else None
