from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.model import StationConfiguration
from gatewayd.errors import DeviceError
from gatewayd.hardware.detection import choose
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.profile import Match
from gatewayd.hardware.resolve import settle
from tests.roots.expectations import ROOTS, Expected, expectations, inventory_of, recorded, shipped_profiles
from tests.roots.writing import content, names, write_root

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.hardware.offers import Offer

EXPECTED = expectations()


@pytest.mark.parametrize("expected", [each for each in EXPECTED if not each.error], ids=str)
def test_a_station_gets_the_card_that_is_meant(expected: Expected) -> None:
    chosen = choose(station(expected), inventory_of(expected.root), shipped_profiles())
    assert chosen.card is not None
    assert (chosen.profile.name, chosen.card.id) == (expected.profile, expected.card)


@pytest.mark.parametrize("expected", [each for each in EXPECTED if each.error], ids=str)
def test_a_station_that_gets_nothing_is_told_why(expected: Expected) -> None:
    with pytest.raises(DeviceError) as caught:
        choose(station(expected), inventory_of(expected.root), shipped_profiles())
    assert type(caught.value).__name__ == expected.error
    told = str(caught.value)
    missing = [words for words in expected.words if words not in told]
    assert not missing, told


@pytest.mark.parametrize("expected", [each for each in EXPECTED if each.capture], ids=str)
def test_a_station_is_opened_as_its_card_can(expected: Expected) -> None:
    inventory = inventory_of(expected.root)
    settings = settle(station(expected), shipped_profiles(), inventory, offers=nothing_more)
    playback = str(settings.playback.parameters) if settings.playback is not None else "nothing"
    assert (str(settings.capture.parameters), playback) == (expected.capture, expected.playback)
    assert settings.capture.device.startswith(f"hw:CARD={expected.card},DEV=")


@pytest.mark.parametrize(
    "expected", [each for each in EXPECTED if each.port is None and each.station_profile == "auto"], ids=str
)
def test_reading_a_root_tells_what_is_wrong_with_it_and_nothing_else(expected: Expected) -> None:
    problems = inventory_of(expected.root).problems
    assert len(problems) == len(expected.problems), problems
    assert all(part in problem for part, problem in zip(expected.problems, problems, strict=False)), problems


def test_every_root_has_its_expectation() -> None:
    assert sorted({expected.root for expected in EXPECTED}) == recorded()


def test_every_shipped_profile_that_recognises_a_board_is_found_in_some_root() -> None:
    found = {expected.profile for expected in EXPECTED}
    recognising = {name for name, profile in shipped_profiles().items() if profile.match != Match()}
    assert recognising - {"software-card"} <= found  # which no kernel knows of: libasound makes it up


def test_equal_roots_with_relative_and_with_absolute_links_show_the_same() -> None:
    for relative, absolute in (
        ("pi4-respeaker-xvf3800", "pi4-xvf3800-absolute-links"),
        ("pi3-aiy-voice-hat", "pi3-aiy-voice-hat-absolute-links"),
    ):
        assert inventory_of(relative) == inventory_of(absolute)


def test_a_root_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    copied = tmp_path / "a" / "b"
    shutil.copytree(ROOTS / "pi4-xvf3800-absolute-links", copied, symlinks=True)
    assert read_inventory(copied) == inventory_of("pi4-xvf3800-absolute-links")


def test_nothing_outside_of_a_root_is_read(tmp_path: Path) -> None:
    shutil.copytree(ROOTS / "pi4-c-media-dongle", tmp_path / "root", symlinks=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "id").write_text("Secret\n")
    card = tmp_path / "root/sys/class/sound/card3"
    for target in ("../../../../outside", str(outside)):
        card.unlink()
        card.symlink_to(target)
        inventory = read_inventory(tmp_path / "root")
        assert "Secret" not in repr(inventory)
        assert [card.id for card in inventory.cards] == ["Headphones", "vc4hdmi0", "vc4hdmi1", "Device"]


class TestTrees:
    @pytest.mark.parametrize("name", names())
    def test_what_is_committed_is_what_the_catalogue_says(self, name: str, tmp_path: Path) -> None:
        write_root(name, tmp_path / name)
        assert content(ROOTS / name) == content(tmp_path / name), "run `python -m tests.roots`"

    def test_git_keeps_all_of_them(self) -> None:
        empty = [path for name in recorded() for path in empty_folders(ROOTS / name)]
        assert empty == []


def station(expected: Expected) -> StationConfiguration:
    return StationConfiguration("main", profile=expected.station_profile, port=expected.port)


def nothing_more(device: str, capture: bool) -> tuple[Offer, ...]:
    """A recorded root's driver cannot be asked."""
    return ()


def empty_folders(folder: Path) -> list[Path]:
    entries = list(folder.iterdir())
    inner = [path for entry in entries if entry.is_dir() and not entry.is_symlink() for path in empty_folders(entry)]
    return inner if entries else [folder]
