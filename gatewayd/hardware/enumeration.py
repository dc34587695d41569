"""Finds the sound cards of a device, by reading what its kernel says: /proc/asound, /sys/class/sound, the device tree.

Everything lies below a root, so that a dump from another device is read just the same. Whatever is missing is not
known; what cannot be read or makes no sense is told in `Inventory.problems`. A card that is unplugged meanwhile is
neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.hardware.inventory import Board, Card, Inventory, UsbIdentity
from gatewayd.hardware.proc_asound import (
    CardLine,
    PcmDevices,
    StreamOffers,
    parse_cards,
    parse_pcm,
    parse_state,
    parse_stream,
)
from gatewayd.hardware.rooted import Root
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    LiveControls = Callable[[str], "frozenset[str] | None"]

_ASOUND = "/proc/asound"
_CLASS_SOUND = "/sys/class/sound"
_DEVICE_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")
"""The first is a link to the second; a dump may hold either."""
_CONTROLS = "/var/lib/alsa/asound.state"
_NO_CARDS = "no soundcards"

_LIST_MAX = 64 * 1024
"""Bytes of /proc/asound/cards, pcm and stream0: 32 cards take 5 kB, a stream of many settings 10 kB."""
_NAME_MAX = 4096
"""Bytes of a file with one name: sysfs gives no more than a page."""
_CONTROLS_MAX = 2 * 1024 * 1024
"""Bytes of the controls of all cards: about 200 a control, and the largest cards have some hundred."""
_CARDS_MAX = 256
"""Cards looked at; kernels are built for 8, 32 or at most 256 of them."""
_SHOWN_MAX = 40
"""Characters shown of a name that makes no sense."""

_CARD_FOLDER = re.compile(r"card([0-9]{1,4})")
_PCM_FOLDER = re.compile(r"pcm(?:C[0-9]{1,4}D)?([0-9]{1,4})([cp])")
"""A PCM device's folder: `pcm0c` in /proc/asound/card1, `pcmC1D0c` in sysfs."""
_USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_USB_FOLDER = re.compile(r"([0-9]+-[0-9]+(?:\.[0-9]+)*)(:[0-9]+\.[0-9]+)?")
"""A USB device's folder in sysfs, such as `1-1.2`, or that of one of its interfaces, `1-1.2:1.0`."""
_PORT = re.compile(r" at (usb-[^\s,]+),")
"""In a USB card's long name. The comma must be there: ALSA cuts names at 80 bytes, and half a port is another port."""


def read_inventory(root: Path = Path("/"), *, live_controls: LiveControls | None = None) -> Inventory:
    """Everything that is known of the sound hardware; never raises, and takes some ten small reads a card.

    `live_controls` gives the mixer controls of a card by its id, or None where they cannot be had; without it what
    `alsactl store` last wrote is used.
    """
    return _Enumeration(Root(root), live_controls).run()


