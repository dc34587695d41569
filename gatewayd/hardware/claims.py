"""Which cards the other stations of a device name as theirs, so that one that finds its own does not take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.errors import DeviceError
from gatewayd.hardware.detection import choose
from gatewayd.hardware.matching import ports_of
from gatewayd.hardware.profiles import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewayd.configuration.model import StationConfiguration
    from gatewayd.hardware.inventory import Card, Inventory
    from gatewayd.hardware.profile import Profile


def claimed_ports(
    station: StationConfiguration,
    stations: Sequence[StationConfiguration],
    inventory: Inventory,
    profiles: Mapping[str, Profile],
) -> frozenset[str]:
    """The ports of the cards that stations other than `station` claim: by a device, a port, or a profile of their own.

    A card whose port is not known cannot be claimed, and neither can one that is not there.
    """
    return frozenset(
        port
        for other in stations
        if other.name != station.name
        for card in _claimed(other, inventory, profiles)
        for port in ports_of(card)
    )


def _claimed(station: StationConfiguration, inventory: Inventory, profiles: Mapping[str, Profile]) -> Iterator[Card]:
    device = station.capture.device
    if device is not None:
        named = inventory.card_of(device)
        if named is not None:
            yield named
    elif station.port is not None:
        yield from (card for card in inventory.cards if station.port in ports_of(card))
    elif station.profile != AUTO:
        try:
            card = choose(station, inventory, profiles).card
        except DeviceError:
            return
        if card is not None:
            yield card
