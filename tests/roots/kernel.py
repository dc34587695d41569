"""Writes what a Linux kernel shows of its sound cards under /proc and /sys into a folder.

Formats after the kernel's own sources: sound/core/init.c (`cards`), sound/core/pcm.c (`pcm`, `info`),
sound/usb/proc.c (`stream0`, `usbid`, `usbbus`), sound/usb/card.c (the names of USB cards).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONG_NAME_MAX = 79
"""`char longname[80]` of struct snd_card, with its NUL."""
SHORT_NAME_MAX = 31
DRIVER_MAX = 15


@dataclass(frozen=True)
class Setting:
    """An alternate setting of a USB stream."""

    format: str
    channels: int
    rates: str
    """As `stream0` has them: `44100, 48000`, or `8000 - 48000 (continuous)`."""


@dataclass(frozen=True)
class Pcm:
    """One device of a card."""

    name: str
    capture: bool = False
    playback: bool = False
    device: int = 0
    subdevices: int = 1


@dataclass(frozen=True)
class Usb:
    """A USB device with sound."""

    id: str
    product: str = ""
    manufacturer: str = ""
    serial: str = ""
    capture: tuple[Setting, ...] = ()
    playback: tuple[Setting, ...] = ()
    speed: str = "full speed"


@dataclass(frozen=True)
class Platform:
    """A card that is no USB device: where it is in /sys/devices, and what drives it."""

    path: str
    kernel_driver: str
    compatible: str = ""
    bus: str = "platform"


@dataclass(frozen=True)
class CardShown:
    """A card as the kernel shows it. `number` and `port` are given by the root it stands in."""

    id: str
    driver: str
    name: str
    pcms: tuple[Pcm, ...]
    on: Usb | Platform
    long_name: str = ""
    """Left out: as the kernel makes it up."""
    controls: tuple[str, ...] = ()
    """Names of its control elements, for asound.state."""
    port: str = ""
    """Of a USB card: `1.2` under the machine's root hub."""

    def at(self, port: str, card_id: str = "", serial: str = "") -> CardShown:
        """The same, plugged in somewhere, under another id or serial number if the kernel gave it one."""
        on = replace(self.on, serial=serial) if serial and isinstance(self.on, Usb) else self.on
        return replace(self, port=port, id=card_id or self.id, on=on)


@dataclass(frozen=True)
class Machine:
    """A computer."""

    model: str
    """The device tree's; empty: it has none."""
    usb_host: str
    """The USB host controller in /sys/devices."""
    own_cards: tuple[CardShown, ...] = ()
    sound_node: str = "platform/soc/soc:sound"
    """Where in /sys/devices a card on the GPIO header turns up."""
    kernel: str = "6.6.51+rpt-rpi-v8"

    @property
    def usb_bus(self) -> str:
        """The name of the host controller in the names of cards: `0000:01:00.0`."""
        return self.usb_host.rpartition("/")[2]


@dataclass(frozen=True)
class Root:
    """What a folder shows."""

    machine: Machine
    cards: tuple[CardShown, ...] = ()
    """In the kernel's order."""
    hat: Mapping[str, str] = field(default_factory=dict)
    """`vendor` and `product`, from the HAT's EEPROM."""
    absolute_links: bool = False
    """Links say where they lead from the top of the recorded system."""


def write(root: Root, folder: Path) -> None:
    """Write everything; `folder` is there and empty."""
    _write_asound(root, folder / "proc/asound")
    for number, card in enumerate(root.cards):
        _write_sysfs(root, folder, number, card)
    _write_device_tree(root, folder)
    _write_asound_state(root, folder / "var/lib/alsa/asound.state")


def put(path: Path, content: str | bytes) -> None:
    """Write a file with the folders above it; text gets its newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())


def link(path: Path, target: str) -> None:
    """Make a link with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _write_asound(root: Root, asound: Path) -> None:
    put(asound / "version", f"Advanced Linux Sound Architecture Driver Version k{root.machine.kernel}.")
    lines = [
        f"{number:2} [{card.id:<15}]: {card.driver[:DRIVER_MAX]} - {card.name[:SHORT_NAME_MAX]}\n"
        f"{'':22}{long_name(root.machine, card)}"
        for number, card in enumerate(root.cards)
    ]
    put(asound / "cards", "\n".join(lines) or "--- no soundcards ---")
    pcms = [
        f"{number:02}-{pcm.device:02}: {pcm.name} : {pcm.name} "
        + (f": playback {pcm.subdevices} " if pcm.playback else "")
        + (f": capture {pcm.subdevices} " if pcm.capture else "")
        for number, card in enumerate(root.cards)
        for pcm in card.pcms
    ]
    put(asound / "pcm", "\n".join(line.rstrip() for line in pcms)) if pcms else put(asound / "pcm", b"")
    for number, card in enumerate(root.cards):
        _write_card(root.machine, asound / f"card{number}", number, card)
        link(asound / card.id, f"card{number}")


def _write_card(machine: Machine, folder: Path, number: int, card: CardShown) -> None:
    put(folder / "id", card.id)
    for pcm in card.pcms:
        for letter, stream, there in (("c", "CAPTURE", pcm.capture), ("p", "PLAYBACK", pcm.playback)):
            if there:
                put(
                    folder / f"pcm{pcm.device}{letter}/info",
                    f"card: {number}\ndevice: {pcm.device}\nsubdevice: 0\nstream: {stream}\nid: {pcm.name}\n"
                    f"name: {pcm.name}\nsubname: subdevice #0\nclass: 0\nsubclass: 0\n"
                    f"subdevices_count: {pcm.subdevices}\nsubdevices_avail: {pcm.subdevices}",
                )
    if isinstance(card.on, Usb):
        put(folder / "usbid", card.on.id)
        put(folder / "usbbus", f"001/{number + 3:03}")
        put(folder / "stream0", _stream(machine, card, card.on))


