"""What `gatewayd devices` tells, as `--json` prints it: every field of these dataclasses is a key of the same name.

Fields may be added, never renamed or removed: integrators' scripts read them. docs/devices.md lists them.
"""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.cli.new_profile import new_profile
from gatewayd.hardware.detection import explain
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatewayd.hardware.detection import Candidate, Explanation
    from gatewayd.hardware.inventory import Board, Card, Inventory, UsbIdentity
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import Profile


@dataclass(frozen=True)
class EvidenceFound:
    """One of `cards[].profiles[].evidence`: one thing a profile asks for, held against the card."""

    criterion: str
    wanted: str
    found: str
    """Empty: not known."""
    matched: bool
    points: int
    excludes: bool
    """This alone keeps the profile from the card."""
    text: str
    """The same in words."""


@dataclass(frozen=True)
class ProfileConsidered:
    """One of `cards[].profiles`: a profile that something speaks for."""

    name: str
    best: bool
    """Nothing matches better; several are where the configuration must say which."""
    generic: bool
    points: int
    excluded: bool
    """It is not for this card, whatever else matches."""
    evidence: Sequence[EvidenceFound]


@dataclass(frozen=True)
class CardFound:
    """One of `cards`. Null is what is not known."""

    id: str
    number: int
    """Differs from boot to boot."""
    device: str
    """Its ALSA name for as long as it is plugged in; the same at each boot where it is the only one of its id."""
    name: str
    long_name: str
    usb: UsbIdentity | None
    port: str
    """Where it is connected, the same at each boot: what a station's `port` may say, as may `usb.path`."""
    driver: str
    kernel_driver: str
    compatible: Sequence[str]
    capture_devices: Sequence[int] | None
    playback_devices: Sequence[int] | None
    capture_offers: Sequence[Offer]
    playback_offers: Sequence[Offer]
    controls: Sequence[str] | None
    no_microphone: str
    """Why it cannot capture; empty: it can, or that is not known."""
    profile: str | None
    """The one it is used by; null where none matches, or several match equally well."""
    profiles: Sequence[ProfileConsidered]
    """Best first."""
    new_profile: str | None
    """The beginning of a profile, as TOML, for a microphone that has none of its own."""
    new_profile_name: str | None


@dataclass(frozen=True)
class Choice:
    """`auto`, and one of `stations`: what a station gets, or why it gets nothing."""

    station: str
    profile: str | None = None
    card: str | None = None
    device: str | None = None
    """None: see `error`."""
    capture: str | None = None
    """Format, rate and channels in words."""
    playback: str | None = None
    """The same with the device; None: it plays nothing."""
    notes: Sequence[str] = ()
    """What a person should know of it, a line each."""
    error: str | None = None
    """What kind of error: `DeviceMissing`, `DeviceAmbiguous`, `DeviceRefused`, `ConfigurationInvalid`."""
    problem: str | None = None
    """What is wrong, and the lines of configuration that settle it."""


@dataclass(frozen=True)
class DevicesReport:
    """The whole answer."""

    root: str
    board: Board
    cards: Sequence[CardFound]
    auto: Choice | None
    """What a station that says nothing of its hardware gets; None where there is no card."""
    configuration: str | None
    """The file that `stations` come from; None where there is none."""
    stations: Sequence[Choice]
    problems: Sequence[str]
    """What could not be read, or made no sense."""

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries, lists, strings and numbers, as `json.dumps` takes them."""
        return asdict(self, dict_factory=_plain)


def found_cards(inventory: Inventory, profiles: Mapping[str, Profile]) -> tuple[CardFound, ...]:
    """Every card with what the profiles make of it; what can capture first, then by number."""
    explained = sorted(explain(inventory, profiles), key=lambda each: (bool(each.unusable), each.card.number))
    return tuple(_found(each, inventory.board, profiles) for each in explained)


def stable_device(card: Card) -> str:
    """The ALSA name of a card's first device that captures; of its first that plays where none does."""
    devices = (*(card.capture_devices or ()), *(card.playback_devices or ()), 0)
    return f"hw:CARD={card.id},DEV={devices[0]}"


def _found(explained: Explanation, board: Board, profiles: Mapping[str, Profile]) -> CardFound:
    card, best = explained.card, explained.best
    known = explained.unusable or any(not each.profile.match.generic for each in best)
    draft = None if known else new_profile(card, board, profiles)
    return CardFound(
        id=card.id,
        number=card.number,
        device=stable_device(card),
        name=card.name,
        long_name=card.long_name,
        usb=card.usb,
        port=card.port,
        driver=card.driver,
        kernel_driver=card.kernel_driver,
        compatible=card.compatible,
        capture_devices=card.capture_devices,
        playback_devices=card.playback_devices,
        capture_offers=card.capture_offers,
        playback_offers=card.playback_offers,
        controls=None if card.controls is None else sorted(card.controls),
        no_microphone=explained.unusable,
        profile=best[0].profile.name if len(best) == 1 else None,
        profiles=(*(_considered(each, best=True) for each in best), *(_considered(each) for each in explained.others)),
        new_profile=None if draft is None else draft.toml,
        new_profile_name=None if draft is None else draft.name,
    )


def _considered(candidate: Candidate, *, best: bool = False) -> ProfileConsidered:
    return ProfileConsidered(
        candidate.profile.name,
        best,
        candidate.profile.match.generic,
        candidate.score.points,
        candidate.score.excluded,
        tuple(
            EvidenceFound(each.criterion, each.wanted, each.found, each.matched, each.points, each.excludes, str(each))
            for each in candidate.score.evidence
        ),
    )


def _plain(items: list[tuple[str, object]]) -> dict[str, object]:
    return {key: _value(value) for key, value in items}


def _value(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    return value
