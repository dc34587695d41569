"""`gatewayd devices`: the sound hardware there is, what profiles make of it and why, and what a station would take."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.cli.devices_report import Choice, DevicesReport, found_cards, stable_device
from gatewayd.cli.options import DEFAULT_CONFIGURATION, UsageError, add_sysroot
from gatewayd.configuration.load import load
from gatewayd.configuration.model import StationConfiguration
from gatewayd.errors import ConfigurationInvalid, DeviceError, ExitCode, Unavailable
from gatewayd.hardware.claims import claimed_ports
from gatewayd.hardware.detection import choose
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.matching import cannot_capture
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.hardware.resolve import settle
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatewayd.configuration.model import Configuration
    from gatewayd.hardware.detection import Chosen
    from gatewayd.hardware.inventory import Card, Inventory
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import Profile

    Controls = Callable[[str], "frozenset[str] | None"]
    Offers = Callable[[str, bool], "tuple[Offer, ...]"]

HOST = Path("/")
"""The root of the device this runs on; any other is a copy of some device's files."""
_ASOUND = "proc/asound"
_AUTO_STATION = StationConfiguration("main")
"""What a station is that says nothing of its hardware."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd devices`."""
    parser = subparsers.add_parser(
        "devices",
        parents=parents,
        help="sound cards, the profiles that match them, and why",
        description="Show every sound card with its stable name, its port and what it can do, which hardware profile\n"
        "matches it and why, and what a station would take. Nothing is written.",
        epilog="Example:\n  gatewayd devices --sysroot ~/dump-from-the-lobby",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_sysroot(parser)
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace) -> int:
    """Look and print. Raises `Unavailable` after that where there is no sound card, `UsageError` without a folder."""
    root: Path = arguments.sysroot
    if not root.is_dir():
        raise UsageError(f"--sysroot {root}: there is no such folder")
    report = _look_here(arguments.config) if root == HOST else look(root, arguments.config)
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2), flush=True)
    else:
        from gatewayd.cli.devices_table import table  # noqa: PLC0415 - --json does without

        print(table(report, colours=_colours()), flush=True)
    if not report.cards:
        raise Unavailable(_no_card(root))
    return ExitCode.OK


def look(
    root: Path,
    configuration_file: Path,
    *,
    live_controls: Controls | None = None,
    live_offers: Offers | None = None,
) -> DevicesReport:
    """Everything that is known below `root`, and what the stations of a configuration get of it.

    `live_controls` gives the mixer controls of a card by its id, or None where they cannot be had; without it what
    `alsactl store` last wrote is used. `live_offers` asks a device's driver what it can do, True for capture; without
    it only the kernel's files tell. What is wrong with configuration or profiles is told, and no hindrance.
    """
    problems: list[str] = []
    profiles = _profiles(root, problems)
    inventory = read_inventory(root, live_controls=live_controls)
    problems += inventory.problems
    if live_offers is not None:
        inventory = replace(inventory, cards=tuple(_asked(card, live_offers) for card in inventory.cards))
    file = _configuration_file(root, configuration_file)
    configuration = _configuration(file, problems)
    report = report_on(inventory, profiles, configuration.stations if configuration else ())
    return replace(
        report, root=str(root), configuration=str(file) if configuration is not None else None, problems=problems
    )


def report_on(
    inventory: Inventory,
    profiles: Mapping[str, Profile],
    stations: Sequence[StationConfiguration] = (),
) -> DevicesReport:
    """What profiles and stations make of the hardware that was found."""
    return DevicesReport(
        root="/",
        board=inventory.board,
        cards=found_cards(inventory, profiles),
        auto=choice(_AUTO_STATION, [], inventory, profiles) if inventory.cards else None,
        configuration=None,
        stations=[choice(station, stations, inventory, profiles) for station in stations],
        problems=inventory.problems,
    )


