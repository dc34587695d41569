"""A wire between two network namespaces: the device has one end, the voice service the other, and that is all.

Neither namespace is this machine's own, so whatever addresses it uses do not matter. Needs root and iproute2.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICE_ADDRESS, SERVICE_ADDRESS = "198.18.0.2", "198.18.0.1"
"""Set aside for the testing of networks (RFC 2544)."""
_PREFIX = 30
_DEVICE_END, _SERVICE_END = "device", "service"


@dataclass(frozen=True)
class Network:
    """The names of the two namespaces."""

    device: str
    service: str

    @property
    def device_path(self) -> Path:
        """What systemd-nspawn takes as the device's network."""
        return Path("/run/netns") / self.device

    def entered_by_service(self, *command: str) -> list[str]:
        """`command`, as it runs at the service's end."""
        return ["ip", "netns", "exec", self.service, *command]

    def connect(self) -> None:
        """Plug the wire in; nothing happens if it is."""
        _ip("-n", self.service, "link", "set", _SERVICE_END, "up")

    def disconnect(self) -> None:
        """Pull it out at the service's end: the device loses its carrier and nothing else."""
        _ip("-n", self.service, "link", "set", _SERVICE_END, "down")


@contextmanager
def private_network() -> Iterator[Network]:
    """Lay the wire, not yet plugged in; with the namespaces goes everything in them."""
    network = Network(f"gatewayd-device-{os.getpid()}", f"gatewayd-service-{os.getpid()}")
    with ExitStack() as stack:
        for name in (network.device, network.service):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
        ends = ("type", "veth", "peer", "name", _DEVICE_END, "netns", network.device)
        _ip("-n", network.service, "link", "add", _SERVICE_END, *ends)
        _ip("-n", network.service, "address", "add", f"{SERVICE_ADDRESS}/{_PREFIX}", "dev", _SERVICE_END)
        _ip("-n", network.device, "address", "add", f"{DEVICE_ADDRESS}/{_PREFIX}", "dev", _DEVICE_END)
        _ip("-n", network.device, "link", "set", _DEVICE_END, "up")
        yield network


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL, timeout=10)
