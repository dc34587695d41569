"""Resetting USB devices, as far as files can tell; a real device takes a machine with one."""

from __future__ import annotations

import fcntl
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.errors import DeviceDenied, DeviceLost, DeviceMissing
from gatewayd.hardware.usb import UsbPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

FS_IOC_SETFLAGS, FS_IMMUTABLE_FL = 0x40086602, 0x10
"""From linux/fs.h."""


def plug_in(root: Path, port: str, *, bus: str = "1\n", number: str = "4\n") -> Path:
    """A device as sysfs tells of it; its node, which is left to the test."""
    folder = root / "sys/bus/usb/devices" / port
    folder.mkdir(parents=True)
    (folder / "busnum").write_text(bus)
    (folder / "devnum").write_text(number)
    node = root / "dev/bus/usb/001/004"
    node.parent.mkdir(parents=True)
    return node


async def test_nothing_is_plugged_in(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match=r"USB port 1-1\.2: nothing is plugged in there"):
        await UsbPorts(tmp_path).reset("1-1.2")


@pytest.mark.parametrize(
    "port", ["", "usb1", "1-1.2:1.0", "../../../../dev", "1-1.2\n", "\N{ARABIC-INDIC DIGIT ONE}-1"]
)
async def test_what_is_no_port_is_not_looked_for(tmp_path: Path, port: str) -> None:
    with pytest.raises(DeviceMissing, match=r"they are named like 1-1\.2"):
        await UsbPorts(tmp_path).reset(port)


async def test_its_node_is_gone(tmp_path: Path) -> None:
    plug_in(tmp_path, "1-1.2")
    with pytest.raises(DeviceMissing, match=r"dev/bus/usb/001/004 is not there: it was unplugged meanwhile"):
        await UsbPorts(tmp_path).reset("1-1.2")


async def test_a_node_that_is_no_usb_device_refuses(tmp_path: Path) -> None:
    plug_in(tmp_path, "1-1.2").touch()
    with pytest.raises(DeviceLost, match="its node is no USB device's"):
        await UsbPorts(tmp_path).reset("1-1.2")


async def test_a_node_that_is_no_file_at_all(tmp_path: Path) -> None:
    plug_in(tmp_path, "1-1.2").mkdir()
    with pytest.raises(DeviceLost, match=r"cannot be opened \(Is a directory\)"):
        await UsbPorts(tmp_path).reset("1-1.2")


RESET_AS_SOMEBODY = """
import os, sys, pathlib, trio
from gatewayd.errors import DeviceError
from gatewayd.hardware.usb import UsbPorts
if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
try:
    trio.run(UsbPorts(pathlib.Path(".")).reset, "1-1.2")
except DeviceError as error:
    print(type(error).__name__, error)
"""


def test_a_user_without_permission_is_told_what_would_give_it(tmp_path: Path) -> None:
    node = plug_in(tmp_path, "1-1.2")
    node.touch()
    node.chmod(0o444)
    tmp_path.chmod(0o755)  # a process that starts in it needs no way to it
    said = subprocess.run(
        [sys.executable, "-c", RESET_AS_SOMEBODY], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert said.startswith(f"{DeviceDenied.__name__} USB port 1-1.2: no permission to reset it: dev/bus/usb/001/004")
    assert 'GROUP="audio"' in said


async def test_a_device_policy_that_forbids_it_is_named(tmp_path: Path) -> None:
    node = plug_in(tmp_path, "1-1.2")
    node.touch()
    with immutable(node), pytest.raises(DeviceDenied, match="`DeviceAllow=char-usb_device rw`"):
        await UsbPorts(tmp_path).reset("1-1.2")


@contextmanager
def immutable(file: Path) -> Iterator[None]:
    """While inside, opening for writing fails with EPERM, as a device policy lets it."""

    def set_flags(flags: int) -> None:
        with file.open("rb") as opened:
            fcntl.ioctl(opened, FS_IOC_SETFLAGS, struct.pack("l", flags))

    try:
        set_flags(FS_IMMUTABLE_FL)
    except OSError as error:
        pytest.skip(f"no file can be made immutable here: {error.strerror}")
    try:
        yield
    finally:
        set_flags(0)


async def test_numbers_that_make_no_sense_are_a_missing_device(tmp_path: Path) -> None:
    plug_in(tmp_path, "1-1.2", bus="one\n")
    with pytest.raises(DeviceMissing, match="tells neither bus nor device number"):
        await UsbPorts(tmp_path).reset("1-1.2")


@settings(max_examples=40)  # each makes files and starts an event loop
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_sysfs_holds_it_is_a_missing_device(bus: bytes, number: bytes) -> None:
    with TemporaryDirectory() as folder:
        plug_in(Path(folder), "1-1.2", bus=bus.decode("latin-1"), number=number.decode("latin-1")).parent.rmdir()
        with pytest.raises(DeviceMissing):
            trio.run(UsbPorts(Path(folder)).reset, "1-1.2")
