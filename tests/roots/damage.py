"""Roots that are broken, or only half there: what people send in, and what a kernel shows while a card goes away."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.roots.kernel import link, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE_BYTES = 4096
USB_DEVICE = "sys/devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0/usb1/1-1/1-1.2"


def cut_cards_file(root: Path) -> None:
    """The cards file ends in the middle of the dongle's line."""
    cards = root / "proc/asound/cards"
    content = cards.read_bytes()
    cards.write_bytes(content[: content.index(b"[Device_1") + len(b"[Device_1       ]: USB-Au")])


def junk_usb_id(root: Path) -> None:
    """The USB id is no text."""
    (root / "proc/asound/card3/usbid").write_bytes(bytes(range(128, 168)) + b"\0\xff\n")


def usb_id_without_card(root: Path) -> None:
    """A folder that is left of a card which the list does not have."""
    put(root / "proc/asound/card7/usbid", "2886:001a")


def card_without_usb_id(root: Path) -> None:
    """The card is in the list, its `usbid` is not there; sysfs knows it all the same."""
    (root / "proc/asound/card3/usbid").unlink()
    (root / "proc/asound/card3/usbbus").unlink()


def vanished_stream(root: Path) -> None:
    """Unplugged while it was read: the list has it, nothing else has."""
    shutil.rmtree(root / "proc/asound/card3")
    put(root / "proc/asound/card3/stream0", b"")


def link_out_of_root(root: Path) -> None:
    """The card's link leads out of the root, to where something else lies on the machine that reads it."""
    card = root / "sys/class/sound/card3"
    card.unlink()
    link(card, "../../../../../../../../../../../../../../etc")


def link_loop(root: Path) -> None:
    """Two links that lead to each other."""
    card = root / "sys/class/sound/card3"
    card.unlink()
    link(card, "card3-again")
    link(root / "sys/class/sound/card3-again", "card3")


def empty_files(root: Path) -> None:
    """Everything about the card is there and has no content, as copying from /proc with the wrong tool gives it."""
    for path in sorted((root / "proc/asound/card3").rglob("*")):
        if path.is_file():
            path.write_bytes(b"")
    for name in ("idVendor", "idProduct", "product", "manufacturer"):
        (root / USB_DEVICE / name).write_bytes(b"")


def empty_cards_file(root: Path) -> None:
    """The list of cards was copied as an empty file."""
    (root / "proc/asound/cards").write_bytes(b"")


def no_sysfs(root: Path) -> None:
    """Only /proc was copied."""
    shutil.rmtree(root / "sys")
    (root / "proc/device-tree").unlink()


def no_procfs(root: Path) -> None:
    """Only /sys was copied."""
    shutil.rmtree(root / "proc")


def no_sound_support(root: Path) -> None:
    """A container, or a kernel without ALSA: no /proc/asound, no sound class."""
    shutil.rmtree(root / "proc/asound")
    shutil.rmtree(root / "sys/class/sound", ignore_errors=True)


def not_text(root: Path) -> None:
    """Names that are no UTF-8 and would steer a terminal."""
    for path in (root / "proc/asound/cards", root / "proc/asound/card3/stream0", root / USB_DEVICE / "product"):
        path.write_bytes(path.read_bytes().replace(b"USB PnP Sound", b"USB \x1b[31m\xff\xfe S"))


def packed_with_tar(root: Path) -> None:
    """tar believes the sizes that file systems of the kernel state: 0 in /proc, a page in /sys."""
    for path in sorted((root / "proc/asound").rglob("*")):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(b"")
    for path in sorted((root / "sys/devices").rglob("*")):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(path.read_bytes().ljust(PAGE_BYTES, b"\0"))


BROKEN: dict[str, tuple[str, Callable[[Path], None]]] = {
    "broken-cards-cut-off": ("pi4-two-c-media-dongles", cut_cards_file),
    "broken-cards-empty": ("pi3-c-media-dongle", empty_cards_file),
    "broken-empty-files": ("pi4-c-media-dongle", empty_files),
    "broken-junk-usb-id": ("pi4-c-media-dongle", junk_usb_id),
    "broken-card-without-usb-id": ("pi4-c-media-dongle", card_without_usb_id),
    "broken-usb-id-without-card": ("pi4-c-media-dongle", usb_id_without_card),
    "broken-vanished-stream": ("pi4-c-media-dongle", vanished_stream),
    "broken-link-out-of-root": ("pi4-c-media-dongle", link_out_of_root),
    "broken-link-loop": ("pi4-c-media-dongle", link_loop),
    "broken-names": ("pi4-c-media-dongle", not_text),
    "partial-no-sysfs": ("pi4-respeaker-xvf3800", no_sysfs),
    "partial-no-procfs": ("pi4-respeaker-xvf3800", no_procfs),
    "partial-packed-with-tar": ("pi4-respeaker-xvf3800", packed_with_tar),
    "no-sound-support": ("pi4-no-cards", no_sound_support),
}
"""By the folder's name: the sound root that it was, and what happened to it."""
