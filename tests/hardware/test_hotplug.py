"""News of hardware from the real kernel, and from a udev daemon as it speaks on netlink."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.hardware.hotplug import KernelNews

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK = Path("/sys/devices/virtual/net/lo/uevent")
"""Written to, the kernel tells of a change in subsystem `net`: the one subsystem that every machine has a device of."""
NULL = Path("/sys/devices/virtual/mem/null/uevent")
"""The same for subsystem `mem`."""
SETTLE_S = {"udev": 0.0, "kernel": 0.0}

kernel_tells = pytest.mark.skipif(
    not os.access(LOOPBACK, os.W_OK), reason="/sys is not writable: no uevent can be made"
)


def make_uevent(device: Path) -> None:
    device.write_text("change")


@pytest.fixture
async def news(nursery: trio.Nursery) -> AsyncIterator[KernelNews]:
    listening = KernelNews("net", settle_s=SETTLE_S)
    await nursery.start(listening.run)
    yield listening
    nursery.cancel_scope.cancel()


@kernel_tells
async def test_every_waiting_task_hears_of_a_change(news: KernelNews) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as waiting:
            for _ in range(3):
                waiting.start_soon(news.changed)
            await trio.testing.wait_all_tasks_blocked()
            make_uevent(LOOPBACK)


@kernel_tells
async def test_only_what_happens_after_the_call_counts(news: KernelNews) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(news.changed)
            await trio.testing.wait_all_tasks_blocked()
            make_uevent(LOOPBACK)
    with trio.move_on_after(0.05) as scope:
        await news.changed()
    assert scope.cancelled_caught


@kernel_tells
async def test_other_hardware_is_no_news(news: KernelNews) -> None:
    with trio.move_on_after(0.05) as scope:
        async with trio.open_nursery() as waiting:
            waiting.start_soon(news.changed)
            await trio.testing.wait_all_tasks_blocked()
            make_uevent(NULL)
    assert scope.cancelled_caught


@kernel_tells
async def test_an_overrun_is_news_and_listening_goes_on(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "gatewayd")
    listening = KernelNews("net", settle_s=SETTLE_S, buffer_bytes=1)  # the kernel makes it its smallest, some 2 KB
    await nursery.start(listening.run)
    for burst in (100, 1):
        with trio.fail_after(10):
            async with trio.open_nursery() as waiting:
                waiting.start_soon(listening.changed)
                await trio.testing.wait_all_tasks_blocked()
                for _ in range(burst):
                    make_uevent(LOOPBACK)
        await trio.testing.wait_all_tasks_blocked()  # what is left of the burst is no news of the next
    assert caplog.messages == ["more news of hardware came than the kernel's buffer holds"]
    nursery.cancel_scope.cancel()


@kernel_tells
async def test_a_burst_is_told_once_it_has_settled(nursery: trio.Nursery, mock_clock: trio.testing.MockClock) -> None:
    listening = KernelNews("net", settle_s={"kernel": 0.5})
    await nursery.start(listening.run)
    told: list[float] = []

    async def note() -> None:
        while True:
            await listening.changed()
            told.append(trio.current_time())

    nursery.start_soon(note)
    await trio.testing.wait_all_tasks_blocked()
    start = trio.current_time()
    for seconds in (0.25, 0.25, 0.25, 0.25):
        make_uevent(LOOPBACK)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(seconds)
        await trio.testing.wait_all_tasks_blocked()

    assert [moment - start for moment in told] == [0.5, 1.0]
    nursery.cancel_scope.cancel()


async def test_what_udev_says_after_its_rules_is_heard(nursery: trio.Nursery) -> None:
    listening = KernelNews("sound", settle_s={"udev": 0.0})
    await nursery.start(listening.run)
    with trio.fail_after(10):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(listening.changed)
            await trio.testing.wait_all_tasks_blocked()
            say_as_udev(ACTION="add", DEVPATH="/devices/soc/sound/card1", SUBSYSTEM="sound", SEQNUM="1")
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "message",
    [b"", b"\0", b"no property\0", b"ACTION=add\0", b"ACTION=add\0DEVPATH=/devices/card1\0SUBSYSTEM=sound\0SEQNUM=x\0",
     b"\xff" * 500, b"=\0" * 1000],
)  # fmt: skip
async def test_what_nobody_can_read_is_passed_over(nursery: trio.Nursery, message: bytes) -> None:
    listening = KernelNews("sound", settle_s={"udev": 0.0})
    await nursery.start(listening.run)
    send_as_udev(message, subsystem="sound")
    await trio.testing.wait_all_tasks_blocked()
    with trio.fail_after(10):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(listening.changed)
            await trio.testing.wait_all_tasks_blocked()
            say_as_udev(ACTION="remove", DEVPATH="/devices/soc/sound/card1", SUBSYSTEM="sound", SEQNUM="2")
    nursery.cancel_scope.cancel()


@kernel_tells
async def test_a_socket_that_breaks_ends_the_news_and_nothing_else(
    nursery: trio.Nursery, mock_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    listening = KernelNews("net", settle_s={"kernel": 0.5})
    others = open_sockets()
    await nursery.start(listening.run)
    [descriptor] = open_sockets() - others
    make_uevent(LOOPBACK)
    await trio.testing.wait_all_tasks_blocked()
    put_a_file_in_place_of(descriptor)
    mock_clock.jump(0.5)
    await trio.testing.wait_all_tasks_blocked()
    [said] = caplog.messages
    assert said.startswith("no news of sound hardware that comes or goes can be had from the kernel (Socket operation")
    nursery.cancel_scope.cancel()


def put_a_file_in_place_of(descriptor: int) -> None:
    with Path("/proc/self/status").open("rb") as file:
        os.dup2(file.fileno(), descriptor)


def open_sockets() -> set[int]:
    return {
        int(entry.name)
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink() and str(entry.readlink()).startswith("socket:")
    }


NETLINK_KOBJECT_UEVENT = 15
UDEV_GROUP = 2


def say_as_udev(**properties: str) -> None:
    """Send what udevd sends once its rules have run."""
    text = "".join(f"{name}={value}\0" for name, value in properties.items())
    send_as_udev(text.encode(), subsystem=properties["SUBSYSTEM"])


def send_as_udev(message: bytes, *, subsystem: str) -> None:
    """Send a message under the header that udevd gives it, and the kernel's filters look at."""
    if not Path("/run/udev/control").exists() and not _is_devtmpfs(Path("/dev")):
        pytest.skip("neither a running udevd nor a devtmpfs on /dev: libudev does not listen to udev here")
    header_bytes = 40
    numbers = (
        socket.htonl(0xFEEDCAFE), header_bytes, header_bytes, len(message), socket.htonl(_murmur2(subsystem.encode())),
        0, 0, 0,
    )  # fmt: skip
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as udev:
        udev.bind((0, 0))
        try:
            udev.sendto(struct.pack("8s8I", b"libudev\0", *numbers) + message, (0, UDEV_GROUP))
        except PermissionError:
            pytest.skip("only root may speak as udev does")


