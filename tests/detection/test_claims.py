"""Cards that other stations name are theirs."""

from __future__ import annotations

from dataclasses import replace

from gatewayd.configuration.model import CaptureOverrides, StationConfiguration
from gatewayd.hardware.claims import claimed_ports
from gatewayd.hardware.inventory import Inventory
from tests.detection.cards import ARRAY, CMEDIA, DONGLE, HEADPHONES, PI, WEBCAM, XVF3800

INVENTORY = Inventory((HEADPHONES, DONGLE, ARRAY, WEBCAM), PI)
PROFILES = {profile.name: profile for profile in (CMEDIA, XVF3800)}
MAIN = StationConfiguration("main")
DONGLES_PORTS = {"usb-0000:01:00.0-1.2", "1-1.2"}


def claimed(*others: StationConfiguration, inventory: Inventory = INVENTORY) -> frozenset[str]:
    return claimed_ports(MAIN, [MAIN, *others], inventory, PROFILES)


def device(name: str) -> StationConfiguration:
    return StationConfiguration("desk", capture=CaptureOverrides(device=name))


def test_a_station_alone_has_nobody_to_mind() -> None:
    assert claimed() == frozenset()


def test_a_card_is_claimed_by_its_device_whatever_way_it_is_written() -> None:
    for name in ("hw:CARD=Device,DEV=0", "plughw:Device", "hw:1,0", "sysdefault:CARD=Device"):
        assert claimed(device(name)) == DONGLES_PORTS, name


def test_a_device_that_is_no_card_or_not_there_claims_nothing() -> None:
    for name in ("front-desk", "hw:CARD=Gone,DEV=0", "null"):
        assert claimed(device(name)) == frozenset(), name


def test_a_card_is_claimed_by_either_name_of_its_port() -> None:
    for port in DONGLES_PORTS:
        assert claimed(StationConfiguration("desk", port=port)) == DONGLES_PORTS
    assert claimed(StationConfiguration("desk", port="1-1.1")) == frozenset()


def test_a_card_is_claimed_by_the_profile_that_only_it_has() -> None:
    assert claimed(StationConfiguration("desk", profile="c-media-dongle")) == DONGLES_PORTS


def test_a_profile_whose_card_is_not_there_or_there_twice_claims_nothing() -> None:
    desk = StationConfiguration("desk", profile="c-media-dongle")
    assert claimed(desk, inventory=Inventory((HEADPHONES, ARRAY), PI)) == frozenset()
    twin = replace(DONGLE, number=9, id="Device_1", port="usb-0000:01:00.0-1.1")
    assert claimed(desk, inventory=Inventory((DONGLE, twin), PI)) == frozenset()


def test_a_profile_that_goes_by_its_device_claims_no_card() -> None:
    assert claimed(StationConfiguration("desk", profile="respeaker-xvf3800"), inventory=Inventory()) == frozenset()


def test_a_station_that_finds_its_own_card_claims_none() -> None:
    assert claimed(StationConfiguration("desk")) == frozenset()


def test_two_stations_claim_each_its_own() -> None:
    desk = StationConfiguration("desk", profile="c-media-dongle")
    door = StationConfiguration("door", port="1-1.4")
    assert claimed(desk, door) == DONGLES_PORTS | {"usb-0000:01:00.0-1.4", "1-1.4"}
