"""`gatewayd check`: whether configuration and profiles are right, and what each station makes of them."""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gatewayd.cli.options import add_sysroot
from gatewayd.configuration.load import load
from gatewayd.errors import ConfigurationInvalid, DeviceError, DeviceRefused, ExitCode, Problem
from gatewayd.hardware.claims import claimed_ports
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.inventory import Inventory
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.hardware.resolve import check_stations, settle
from gatewayd.lean import dataclass
from gatewayd.system.credentials import read_credential
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatewayd.configuration.model import Configuration
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import Profile
    from gatewayd.hardware.settings import StationSettings

T = TypeVar("T")

_CARD_NUMBER = re.compile(r"(?:plug)?hw:(?:CARD=)?[0-9]+(?:,|\Z)")


@dataclass(frozen=True)
class Checked:
    """A configuration without problems."""

    summary: str
    """One line that says what was checked and what each station would open."""
    warnings: tuple[Problem, ...]
    """What may be wrong on this machine at this moment."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd check`."""
    parser = subparsers.add_parser(
        "check",
        parents=parents,
        help="tell everything that is wrong with configuration and profiles",
        description="Validate the configuration with its drop-ins, every hardware profile, and what each station\n"
        "makes of them and of the cards that are there now. All problems are listed at once, each on a line\n"
        "`file: section.key: what is wrong, what is allowed`, and the exit code is 78. What is wrong with the cards\n"
        "is a warning. Nothing is opened and nothing is sent.",
        epilog="Example: gatewayd check --config /etc/gatewayd/gatewayd.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the configuration at `arguments.config` and say so; raises as `check`."""
    root = arguments.sysroot
    checked = check(arguments.config, profile_directories(root), lambda: read_inventory(root))
    for warning in checked.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(checked.summary)
    return ExitCode.OK


def check(file: Path, directories: Sequence[Path], look: Callable[[], Inventory] = Inventory) -> Checked:
    """Check the configuration `file` against the profiles in `directories`, and against the cards that `look` finds;
    by default nothing is known of them.

    Raises `ConfigurationInvalid` with every problem of both at once, and of the stations once both are sound. What is
    wrong with the cards is only warned of: they may come yet.
    """
    problems: list[Problem] = []
    configuration = _collect(lambda: load(file), problems)
    profiles = _collect(lambda: load_profiles(directories), problems)
    if configuration is None or profiles is None:
        raise ConfigurationInvalid(problems)
    check_stations(configuration, profiles)
    stations = _settled(configuration, profiles, look)
    warnings = (*_absent(configuration), *_doubtful(configuration, stations))
    return Checked(_summary(file, configuration, profiles, stations), warnings)


class _AskedWhenOpened(DeviceRefused):
    """What the card can do is not in the kernel's files, and a check opens nothing."""


def _settled(
    configuration: Configuration, profiles: Mapping[str, Profile], look: Callable[[], Inventory]
) -> dict[str, StationSettings | DeviceError]:
    """What each station would open now, or why it could not."""

    def ask(device: str, _capture: bool) -> tuple[Offer, ...]:
        raise _AskedWhenOpened(device, "is asked what it can do when it is opened")

    inventory = look()
    settled: dict[str, StationSettings | DeviceError] = {}
    for station in configuration.stations:
        claimed = claimed_ports(station, configuration.stations, inventory, profiles)
        try:
            settled[station.name] = settle(station, profiles, inventory, claimed=claimed, offers=ask)
        except DeviceError as error:
            settled[station.name] = error
    return settled


def _collect(read: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return read()
    except ConfigurationInvalid as error:
        problems += error.problems
        return None


def _summary(
    file: Path,
    configuration: Configuration,
    profiles: Mapping[str, Profile],
    stations: Mapping[str, StationSettings | DeviceError],
) -> str:
    drop_ins = sorted({Path(source).name for source in configuration.origins.values()} - {file.name})
    read = f"{file} with {', '.join(drop_ins)}" if drop_ins else str(file)
    told = "; ".join(f"{name}: {_station(settings)}" for name, settings in stations.items())
    return one_line(f"{read} is valid, so are {len(profiles)} profiles; {told}")


def _station(settings: StationSettings | DeviceError) -> str:
    if isinstance(settings, _AskedWhenOpened):
        return f"captures {settings.device}, which {settings.detail}"
    if isinstance(settings, DeviceError):
        return "nothing to open now"
    profile = f"profile {settings.profile}" if settings.profile else "no profile"
    capture, playback = settings.capture, settings.playback
    channels = f"channel{'s' * (len(capture.pick) > 1)} {', '.join(str(channel) for channel in capture.pick)}"
    hears = f"captures {capture.device} ({capture.parameters}, {channels})"
    plays = f"plays {playback.device} ({playback.parameters})" if playback else "plays nothing"
    return f"{profile}, {hears}, {plays}"


def _absent(configuration: Configuration) -> Iterator[Problem]:
    """Files the configuration names that cannot be read now; they may yet appear, or be for the service's eyes only."""
    agent = configuration.agent
    for key, path in (("ca_file", agent.ca_file), ("client_cert", agent.client_cert), ("client_key", agent.client_key)):
        reason = _unreadable(path) if path else None
        if reason:
            yield _warning(configuration, f"agent.{key}", f"{path} cannot be read now: {reason}")
    for key, credential in (
        ("agent.token.credential", agent.token.credential),
        ("agent.proxy_credential", agent.proxy_credential),
    ):
        reason = _without_credential(credential)
        if reason:
            yield _warning(configuration, key, reason)
    if agent.token.command and not os.access(agent.token.command[0], os.X_OK):
        yield _warning(configuration, "agent.token.command", "its program is not there now, or cannot be run")


def _unreadable(path: str) -> str | None:
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return "it is not a regular file"
        with Path(path).open("rb"):
            return None
    except OSError as error:
        return error.strerror


def _without_credential(credential: str) -> str | None:
    try:
        if credential:
            read_credential(credential)
    except ConfigurationInvalid as error:
        if credential.startswith("/"):
            return "; ".join(f"{problem.source} {problem.what}" for problem in error.problems)
        # The name is not repeated: it may be the secret itself, put there by mistake.
        return (
            "no credential of this name is handed to this process; that is as it should be outside the service, whose "
            "unit gets it by LoadCredential="
        )
    return None


def _doubtful(configuration: Configuration, stations: Mapping[str, StationSettings | DeviceError]) -> Iterator[Problem]:
    """What works on some days only."""
    users: dict[str, str] = {}
    for name, settings in stations.items():
        if isinstance(settings, DeviceError):
            if not isinstance(settings, _AskedWhenOpened):
                yield _warning(configuration, f"stations.{name}", str(settings))
            continue
        capture, playback = settings.capture, settings.playback
        for direction, device in (("capture", capture.device), ("playback", playback.device if playback else "")):
            place = f"stations.{name}.{direction}"
            if _CARD_NUMBER.match(device):
                what = f"{device} names a card by its number, which changes between boots; use hw:CARD=id"
                yield _warning(configuration, f"{place}.device", what)
            first = users.setdefault(f"{direction} {device}", place)
            if device.startswith("hw:") and first != place:
                what = f"{first} uses {device} too; of two stations only one can open it"
                yield _warning(configuration, f"{place}.device", what)


def _warning(configuration: Configuration, place: str, what: str) -> Problem:
    return Problem(one_line(configuration.origin(place)), place, one_line(what))