class _Enumeration:
    """One look at everything."""

    def __init__(self, root: Root, live_controls: LiveControls | None) -> None:
        self._root = root
        self._live_controls = live_controls
        self._pcm: Mapping[int, PcmDevices] = {}
        self._all_listed = False
        """The kernel's lists are there, and not as empty as a copy of /proc often is: what they do not have is not."""
        self._stored_controls: Mapping[str, frozenset[str]] = {}

    def run(self) -> Inventory:
        lines = self._card_lines()
        # After the cards: one that is being plugged in is listed there before its devices are.
        pcm = self._root.read(f"{_ASOUND}/pcm", _LIST_MAX)
        self._pcm = parse_pcm(pcm or "")
        self._all_listed = pcm is not None and any(line.id for line in lines.values())
        if lines and self._live_controls is None:
            self._stored_controls = parse_state(self._root.read(_CONTROLS, _CONTROLS_MAX) or "")
        if len(lines) > _CARDS_MAX:
            self._root.problem(_ASOUND, f"has {len(lines)} cards, of which {_CARDS_MAX} were looked at")
        cards = tuple(self._card(lines[number]) for number in sorted(lines)[:_CARDS_MAX])
        return Inventory(cards, self._board(), tuple(self._root.problems))

    def _card_lines(self) -> dict[int, CardLine]:
        """The cards there are, by number: as listed, or where there is no list, by their folders."""
        place = f"{_ASOUND}/cards"
        text = self._root.read(place, _LIST_MAX)
        lines: dict[int, CardLine] = {}
        for line in parse_cards(text or ""):
            if line.number in lines:
                self._root.problem(place, f"has two cards {line.number}; the second was passed over")
            lines.setdefault(line.number, line)
        if text is not None and (lines or _NO_CARDS in text):
            return lines
        if text is not None and text.strip():
            self._root.problem(place, "no card can be made out in it")
        folders = {*self._root.names(_ASOUND), *self._root.names(_CLASS_SOUND)}
        found = (_CARD_FOLDER.fullmatch(folder) for folder in folders)
        numbers = (int(folder[1]) for folder in found if folder is not None)
        return {number: CardLine(number, "", "", "", "") for number in numbers}

    def _card(self, line: CardLine) -> Card:
        asound, device = f"{_ASOUND}/card{line.number}", self._device(line.number)
        card_id = self._id(line)
        usb = self._usb(asound, device)
        devices = self._devices(line.number)
        offers = self._offers(asound, devices)
        compatible = self._root.read(f"{device}/of_node/compatible", _NAME_MAX) if device else None
        return Card(
            number=line.number,
            id=card_id,
            driver=one_line(line.driver),
            name=one_line(line.name),
            long_name=one_line(line.long_name),
            usb=usb,
            port=_port(line.long_name, usb, device),
            kernel_driver=self._kernel_driver(device),
            compatible=tuple(one_line(name) for name in (compatible or "").split("\0") if name.strip()),
            capture_devices=None if devices is None else devices.capture,
            playback_devices=None if devices is None else devices.playback,
            capture_offers=offers.capture,
            playback_offers=offers.playback,
            controls=self._control_names(card_id),
        )

    def _device(self, number: int) -> str | None:
        """The folder in /sys of the card's device: a USB interface, or a platform device."""
        return self._root.find(f"{_CLASS_SOUND}/card{number}/device")

    def _id(self, line: CardLine) -> str:
        """The card's id; where its files do not agree, as the list of cards has it."""
        places = (f"{_ASOUND}/card{line.number}/id", f"{_CLASS_SOUND}/card{line.number}/id")
        card_id = line.id
        for place in places:
            told = self._name(place)
            card_id = card_id or told
            if told and told != card_id:
                what = f"says {_cut(told)}, where card {line.number} is {_cut(card_id)}; that is used"
                self._root.problem(place, what)
        return card_id or str(line.number)

    def _usb(self, asound: str, interface: str | None) -> UsbIdentity | None:
        """What the USB device says it is; None where the card is none, as far as is known."""
        place = f"{asound}/usbid"
        told = self._usb_id(place, self._name(place))
        device, of_sysfs = self._usb_device(interface) if interface else ("", "")
        if told and of_sysfs and told != of_sysfs:
            self._root.problem(place, f"says {told}, and {device} {of_sysfs}; {told} is used")
        if not told and not of_sysfs:
            return None
        if not device:
            return UsbIdentity(told)
        folder = _USB_FOLDER.fullmatch(device.rpartition("/")[2])
        return UsbIdentity(
            told or of_sysfs,
            manufacturer=self._name(f"{device}/manufacturer"),
            product=self._name(f"{device}/product"),
            serial=self._name(f"{device}/serial"),
            path="" if folder is None else folder[1],
        )

    def _usb_device(self, interface: str) -> tuple[str, str]:
        """The folder of the USB device that an interface belongs to, and its id; both empty where it is none."""
        for place in (f"{interface}/..", interface):
            device = self._root.find(place) or ""
            vendor, product = self._name(f"{device}/idVendor"), self._name(f"{device}/idProduct")
            if vendor and product:
                return device, self._usb_id(device, f"{vendor}:{product}")
        return "", ""

    def _usb_id(self, place: str, text: str) -> str:
        usb_id = text.lower()
        if usb_id and not _USB_ID.fullmatch(usb_id):
            self._root.problem(place, f"{_cut(text)} is no USB id")
            return ""
        return usb_id

    def _devices(self, number: int) -> PcmDevices | None:
        """The card's PCM devices: as listed, or where they are not, by their folders; None: not known."""
        if number in self._pcm:
            return self._pcm[number]
        of_proc, of_sysfs = (self._root.names(f"{place}/card{number}") for place in (_ASOUND, _CLASS_SOUND))
        names = (*of_proc, *of_sysfs)
        folders = [folder for folder in map(_PCM_FOLDER.fullmatch, names) if folder is not None]
        if not folders and not self._all_listed:
            return None
        capture, playback = (
            tuple(sorted({int(folder[1]) for folder in folders if folder[2] == way})) for way in ("c", "p")
        )
        return PcmDevices(capture, playback)

    def _offers(self, asound: str, devices: PcmDevices | None) -> StreamOffers:
        """What the device that captures, and the one that plays, offer; `streamN` of a USB card tells of device N."""
        capture = devices.capture[0] if devices and devices.capture else 0
        playback = devices.playback[0] if devices and devices.playback else 0
        streams = {
            number: parse_stream(self._root.read(f"{asound}/stream{number}", _LIST_MAX) or "")
            for number in {capture, playback}
        }
        return StreamOffers(streams[capture].capture, streams[playback].playback)

    def _kernel_driver(self, device: str | None) -> str:
        return one_line(self._root.link_name(f"{device}/driver")) if device else ""

    def _control_names(self, card_id: str) -> frozenset[str] | None:
        if self._live_controls is not None:
            return self._live_controls(card_id)
        return self._stored_controls.get(card_id)

    def _board(self) -> Board:
        return Board(*(self._of_device_tree(name) for name in ("model", "hat/vendor", "hat/product")))

    def _of_device_tree(self, name: str) -> str:
        texts = (self._name(f"{tree}/{name}") for tree in _DEVICE_TREES)
        return next((text for text in texts if text), "")

    def _name(self, place: str) -> str:
        """A file that holds one name, which may end in NUL or a new line; empty where it is not known."""
        return one_line((self._root.read(place, _NAME_MAX) or "").replace("\0", " ").strip())


def _cut(text: str) -> str:
    """Text for a message, which a broken file must not make endless."""
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _port(long_name: str, usb: UsbIdentity | None, device: str | None) -> str:
    """Where a card is connected, the same at each boot; empty where that is not known."""
    ports = _PORT.findall(long_name)
    if ports:
        return one_line(ports[-1])
    if usb is not None:
        return usb.path
    name = (device or "").rpartition("/")[2]
    folder = _USB_FOLDER.fullmatch(name)
    if folder is not None:
        return folder[1]
    return "" if name == "device" else one_line(name)  # a copied folder in the place of a link: its name is lost
