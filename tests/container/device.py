"""The device under test: the package installed in a running Debian, two software sound cards, and what it says."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import GatewayError
from tests.softcard.card import CONFIGURATION as SOUND_CONFIGURATION
from tests.softcard.card import LIBRARY, SoundRack, StreamDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.debian import Finished
    from tests.container.machine import Machine
    from tests.container.voice import VoiceService
    from tests.softcard.card import SoftCard

UNIT = "gatewayd.service"
SOCKET = "/run/gatewayd/control.sock"
CONFIGURATION = "/etc/gatewayd/gatewayd.toml"
CREDENTIAL_NAME, CREDENTIAL_FILE = "device-key", "/etc/gatewayd/device-key"
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
SOUND = "/srv/sound"
"""Where the software sound cards are in the device. The real unit knows nothing of them: a drop-in lets it in."""
_SOUND_DROP_IN = f"[Service]\nEnvironment=ALSA_CONFIG_PATH={SOUND}/asound.conf\nReadWritePaths={SOUND}\n"
_CARDS = {
    "lobby": ("Array", StreamDefinition(formats=("S32_LE",), rates_hz=(48_000,), channels=(2,))),
    "door": ("Device", StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))),
}
STATIONS = tuple(_CARDS)


class Device:
    """gatewayd on a machine."""

    def __init__(self, machine: Machine, rack: SoundRack) -> None:
        self.machine = machine
        self._rack = rack
        self.cards: dict[str, SoftCard] = {}
        """By the station that uses them."""

    def run(self, *command: str, limit_s: float = 60.0, given: str = "") -> Finished:
        """Run a command as root in the device; `given` is its standard input."""
        return self.machine.run(*command, limit_s=limit_s, given=given)

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file of root's."""
        file = self.machine.inside(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode)
        file.write_text(text)
        file.chmod(mode)

    def drop_in(self, name: str, text: str | None) -> None:
        """Add a drop-in to the unit, or take it away again with None; systemd reads it at once."""
        if text is None:
            self.machine.inside(f"{DROP_INS}/{name}.conf").unlink()
        else:
            self.write(f"{DROP_INS}/{name}.conf", text)
        self.run("systemctl", "daemon-reload")

    def properties(self, *names: str) -> dict[str, str]:
        """Properties of gatewayd's unit."""
        return dict(self.machine.properties(UNIT, *names))

    def main_process(self) -> int:
        """The number of the daemon, as this machine knows it; 0 while there is none."""
        number = int(self.properties("MainPID")["MainPID"])
        try:
            return self.machine.outside_number(number) if number else 0
        except LookupError:
            return 0

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself; {} while nobody answers."""
        with suppress(GatewayError, OSError):
            return self.ask(Command.STATUS)
        return {}

    def ask(self, command: Command, station: str | None = None) -> dict[str, Any]:
        """Ask the daemon for something, without starting a program for it. Raises `GatewayError`."""
        return request(self.machine.inside(SOCKET), command, station)

    def station(self, name: str) -> dict[str, Any]:
        """What it says of a station; {} if nothing."""
        found: dict[str, Any] = self.status().get("stations", {}).get(name, {})
        return found

    def ready_stations(self) -> list[str]:
        """The stations whose agents are ready."""
        stations = self.status().get("stations", {})
        return [name for name in stations if stations[name]["state"] == "agent_ready"]

    def conversing(self) -> bool:
        """Whether all agents are ready."""
        return sorted(self.ready_stations()) == sorted(STATIONS)

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The journal's records of the unit, oldest first, with the fields given."""
        told = self.run("journalctl", "--output=json", f"--unit={UNIT}", *matches).stdout
        return [json.loads(line) for line in told.splitlines()]

    def plug_in_sound(self) -> None:
        """Give the device its cards, whose microphones hear noise; the package must be installed."""
        noise = np.random.default_rng(1).integers(-9000, 9000, 480_000)
        for station, (name, definition) in _CARDS.items():
            card = self._rack.plug_in(name, definition)
            wide = definition.formats == ("S32_LE",)
            card.play_in((noise * 65_536).astype("<i4").tobytes() if wide else noise.astype("<i2").tobytes())
            self.cards[station] = card
        shutil.copyfile(LIBRARY, self._rack.root / LIBRARY.name)
        text = SOUND_CONFIGURATION.read_text().replace("@LIBRARY@", f"{SOUND}/{LIBRARY.name}").replace("@ROOT@", SOUND)
        self._rack.configuration.write_text(text)
        user, group = (int(self.run("id", f"--{what}", "gatewayd").stdout) for what in ("user", "group"))
        for path in (self._rack.root, *self._rack.root.rglob("*")):
            os.chown(path, user, group)
        self.drop_in("sound", _SOUND_DROP_IN)

    def configure(self, voice: VoiceService, **overrides: str) -> None:
        """Write the configuration, in place of the shipped one; more lines for a station's capture come by its name."""
        shutil.copyfile(voice.ca_file, self.machine.inside("/etc/gatewayd/ca.pem"))
        addresses = voice.addresses
        text = f"""
            [agent]
            url = "{addresses["ws_url"]}"
            ca_file = "/etc/gatewayd/ca.pem"
            [agent.token]
            url = "{addresses["token_url"]}"
            credential = "{CREDENTIAL_NAME}"
            [agent.heartbeat]
            url = "{addresses["heartbeat_url"]}"
            interval_s = 2
            [agent.backoff]
            startup_spread_s = 0
            cap_s = 4
            """
        for station, (name, definition) in _CARDS.items():
            text += f"""
            [stations.{station}.capture]
            device = "hw:CARD={name},DEV=0"
            format = "{definition.formats[0]}"
            rate_hz = {definition.rates_hz[0]}
            channels = {definition.channels[0]}
            {overrides.get(station, "")}
            """
        self.write(CONFIGURATION, text)


def make_rack(folder: Path) -> SoundRack:
    """Where the device's sound cards will be: bind it to `SOUND`."""
    folder.mkdir()
    return SoundRack(folder)
