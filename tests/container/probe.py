"""What a process can do, tried: run in the daemon's sandbox, and outside of it to show that each attempt is a real one.

Debian's Python runs it in the device, where nothing of this project can be imported. Prints one JSON object: for each
attempt the name of the error it met, "" where it succeeded.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_FOLDER, HOME_FILE, DEVICE_NODE = "/srv/open", "/home/person/letter", "/dev/probed"
"""Anybody may write to the first and read the second; the third is a device node that has nothing to do with sound."""
_CLONE_NEWUSER, _CLONE_NEWNET, _ADDR_NO_RANDOMIZE, _SETUID = 0x10000000, 0x40000000, 0x0040000, 0o4755
_libc = ctypes.CDLL(None, use_errno=True)


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")


def _read(path: str) -> None:
    with Path(path).open("rb") as file:
        file.read(1)


def _write(folder: str) -> None:
    path = Path(folder, f"probed-{os.getpid()}")
    path.touch()
    path.unlink()


def _make_folder(within: str) -> None:
    path = Path(within, "probed")
    path.mkdir()
    path.rmdir()


def _set_user_id_bit() -> None:
    path = Path("/tmp", f"probed-{os.getpid()}")
    path.touch()
    try:
        path.chmod(_SETUID)
    finally:
        path.unlink()


def _open_device() -> None:
    os.close(os.open(DEVICE_NODE, os.O_RDWR))


FORBIDDEN: dict[str, Callable[[], object]] = {
    "read a file below /home": lambda: _read(HOME_FILE),
    "read /etc/shadow": lambda: _read("/etc/shadow"),
    "write to a folder that is open to all": lambda: _write(OPEN_FOLDER),
    "write to /etc/gatewayd": lambda: _write("/etc/gatewayd"),
    "write to the control groups": lambda: _make_folder("/sys/fs/cgroup"),
    "see the system's first process": lambda: _read("/proc/1/status"),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
    "open a device that is no sound card": _open_device,
    "make a namespace for users": lambda: _call(_libc.unshare, _CLONE_NEWUSER),
    "make a namespace for networks": lambda: _call(_libc.unshare, _CLONE_NEWNET),
    "mount": lambda: _call(_libc.mount, b"none", b"/mnt", b"tmpfs", 0, None),
    "set the host name": lambda: socket.sethostname(socket.gethostname()),
    "make memory writable and executable": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ).close(),
    "change the personality": lambda: _call(_libc.personality, _ADDR_NO_RANDOMIZE),
    "set the set-user-ID bit": _set_user_id_bit,
    "take a higher priority": lambda: os.nice(-1),
}
ALLOWED: dict[str, Callable[[], object]] = {
    "write to the runtime folder": lambda: _write("/run/gatewayd"),
    "write to the state folder": lambda: _write("/var/lib/gatewayd"),
    "write to /tmp": lambda: _write("/tmp"),
    "read the configuration": lambda: _read("/etc/gatewayd/gatewayd.toml"),
    "open a TCP socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
    "open /dev/null": lambda: _read("/dev/null"),
}


def attempt(action: Callable[[], object]) -> str:
    """The error's name that `action` meets, in a process of its own, which may change what it likes about itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        met = ""
        try:
            action()
        except OSError as error:
            met = errno.errorcode.get(error.errno or 0, str(error))
        os.write(writing, met.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        met = told.read()
    _, status = os.waitpid(child, 0)
    return met if status == 0 else f"ended by {status}"


def main() -> None:
    """Try everything."""
    json.dump({name: attempt(action) for name, action in {**FORBIDDEN, **ALLOWED}.items()}, sys.stdout)


if __name__ == "__main__":
    main()
