"""The first steps: what the configuration says, and whether the secrets that it names can be had."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.cloud.access import CloudAccess, make_access
from gatewayd.configuration.load import load
from gatewayd.diagnosis.results import passed, warned
from gatewayd.diagnosis.walk import Found, problems
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.hardware.resolve import check_stations
from gatewayd.lean import dataclass
from gatewayd.system.credentials import read_credential
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatewayd.configuration.model import AgentConfiguration, Configuration
    from gatewayd.hardware.profile import Profile
    from gatewayd.seams.clock import Clock

SERVICE_CREDENTIALS = Path("/run/credentials/gatewayd.service")
"""Where systemd keeps the running unit's credentials (systemd.exec(5), "Credentials"); root can read them there."""


@dataclass(frozen=True)
class Configured:
    """A valid configuration and the profiles it is used with."""

    configuration: Configuration
    profiles: Mapping[str, Profile]


@dataclass(frozen=True)
class Admitted:
    """The way to the service with everything that opens its doors."""

    access: CloudAccess
    token_credential: bool
    """Whether the token endpoint's credential, if one is wanted, can be read by this process."""


def installed_profiles(root: Path) -> Mapping[str, Profile]:
    """The profiles that come with the program, and the user's own under `root`; raises `ConfigurationInvalid`."""
    return load_profiles(profile_directories(root))


def read_configuration(file: Path, read_profiles: Callable[[], Mapping[str, Profile]]) -> Found[Configured]:
    """Load the configuration and the profiles; raises `ConfigurationInvalid`."""
    configuration = load(file)
    profiles = read_profiles()
    check_stations(configuration, profiles)
    names = [station.name for station in configuration.stations]
    drop_ins = len({*configuration.origins.values()} - {str(file)})
    extra = f" with {drop_ins} drop-in{'s' * (drop_ins > 1)}" if drop_ins else ""
    stations = f"station{'s' * (len(names) > 1)} {', '.join(map(one_line, names))}"
    return Found(passed(f"{file}{extra}: {stations}; {len(profiles)} profiles"), Configured(configuration, profiles))


class CredentialReader:
    """Reads credentials as the daemon does; where none were handed to this process, those of the running service."""

    def __init__(self, of_service: Path = SERVICE_CREDENTIALS) -> None:
        self._of_service = of_service

    def read(self, name_or_path: str) -> str:
        """The secret; raises `ConfigurationInvalid`, which never holds it."""
        return read_credential(str(self.place(name_or_path)))

    def place(self, name_or_path: str) -> Path | str:
        """The file it is in, where that is known."""
        if name_or_path.startswith("/") or os.environ.get("CREDENTIALS_DIRECTORY") or "/" in name_or_path:
            return name_or_path
        beside_service = self._of_service / name_or_path
        return beside_service if os.access(beside_service, os.R_OK) else name_or_path

    def is_withheld(self, name: str) -> bool:
        """Whether it is a systemd credential of which this process was given none: no fault of the configuration."""
        return not str(self.place(name)).startswith("/") and not os.environ.get("CREDENTIALS_DIRECTORY")


def open_doors(agent: AgentConfiguration, clock: Clock, reader: CredentialReader, source: str) -> Found[Admitted]:
    """Read each credential, certificate and key. Raises `ConfigurationInvalid` where one is there and unusable."""
    access = make_access(agent, clock, source=source, read=reader.read)
    named = {"agent.token.credential": agent.token.credential, "agent.proxy_credential": agent.proxy_credential}
    withheld = []
    for key, credential in named.items():
        if credential and reader.is_withheld(credential):
            withheld.append(key)
        elif credential:
            try:
                reader.read(credential)
            except ConfigurationInvalid as error:
                # Whoever needs it says so too; the rest of the way can still be walked.
                return Found(problems(error), Admitted(access, token_credential=key != "agent.token.credential"))
    admitted = Admitted(access, "agent.token.credential" not in withheld)
    if withheld:
        what = f"{' and '.join(withheld)}: systemd gives it to the service only, so it cannot be tried from here"
        return Found(
            warned(what, "run this as root while the service runs: then it is read where systemd keeps it"), admitted
        )
    for key, file in _secret_files(agent, reader):
        if _is_open_to_all(file):
            return Found(
                warned(f"{key}: every user of this device can read {file}", f"run `chmod 600 {file}`"), admitted
            )
    there = [key for key, value in (*named.items(), ("agent.client_cert", agent.client_cert)) if value]
    return Found(passed(f"{' and '.join(there)} can be read" if there else "none are configured"), admitted)


def _secret_files(agent: AgentConfiguration, reader: CredentialReader) -> Iterator[tuple[str, str]]:
    for key, value in (
        ("agent.token.credential", agent.token.credential),
        ("agent.proxy_credential", agent.proxy_credential),
        ("agent.client_key", agent.client_key or agent.client_cert),
    ):
        if value:
            yield key, str(reader.place(value))


def _is_open_to_all(file: str) -> bool:
    try:
        return bool(Path(file).stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