def long_name(machine: Machine, card: CardShown) -> str:
    """The second line of a card in `cards`."""
    if card.long_name or not isinstance(card.on, Usb):
        return card.long_name or card.name
    named = f"{card.on.manufacturer} {card.name}".strip()
    return f"{named} at usb-{machine.usb_bus}-{card.port}, {card.on.speed}"[:LONG_NAME_MAX]


def _stream(machine: Machine, card: CardShown, usb: Usb) -> str:
    lines = [f"{long_name(machine, card)} : USB Audio"]
    for title, interface, settings in (("Playback", 1, usb.playback), ("Capture", 2, usb.capture)):
        if not settings:
            continue
        lines += ["", f"{title}:", "  Status: Stop"]
        for position, setting in enumerate(settings, 1):
            way = "IN" if title == "Capture" else "OUT"
            address = 0x80 + interface if title == "Capture" else interface
            kind = "ASYNC" if title == "Capture" else "ADAPTIVE"
            lines += [
                f"  Interface {interface}",
                f"    Altset {position}",
                f"    Format: {setting.format}",
                f"    Channels: {setting.channels}",
                f"    Endpoint: 0x{address:02x} ({interface} {way}) ({kind})",
                f"    Rates: {setting.rates}",
            ]
            if usb.speed == "high speed":
                lines.append("    Data packet interval: 1000 us")
            lines.append(f"    Bits: {''.join(filter(str.isdigit, setting.format.partition('_')[0]))}")
    return "\n".join(lines)


def _write_sysfs(root: Root, folder: Path, number: int, card: CardShown) -> None:
    device = device_path(root.machine, card)
    sound = f"{device}/sound/card{number}"
    put(folder / "sys" / sound / "id", card.id)
    for pcm in card.pcms:
        for letter, there in (("c", pcm.capture), ("p", pcm.playback)):
            if there:
                name = f"pcmC{number}D{pcm.device}{letter}"
                put(folder / "sys" / sound / name / "pcm_class", "generic")
    _link(root, folder, f"{sound}/device", device)
    _link(root, folder, f"class/sound/card{number}", sound)
    if isinstance(card.on, Usb):
        _write_usb(root, folder, device, card.on)
        return
    _link(root, folder, f"{device}/driver", f"bus/{card.on.bus}/drivers/{card.on.kernel_driver}")
    if card.on.compatible:
        node = f"firmware/devicetree/base/{card.on.path.rpartition(':')[2].rpartition('/')[2]}"
        put(folder / "sys" / node / "compatible", f"{card.on.compatible}\0".encode())
        _link(root, folder, f"{device}/of_node", node)


def _write_usb(root: Root, folder: Path, interface: str, usb: Usb) -> None:
    device = folder / "sys" / interface.rpartition("/")[0]
    vendor, _, product = usb.id.partition(":")
    told = {
        "idVendor": vendor,
        "idProduct": product,
        "manufacturer": usb.manufacturer,
        "product": usb.product,
        "serial": usb.serial,
    }
    for name, text in told.items():
        if text:
            put(device / name, text)
    _link(root, folder, f"{interface}/driver", "bus/usb/drivers/snd-usb-audio")


def device_path(machine: Machine, card: CardShown) -> str:
    """Where a card's device is under /sys; of a USB card, its first interface."""
    if isinstance(card.on, Platform):
        return f"devices/{card.on.path}"
    hubs = ["1-" + ".".join(card.port.split(".")[: depth + 1]) for depth in range(card.port.count(".") + 1)]
    return f"devices/{machine.usb_host}/usb1/{'/'.join(hubs)}/{hubs[-1]}:1.0"


def _link(root: Root, folder: Path, path: str, target: str) -> None:
    """A link under /sys, of places given below it."""
    if root.absolute_links:
        link(folder / "sys" / path, f"/sys/{target}")
    else:
        link(folder / "sys" / path, os.path.relpath(target, os.path.dirname(path)))  # noqa: PTH120 - not a file's


def _write_device_tree(root: Root, folder: Path) -> None:
    if not root.machine.model:
        return
    tree = folder / "sys/firmware/devicetree/base"
    put(tree / "model", f"{root.machine.model}\0".encode())
    for name, text in root.hat.items():
        put(tree / "hat" / name, f"{text}\0".encode())
    link(
        folder / "proc/device-tree",
        "/sys/firmware/devicetree/base" if root.absolute_links else "../sys/firmware/devicetree/base",
    )


def _write_asound_state(root: Root, path: Path) -> None:
    blocks = []
    for card in root.cards:
        if not card.controls:
            continue
        lines = [f"state.{card.id} {{"]
        for position, name in enumerate(card.controls, 1):
            kind = "BOOLEAN" if name.endswith("Switch") else "INTEGER"
            value = "true" if kind == "BOOLEAN" else "0"
            lines += [
                f"\tcontrol.{position} {{",
                "\t\tiface MIXER",
                f"\t\tname '{name}'" if " " in name else f"\t\tname {name}",
                f"\t\tvalue {value}",
                "\t\tcomment {",
                "\t\t\taccess 'read write'",
                f"\t\t\ttype {kind}",
                "\t\t\tcount 1",
                "\t\t}",
                "\t}",
            ]
        blocks.append("\n".join([*lines, "}"]))
    if blocks:
        put(path, "\n".join(blocks))
