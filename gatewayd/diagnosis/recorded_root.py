"""Copies what the kernel shows of the sound cards, so that detection can be run on it elsewhere (docs/roots.md).

Copied are the files that `hardware.enumeration` reads, at the places that its links lead to, and the links themselves;
never a serial number.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from typing import TYPE_CHECKING

from gatewayd.hardware.rooted import Root
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

CARDS_MAX = 32
"""Cards copied; the kernels of such devices have room for no more."""
FILE_BYTES_MAX = 64 * 1024
CONTROLS_BYTES_MAX = 2 * 1024 * 1024
"""Of asound.state, as detection reads it."""

_PLAIN = ("/proc/asound/cards", "/proc/asound/pcm", "/proc/asound/version", "/proc/asound/modules")
_DEVICE_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")
_OF_DEVICE_TREE = ("model", "compatible", "hat/vendor", "hat/product", "hat/product_id", "hat/product_ver")
_OF_USB = ("idVendor", "idProduct", "bcdDevice", "product", "manufacturer", "speed")
_CONTROLS = "/var/lib/alsa/asound.state"
_CARD = re.compile(r"card[0-9]{1,4}")
_OF_PROC_CARD = re.compile(r"id|usbid|usbbus|stream[0-9]{1,3}")
_PCM = re.compile(r"pcm(?:C[0-9]{1,4}D)?[0-9]{1,4}[cp]")
_SERIAL = re.compile(r"(?im)^(.*\bserial\b[^:=\n]*[:=]).*$")


@dataclass(frozen=True)
class RecordedRoot:
    """A copy: places are as on the device, `/proc/asound/cards`."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """What each says: always relative, and never leading out of the copy."""
    folders: list[str] = field(default_factory=list)
    """Empty ones, whose name alone tells something."""
    problems: list[str] = field(default_factory=list)
    """What could not be read."""


def record_root(path: Path) -> RecordedRoot:
    """Copy what is below `path`, the root of this device or of another copy. Never raises."""
    return _Recorder(Root(path)).run()


class _Recorder:
    def __init__(self, root: Root) -> None:
        self._root = root
        self._copy = RecordedRoot()

    def run(self) -> RecordedRoot:
        for place in _PLAIN:
            self._file(place)
        self._file(_CONTROLS, CONTROLS_BYTES_MAX)
        for tree in _DEVICE_TREES:
            for name in _OF_DEVICE_TREE:
                self._file(f"{tree}/{name}")
        for name in self._cards("/proc/asound"):
            self._proc_card(f"/proc/asound/{name}")
        for name in self._cards("/sys/class/sound"):
            self._sysfs_card(f"/sys/class/sound/{name}")
        self._copy.problems.extend(self._root.problems)
        return self._copy

    def _cards(self, place: str) -> list[str]:
        return [name for name in self._root.names(place) if _CARD.fullmatch(name)][:CARDS_MAX]

    def _proc_card(self, place: str) -> None:
        for name in self._root.names(place):
            if _OF_PROC_CARD.fullmatch(name):
                self._file(f"{place}/{name}")
            elif _PCM.fullmatch(name):
                self._file(f"{place}/{name}/info")
                self._copy.folders.append(f"{place}/{name}")

    def _sysfs_card(self, place: str) -> None:
        card = self._link(place)
        if card is None:
            return
        self._file(f"{card}/id")
        self._copy.folders.extend(f"{card}/{name}" for name in self._root.names(card) if _PCM.fullmatch(name))
        device = self._link(f"{card}/device")
        if device is None:
            return
        self._copy.folders.append(device)
        driver = self._root.link_name(f"{device}/driver")
        if driver:
            # Only its name is wanted, and it may lead nowhere: in a copy it always does.
            self._copy.links[f"{device}/driver"] = f"drivers/{driver}"
        node = self._link(f"{device}/of_node")
        if node is not None:
            self._file(f"{node}/compatible")
        for usb in (posixpath.dirname(device), device):
            for name in _OF_USB:
                self._file(f"{usb}/{name}")

    def _link(self, place: str) -> str | None:
        """Where a place leads; a link there is copied as one that leads there at once."""
        found = self._root.find(place)
        if found is not None and found != place:
            self._copy.links[place] = posixpath.relpath(found, posixpath.dirname(place))
        return found

    def _file(self, place: str, bytes_max: int = FILE_BYTES_MAX) -> None:
        text = self._root.read(place, bytes_max)
        if text is not None:
            self._copy.files[self._root.find(place) or place] = _SERIAL.sub(r"\1 (left out)", text)
