"""A bundle's copy of /proc and /sys tells detection all that the device itself does."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gatewayd.diagnosis.recorded_root import RecordedRoot, record_root
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.inventory import Inventory

ROOTS = Path(__file__).parents[1] / "roots"
WHOLE = sorted(
    entry.name for entry in ROOTS.iterdir() if entry.is_dir() and entry.name.startswith(("pi", "zero", "cm", "mini"))
)
BROKEN = sorted(
    entry.name for entry in ROOTS.iterdir() if entry.is_dir() and entry.name.startswith(("broken", "partial", "no"))
)


def unpacked(copy: RecordedRoot, folder: Path) -> Path:
    for place in copy.folders:
        (folder / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for place, text in copy.files.items():
        path = folder / place.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for place, target in copy.links.items():
        path = folder / place.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    return folder


def without_serials(inventory: Inventory) -> Inventory:
    cards = (replace(card, usb=card.usb and replace(card.usb, serial="")) for card in inventory.cards)
    return Inventory(tuple(cards), inventory.board)


@pytest.mark.parametrize("name", WHOLE[::4])
def test_it_is_the_same_to_detection(name: str, tmp_path: Path) -> None:
    original = read_inventory(ROOTS / name)
    copy = unpacked(record_root(ROOTS / name), tmp_path)
    assert read_inventory(copy) == without_serials(original)


def test_serial_numbers_stay_behind(tmp_path: Path) -> None:
    serials = [card.usb.serial for name in WHOLE for card in read_inventory(ROOTS / name).cards if card.usb]
    assert any(serials)
    for name in WHOLE:
        copy = record_root(ROOTS / name)
        told = "\n".join([*copy.files.values(), *copy.files, *copy.links, *copy.links.values()])
        for card in read_inventory(ROOTS / name).cards:
            assert card.usb is None or not card.usb.serial or card.usb.serial not in told


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_is_broken_is_copied_without_a_word_too_many(name: str, tmp_path: Path) -> None:
    copy = record_root(ROOTS / name)
    folder = unpacked(copy, tmp_path)
    read_inventory(folder)
    for place, target in copy.links.items():
        leads_to = os.path.normpath(folder / place.lstrip("/") / ".." / target)
        assert leads_to.startswith(str(folder)), f"{place} leads out of the copy"


def test_nothing_there(tmp_path: Path) -> None:
    assert record_root(tmp_path) == RecordedRoot()
