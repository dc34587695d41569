"""A link that really loses packets: three network namespaces in a row, of which the middle one forwards, or does not.

    device 10.213.1.2 ── veth ── router ── veth ── 10.213.2.2 service

A router that does not forward drops in silence, and both ends keep their carrier: what a dead uplink looks like from a
kiosk. The namespaces have no name; they live in file descriptors of this process, and so go however it ends.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLONE_NEWNET = 0x40000000
"""sched.h"""
DEVICE, SERVICE = "10.213.1.2", "10.213.2.2"
GATEWAYS = {DEVICE: "10.213.1.1", SERVICE: "10.213.2.1"}
COMMAND_LIMIT_S = 10.0
"""For one `ip` command."""
_PROGRAMS = ("ip", "nsenter")
_libc = ctypes.CDLL(None, use_errno=True)


class NoNamespaces(Exception):
    """This machine or user cannot make network namespaces; says why."""


@dataclass(frozen=True)
class Namespace:
    """A network, held by a file descriptor."""

    descriptor: int

    @property
    def prefix(self) -> tuple[str, ...]:
        """Put before a command, it runs it in there."""
        return ("nsenter", f"--net=/proc/{os.getpid()}/fd/{self.descriptor}", "--")

    def run(self, *command: str) -> None:
        subprocess.run([*self.prefix, *command], check=True, timeout=COMMAND_LIMIT_S, capture_output=True)

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """A socket that belongs to this network, whoever uses it."""
        made: list[socket.socket] = []

        def make() -> None:
            _check(_libc.setns(self.descriptor, CLONE_NEWNET))
            made.append(socket.socket(family, kind, protocol))

        _in_thread(make)
        return made[0]


class LossyLink:
    """Both ends, and whether anything passes between them."""

    def __init__(self, device: Namespace, router: Namespace, service: Namespace) -> None:
        self.device = device
        self.service = service
        self._router = router
        _cable(device, DEVICE, router)
        _cable(service, SERVICE, router)
        self.pass_packets()

    def drop_packets(self) -> None:
        """From now on every packet is lost, both ways."""
        self._forward("0")

    def pass_packets(self) -> None:
        """From now on packets pass again."""
        self._forward("1")

    @contextmanager
    def dead(self) -> Iterator[None]:
        """While inside, every packet is lost."""
        self.drop_packets()
        try:
            yield
        finally:
            self.pass_packets()

    def listen(self) -> trio.SocketListener:
        """A listener at the service's end, on any free port."""
        listening = self.service.socket()
        listening.bind((SERVICE, 0))
        listening.listen()
        listening.setblocking(False)
        return trio.SocketListener(trio.socket.from_stdlib_socket(listening))

    def _forward(self, value: str) -> None:
        self._router.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv4/ip_forward")


class DeviceSockets(trio.abc.SocketFactory):
    """Lets all sockets that trio makes from now on be at the device's end."""

    def __init__(self, link: LossyLink) -> None:
        self._link = link

    def socket(
        self,
        family: int | None = None,
        type: int | None = None,  # noqa: A002 - its name there
        proto: int | None = None,
    ) -> trio.socket.SocketType:
        """See trio.abc.SocketFactory."""
        made = self._link.device.socket(family or socket.AF_INET, type or socket.SOCK_STREAM, proto or 0)
        made.setblocking(False)
        return trio.socket.from_stdlib_socket(made)


@contextmanager
def lossy_link() -> Iterator[LossyLink]:
    """Make one. Raises `NoNamespaces` where that cannot be done."""
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise NoNamespaces(f"the program `{program}` is missing")
    with ExitStack() as held:
        spaces = []
        for _ in range(3):
            spaces.append(_new_namespace())
            held.callback(os.close, spaces[-1].descriptor)
        try:
            link = LossyLink(*spaces)
        except subprocess.CalledProcessError as error:
            raise NoNamespaces(f"a namespace cannot be set up: {error.stderr.decode().strip()}") from None
        yield link


def _cable(end: Namespace, address: str, router: Namespace) -> None:
    gateway = GATEWAYS[address]
    port = "to" + address.split(".")[2]
    far = f"/proc/{os.getpid()}/fd/{end.descriptor}"
    router.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", far)
    router.run("ip", "addr", "add", f"{gateway}/24", "dev", port)
    router.run("ip", "link", "set", port, "up")
    end.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    end.run("ip", "link", "set", "lo", "up")
    end.run("ip", "link", "set", "eth0", "up")
    end.run("ip", "route", "add", "default", "via", gateway)


def _new_namespace() -> Namespace:
    made: list[Namespace] = []

    def make() -> None:
        _check(_libc.unshare(CLONE_NEWNET))
        made.append(Namespace(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)))

    _in_thread(make)
    return made[0]


def _in_thread(make: Callable[[], None]) -> None:
    """A thread can change its own network without changing the process's; it is over when this returns."""
    refusals: list[OSError] = []

    def run() -> None:
        try:
            make()
        except OSError as error:
            refusals.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if refusals:
        raise NoNamespaces(f"no network namespace can be made: {refusals[0].strerror} (it takes root)")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
