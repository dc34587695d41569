"""A station's hardware, found anew each time it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewayd.audio.formats import SampleFormat
from gatewayd.configuration.model import CaptureOverrides, StationConfiguration
from gatewayd.errors import DeviceAmbiguous, DeviceMissing
from gatewayd.hardware.offers import Offer
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir
from gatewayd.station.finder import Look, StationFinder, look_at
from tests.station.fakes import STATION_LOG

if TYPE_CHECKING:
    from gatewayd.hardware.inventory import Inventory

ROOTS = Path(__file__).parents[1] / "roots"
PROFILES = load_profiles([resource_dir("hw-profiles")])


def finder(look: Look, station: StationConfiguration, *others: StationConfiguration) -> StationFinder:
    return StationFinder(station, [station, *others], PROFILES, look, log=STATION_LOG)


class Shelf:
    """A device whose hardware changes between two looks."""

    def __init__(self, *names: str) -> None:
        self._looks = [look_at(ROOTS / name) for name in names]

    def look(self) -> Look:
        def inventory() -> Inventory:
            return self._looks.pop(0).inventory()

        return Look(inventory, self._offers)

    def _offers(self, device: str, capture: bool) -> tuple[Offer, ...]:
        raise AssertionError(f"{device} was asked, though the kernel's files tell everything")


def test_a_microphone_is_followed_to_another_name() -> None:
    shelf = Shelf("pi4-two-c-media-dongles", "pi4-two-c-media-dongles-rebooted")
    found = finder(shelf.look(), StationConfiguration("main", port="usb-0000:01:00.0-1.4"))
    before, after = found.find(), found.find()
    assert before.profile == after.profile == "cmedia-usb-dongle"
    assert {before.capture.device, after.capture.device} == {"hw:CARD=Device,DEV=0", "hw:CARD=Device_1,DEV=0"}


def test_what_is_not_there_may_be_there_the_next_time() -> None:
    found = finder(Shelf("pi4-no-cards", "pi4-ps3-eye").look(), StationConfiguration("main"))
    with pytest.raises(DeviceMissing, match="there is no sound card"):
        found.find()
    assert found.find().profile == "ps3-eye"


def test_a_card_that_another_station_names_is_left_to_it() -> None:
    shelf = Shelf("pi4-two-c-media-dongles", "pi4-two-c-media-dongles")
    alone = finder(shelf.look(), StationConfiguration("main"))
    with pytest.raises(DeviceAmbiguous):
        alone.find()
    beside = finder(shelf.look(), StationConfiguration("main"), StationConfiguration("desk", port="1-1.4"))
    assert beside.find().card is not None


def test_a_station_that_says_everything_is_settled_without_a_look() -> None:
    capture = CaptureOverrides("hw:CARD=X,DEV=0", 48_000, SampleFormat.S16_LE, 1)
    settings = finder(Shelf().look(), StationConfiguration("main", capture=capture)).find()
    assert (settings.profile, settings.capture.device, settings.card) == (None, "hw:CARD=X,DEV=0", None)


def test_a_microphone_without_a_speaker_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    names = ["pi3-fifine"] * 3
    found = finder(Shelf(*names).look(), StationConfiguration("main"))
    for _ in names:
        assert found.find().playback is None
    [record] = caplog.records
    assert "has no playback: the agent is not heard" in record.getMessage()


def test_a_card_is_asked_once_what_it_can_do_until_another_comes() -> None:
    """While one of its streams is open it is busy, with us."""
    asked: list[tuple[str, bool]] = []
    looks = [
        look_at(ROOTS / name) for name in ("pi4-unknown-hat", "pi4-unknown-hat", "pi4-no-cards", "pi4-unknown-hat")
    ]

    def offers(device: str, capture: bool) -> tuple[Offer, ...]:
        asked.append((device, capture))
        return (Offer((SampleFormat.S16_LE,), (16_000,), (1,)),)

    found = finder(Look(lambda: looks.pop(0).inventory(), offers), StationConfiguration("main"))
    assert found.find().capture.parameters.rate_hz == 16_000
    once = list(asked)
    assert once
    found.find()
    assert asked == once
    with pytest.raises(DeviceMissing):
        found.find()
    found.find()
    assert asked == 2 * once


def test_mixer_controls_are_asked_of_this_devices_own_cards_only() -> None:
    asked: list[str] = []

    def controls(card_id: str) -> frozenset[str]:
        asked.append(card_id)
        return frozenset()

    look_at(ROOTS / "pi4-respeaker-2mics-v2", controls=controls).inventory()
    assert asked == []