def choice(
    station: StationConfiguration,
    stations: Sequence[StationConfiguration],
    inventory: Inventory,
    profiles: Mapping[str, Profile],
) -> Choice:
    """What `station` gets, with the other `stations` beside it."""
    claimed = claimed_ports(station, stations, inventory, profiles)
    try:
        try:
            settings = settle(station, profiles, inventory, claimed=claimed, offers=_not_told)
        except _NotTold:
            return _without_parameters(station, choose(station, inventory, profiles, claimed=claimed))
    except DeviceError as error:
        return Choice(station.name, error=type(error).__name__, problem=str(error))
    card, capture, playback = settings.card, settings.capture, settings.playback
    return Choice(
        station.name,
        settings.profile,
        None if card is None else card.id,
        capture.device,
        str(capture.parameters),
        None if playback is None else f"{playback.parameters} on {playback.device}",
        settings.notes,
    )


class _NotTold(DeviceError):
    """What a card can do is known to its driver alone."""


def _not_told(device: str, capture: bool) -> tuple[Offer, ...]:  # noqa: ARG001 - as `settle` asks
    raise _NotTold(device, "its driver was asked before, as far as it can be")


def _asked(card: Card, live_offers: Offers) -> Card:
    """A microphone with what its driver says it can do, where no file does; as it is where the driver does not say."""
    if card.capture_offers or cannot_capture(card):
        return card
    capture, playback = card.capture_offers, card.playback_offers
    with suppress(DeviceError):  # busy with the daemon, as a rule
        capture = live_offers(f"hw:CARD={card.id},DEV={_first(card.capture_devices)}", True)
    with suppress(DeviceError):
        if card.playback_devices != () and not playback:
            playback = live_offers(f"hw:CARD={card.id},DEV={_first(card.playback_devices)}", False)
    return replace(card, capture_offers=capture, playback_offers=playback)


def _first(devices: Sequence[int] | None) -> int:
    return devices[0] if devices else 0


def _without_parameters(station: StationConfiguration, chosen: Chosen) -> Choice:
    card = chosen.card
    device = station.capture.device or chosen.profile.capture.device or (stable_device(card) if card else None)
    return Choice(station.name, chosen.profile.name, card.id if card else None, device)


def _look_here(configuration_file: Path) -> DevicesReport:
    """`look` at this device, its mixers and drivers included."""
    from gatewayd.hardware.alsa.capabilities import offers  # noqa: PLC0415 - a copied root does without libasound
    from gatewayd.hardware.alsa.mixer import AlsaMixer  # noqa: PLC0415 - the same

    return look(
        HOST,
        configuration_file,
        live_controls=AlsaMixer().controls,
        live_offers=lambda device, capture: offers(device, capture=capture),
    )


def _profiles(root: Path, problems: list[str]) -> Mapping[str, Profile]:
    """All profiles; without the user's own where those are not valid."""
    directories = profile_directories(root)
    try:
        return load_profiles(directories)
    except ConfigurationInvalid as error:
        problems += [str(problem) for problem in error.problems]
        problems.append(f"no profile of {directories[-1]} is used; `gatewayd check` says more")
        return load_profiles(directories[:-1])


def _configuration_file(root: Path, file: Path) -> Path:
    """This device's configuration says nothing of another's hardware: the default one is looked for below `root`."""
    return root / file.relative_to("/") if file == DEFAULT_CONFIGURATION else file


def _configuration(file: Path, problems: list[str]) -> Configuration | None:
    """The configuration; None where it does not exist, or cannot be used, which `problems` then say."""
    if not file.exists():
        return None
    try:
        return load(file)
    except ConfigurationInvalid as error:
        problems += [str(problem) for problem in error.problems]
        return None


def _no_card(root: Path) -> str:
    """That there is no sound card, with the one thing to do next."""
    if (root / _ASOUND).is_dir():
        what = "the kernel knows no sound card"
        do = "plug the microphone in, or for a HAT add its dtoverlay to config.txt and reboot; then ask again"
    else:
        what = "there is no /proc/asound, so this kernel or container has no sound support"
        do = "run it on the device itself, or give the container /dev/snd and /proc/asound"
    where = "" if root == HOST else f" under {one_line(str(root))}"
    return f"{what}{where}; {do}"


def _colours() -> bool:
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