def _is_devtmpfs(path: Path) -> bool:
    return any(line.split()[1:3] == [str(path), "devtmpfs"] for line in Path("/proc/mounts").read_text().splitlines())


def _murmur2(key: bytes) -> int:
    """MurmurHash2 by Austin Appleby, seed 0: by it the kernel's filter knows a subsystem."""
    multiplier, word = 0x5BD1E995, 0xFFFFFFFF
    value = len(key)
    whole = len(key) - len(key) % 4
    for (part,) in struct.iter_unpack("<I", key[:whole]):
        mixed = part * multiplier & word
        mixed = (mixed ^ mixed >> 24) * multiplier & word
        value = value * multiplier & word ^ mixed
    if rest := key[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * multiplier & word
    value = (value ^ value >> 13) * multiplier & word
    return value ^ value >> 15


FORBIDDEN = """
import ctypes, logging, platform, struct, sys
import trio
from gatewayd.hardware.hotplug import KernelNews

# What a unit's RestrictAddressFamilies= and SystemCallFilter= do: one system call fails, by a seccomp filter.
numbers = {"x86_64": {"socket": 41, "execve": 59}, "aarch64": {"socket": 198, "execve": 221}}
number = numbers.get(platform.machine(), {}).get(sys.argv[1])
if number is None:
    sys.exit(77)
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16
AF_NETLINK, EAFNOSUPPORT, EPERM = 16, 97, 1
ALLOW, FAIL = 0x7FFF0000, 0x00050000
program = [(LOAD, 0, 0, NUMBER_AT), (JUMP_EQUAL, 0, 3, number)]
if sys.argv[1] == "socket":
    program += [(LOAD, 0, 0, FIRST_ARGUMENT_AT), (JUMP_EQUAL, 0, 1, AF_NETLINK), (RETURN, 0, 0, FAIL | EAFNOSUPPORT)]
else:
    program += [(RETURN, 0, 0, FAIL | EPERM)] * 3
program += [(RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
filtered = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filtered, 0, 0):
    sys.exit(77)

async def main():
    news = KernelNews()
    async with trio.open_nursery() as nursery:
        await nursery.start(news.run)
        with trio.move_on_after(0.2):
            await news.changed()
        print("still running")
        nursery.cancel_scope.cancel()

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
trio.run(main)
"""


@pytest.mark.parametrize(
    ("forbidden", "reason"),
    [("socket", "Address family not supported by protocol"), ("execve", "No library named udev")],
    ids=["no netlink in the sandbox", "libudev cannot be found"],
)
def test_without_news_it_says_so_once_and_goes_on(forbidden: str, reason: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", FORBIDDEN, forbidden], capture_output=True, text=True, check=False, timeout=60
    )
    if child.returncode == 77:
        pytest.skip("no seccomp filter can be set here")
    assert child.stderr == ""
    said, after = child.stdout.splitlines()
    assert said == (
        f"WARNING no news of sound hardware that comes or goes can be had from the kernel ({reason}); it is looked for "
        "every few seconds instead"
    )
    assert after == "still running"


async def test_cancelled_it_leaves_no_descriptor_behind() -> None:
    def descriptors() -> set[str]:
        return {entry.name for entry in Path("/proc/self/fd").iterdir()}

    async def listen_for_a_while() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(KernelNews("net").run)
            nursery.cancel_scope.cancel()

    await listen_for_a_while()
    before = len(descriptors())
    for _ in range(20):
        await listen_for_a_while()
    assert len(descriptors()) == before
