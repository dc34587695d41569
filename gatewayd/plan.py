"""What the daemon is to run, as its files say it now; and what of that differs from what it runs."""

from __future__ import annotations

import hashlib
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.cloud.tls import make_tls_context
from gatewayd.configuration.load import load
from gatewayd.configuration.model import HeartbeatConfiguration
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.hardware.resolve import check_stations, names_everything
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from gatewayd.configuration.model import AgentConfiguration, Configuration, StationConfiguration
    from gatewayd.hardware.profile import Profile


@dataclass(frozen=True)
class Plan:
    """A whole, valid configuration with all that it names."""

    configuration: Configuration
    profiles: Mapping[str, Profile]
    """By their names."""
    tls_files: tuple[str, ...]
    """Digests of the files in PEM format that the configuration names, which may change while their names do not."""
    tls_context: ssl.SSLContext = field(compare=False)

    @property
    def link(self) -> tuple[AgentConfiguration, tuple[str, ...]]:
        """All that a session is made from. The heartbeat asks over the same link, and is no part of it."""
        return replace(self.configuration.agent, heartbeat=HeartbeatConfiguration()), self.tls_files

    @property
    def stations(self) -> Mapping[str, StationConfiguration]:
        """By their names."""
        return {station.name: station for station in self.configuration.stations}

    def makes(self, name: str) -> tuple[object, ...]:
        """All that this station is made from: two plans that give the same here make the same station.

        Which profile matches is seen only when the hardware is looked at, so a station that looks depends on all.
        """
        station = self.stations[name]
        return station, self.link, None if names_everything(station) else self.profiles


@dataclass(frozen=True)
class Changes:
    """What is to be done to get from one plan to another. Names of stations, in the order of their plan."""

    removed: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    untouched: tuple[str, ...]
    heartbeat: bool
    control: bool
    """Whether its socket moves."""
    group: bool
    """Whether the socket's group is another, which it becomes only where the socket is made anew."""

    @property
    def told(self) -> str:
        """One line for the log."""
        parts = [
            f"{verb} {', '.join(names)}"
            for verb, names in (
                ("stopped", self.removed),
                ("restarted", self.changed),
                ("started", self.added),
                ("untouched", self.untouched),
            )
            if names
        ]
        parts += ["heartbeat restarted"] if self.heartbeat else []
        parts += ["control socket moved"] if self.control else []
        parts += ["control.group takes effect at the next start"] if self.group and not self.control else []
        return "; ".join(parts)


def load_plan(config: Path, sysroot: Path) -> Plan:
    """Read `config`, its drop-ins, the hardware profiles under `sysroot` and the files for TLS, and check them all.

    Blocks for as long as the files take. Raises `ConfigurationInvalid` with every problem of the first of these that
    has any.
    """
    configuration = load(config)
    profiles = load_profiles(profile_directories(sysroot))
    check_stations(configuration, profiles)
    agent = configuration.agent
    context = make_tls_context(agent.ca_file, agent.client_cert, agent.client_key, source=str(config))
    digests = tuple(_digest(file) for file in (agent.ca_file, agent.client_cert, agent.client_key))
    return Plan(configuration, profiles, digests, context)


def changes(old: Plan, new: Plan) -> Changes:
    """What differs. A change of anything that sessions are made from restarts every station."""
    kept = [name for name in new.stations if name in old.stations]
    return Changes(
        removed=tuple(name for name in old.stations if name not in new.stations),
        changed=tuple(name for name in kept if old.makes(name) != new.makes(name)),
        added=tuple(name for name in new.stations if name not in old.stations),
        untouched=tuple(name for name in kept if old.makes(name) == new.makes(name)),
        heartbeat=(old.link, old.configuration.agent.heartbeat) != (new.link, new.configuration.agent.heartbeat),
        control=old.configuration.control.socket != new.configuration.control.socket,
        group=old.configuration.control.group != new.configuration.control.group,
    )


def _digest(file: str) -> str:
    """Of a file's content; empty for no file, and for one that went away after it was read."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
    except OSError:
        return ""
