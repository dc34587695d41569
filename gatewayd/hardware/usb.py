"""Resetting a USB device through the kernel's usbfs, for a microphone that unplugging would cure."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import DeviceDenied, DeviceError, DeviceLost, DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

USBDEVFS_RESET = 0x5514
"""`_IO('U', 20)` of linux/usbdevice_fs.h, as x86, ARM and RISC-V count."""
NUMBER_BYTES_MAX = 16
"""A sysfs file that holds a number is no longer than this."""

_PORT = re.compile(r"[0-9]+-[0-9]+(?:\.[0-9]+)*")
_OF_THE_RESET: Mapping[int, str] = {
    errno.ENODEV: "it was unplugged meanwhile, or came back as another device and is set up anew",
    errno.ENOTTY: "its node is no USB device's",
}


class UsbPorts:
    """Resets devices at USB ports; implements `seams.hardware.UsbPort`.

    Needs write permission for the device's node under /dev/bus/usb and no capability; a udev rule gives it, and in a
    unit with a closed device policy `DeviceAllow=char-usb_device rw`. `root` is where /sys and /dev are looked for.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    async def reset(self, path: str) -> None:
        """Reset the device at port `path`; see `seams.hardware.UsbPort`.

        The kernel sleeps while it resets, up to half a second and longer for a device that does not answer, and cannot
        be interrupted: that happens in a thread, and cancelling waits for its end.
        """
        await trio.to_thread.run_sync(_reset, self._root, path)


def _reset(root: Path, path: str) -> None:
    device = f"USB port {path}"
    node = _node(root, path, device)
    try:
        descriptor = os.open(node, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_opened(device, node, error) from None
    try:
        fcntl.ioctl(descriptor, USBDEVFS_RESET)
    except OSError as error:
        why = _OF_THE_RESET.get(error.errno or 0, "the kernel could not reset it")
        raise DeviceLost(device, f"{why} ({error.strerror})") from None
    finally:
        os.close(descriptor)


def _node(root: Path, path: str, device: str) -> Path:
    if not _PORT.fullmatch(path):
        raise DeviceMissing(device, "no such port; they are named like 1-1.2, as `gatewayd devices` shows")
    folder = root / "sys/bus/usb/devices" / path
    try:
        bus, number = (_number(folder / name) for name in ("busnum", "devnum"))
    except OSError:
        raise DeviceMissing(device, "nothing is plugged in there") from None
    except ValueError:
        raise DeviceMissing(device, f"{folder} tells neither bus nor device number") from None
    return root / f"dev/bus/usb/{bus:03d}/{number:03d}"


def _number(file: Path) -> int:
    with file.open("rb") as opened:
        return int(opened.read(NUMBER_BYTES_MAX))


def _not_opened(device: str, node: Path, error: OSError) -> DeviceError:
    if error.errno == errno.EACCES:
        return DeviceDenied(
            device,
            f"no permission to reset it: {node} is not writable for this user; a udev rule permits it to a group, such "
            'as SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ENV{ID_USB_INTERFACES}=="*:0101*", GROUP="audio", '
            'MODE="0664"',
        )
    if error.errno == errno.EPERM:
        return DeviceDenied(
            device, "no permission to reset it: the systemd unit needs `DeviceAllow=char-usb_device rw`"
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceMissing(device, f"{node} is not there: it was unplugged meanwhile, or /dev/bus/usb is hidden here")
    return DeviceLost(device, f"{node} cannot be opened ({error.strerror})")
