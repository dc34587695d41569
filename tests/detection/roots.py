"""Writes small roots: the files of a device's /proc and /sys that tell of its sound cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DONGLE_STREAM = """\
C-Media Electronics Inc. USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S16_LE
    Channels: 2
    Endpoint: 0x01 (1 OUT) (ADAPTIVE)
    Rates: 48000, 44100
    Bits: 16
    Channel map: FL FR

Capture:
  Status: Running
    Interface = 2
    Altset = 1
    Packet Size = 96
    Momentary freq = 48000 Hz (0x30.0000)
  Interface 2
    Altset 1
    Format: S16_LE
    Channels: 1
    Endpoint: 0x82 (2 IN) (ASYNC)
    Rates: 48000, 44100
    Bits: 16
    Channel map: MONO
"""


@dataclass(frozen=True)
class Dongle:
    """A C-Media dongle, as a Pi 4 shows it."""

    number: int = 1
    port: str = "1.2"
    id: str = "Device"
    usb_id: str = "0d8c:013c"
    name: str = "USB PnP Sound Device"

    @property
    def lines(self) -> str:
        """Its two lines of /proc/asound/cards."""
        return (
            f"{self.number:2} [{self.id:15}]: USB-Audio - {self.name}\n"
            f"                      C-Media {self.name} at usb-0000:01:00.0-{self.port}, full speed\n"
        )

    def plug_in(self, root: Path) -> None:
        """Write its folders, as links like the kernel's."""
        vendor, _, product = self.usb_id.partition(":")
        usb = f"sys/devices/platform/scb/usb1/1-1/1-{self.port}"
        interface = f"{usb}/1-{self.port}:1.0"
        write(root, f"{usb}/idVendor", f"{vendor}\n")
        write(root, f"{usb}/idProduct", f"{product}\n")
        write(root, f"{usb}/manufacturer", "C-Media Electronics Inc.\n")
        write(root, f"{usb}/product", f"{self.name}\n")
        write(root, f"{interface}/sound/card{self.number}/id", f"{self.id}\n")
        link(root, f"{interface}/driver", "../../../../../../bus/usb/drivers/snd-usb-audio")
        link(root, f"{interface}/sound/card{self.number}/device", "../..")
        place = f"devices/platform/scb/usb1/1-1/1-{self.port}/1-{self.port}:1.0/sound/card{self.number}"
        link(root, f"sys/class/sound/card{self.number}", f"../../{place}")
        write(root, f"proc/asound/card{self.number}/id", f"{self.id}\n")
        write(root, f"proc/asound/card{self.number}/usbid", f"{self.usb_id}\n")
        write(root, f"proc/asound/card{self.number}/usbbus", "001/004\n")
        write(root, f"proc/asound/card{self.number}/stream0", DONGLE_STREAM)


def write(root: Path, place: str, content: str | bytes) -> None:
    """A file below `root`, with its folders."""
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def link(root: Path, place: str, target: str) -> None:
    """A symbolic link below `root`, whether there is something at its end or not."""
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def write_pi(root: Path, *dongles: Dongle) -> None:
    """A Pi 4 with its headphone socket as card 0, and `dongles`."""
    headphones = (
        " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n                      bcm2835 Headphones\n"
    )
    write(root, "proc/asound/cards", headphones + "".join(dongle.lines for dongle in dongles))
    pcm = "00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8\n"
    pcm += "".join(f"{dongle.number:02}-00: USB Audio : USB Audio : playback 1 : capture 1\n" for dongle in dongles)
    write(root, "proc/asound/pcm", pcm)
    write(root, "sys/devices/platform/bcm2835-audio/sound/card0/id", "Headphones\n")
    link(root, "sys/devices/platform/bcm2835-audio/sound/card0/device", "../..")
    link(root, "sys/class/sound/card0", "../../devices/platform/bcm2835-audio/sound/card0")
    link(root, "proc/device-tree", "/sys/firmware/devicetree/base")
    write(root, "sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    for dongle in dongles:
        dongle.plug_in(root)
