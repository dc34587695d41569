"""Hardware profiles: what is known of a board, one TOML file each, as strictly read as the configuration.

A profile is found by its file's name. Those that come with the program lie in its `hw-profiles`; one of the same name
in `/etc/gatewayd/hw-profiles` takes its place as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.configuration.kinds import Flag, Invalid, Items, Text, Whole
from gatewayd.configuration.load import read_sources, toml_files
from gatewayd.configuration.parse import parse_source
from gatewayd.configuration.report import Report
from gatewayd.configuration.rules import Judge, beyond
from gatewayd.configuration.schema import (
    CHANNELS,
    DEVICE,
    FORMAT,
    GAIN,
    HIGHPASS,
    PICK,
    PROFILE_NAME,
    RATE,
    VOLUME,
)
from gatewayd.configuration.tables import Key, Table
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings
from gatewayd.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.audio.formats import SampleFormat
    from gatewayd.configuration.entries import Source

USER_PROFILES = Path("/etc/gatewayd/hw-profiles")
AUTO = "auto"
"""What a station says instead of a profile's name to have one found."""


@dataclass(frozen=True)
class Match:
    """`[match]`: how the board is recognised; all empty where only its name leads to it."""

    usb_ids: tuple[str, ...] = ()
    """`vendor:product`, four lower-case hexadecimal digits each."""
    card_ids: tuple[str, ...] = ()
    """ALSA card ids; not identities, as different hardware shares them."""


@dataclass(frozen=True)
class CaptureProfile:
    """`[capture]`: how the microphone is opened and used."""

    rate_hz: int
    format: SampleFormat
    channels: int
    device: str | None = None
    """None: the card with the only one of `match.card_ids`."""
    pick: tuple[int, ...] = (0,)
    gain_db: float = CaptureSettings.gain_db
    highpass_hz: float = CaptureSettings.highpass_hz
    period_ms: int = CaptureSettings.period_ms
    buffer_ms: int = CaptureSettings.buffer_ms


@dataclass(frozen=True)
class PlaybackProfile:
    """`[playback]`: how the speaker is opened; what is None is the same as for capture."""

    enabled: bool = True
    """False: the board has no speaker."""
    device: str | None = None
    rate_hz: int | None = None
    format: SampleFormat | None = None
    channels: int | None = None
    volume: float = PlaybackSettings.volume
    period_ms: int = PlaybackSettings.period_ms
    buffer_ms: int = PlaybackSettings.buffer_ms


@dataclass(frozen=True)
class Profile:
    """What is known of one board."""

    name: str
    description: str
    provenance: str
    """Where the facts come from, and how sure they are."""
    capture: CaptureProfile
    playback: PlaybackProfile = field(default_factory=PlaybackProfile)
    match: Match = field(default_factory=Match)
    source: str = field(default="", compare=False)
    """The file it was read from."""


PERIOD = Whole(5, 100, "ms")
BUFFER = Whole(20, 5000, "ms")
AS_CAPTURE = "as in `[capture]`"

MATCH = Table(
    Match,
    {
        "usb_ids": Key(
            Items(
                Text("vendor:product in lower-case hexadecimal, such as 2886:001a", "[0-9a-f]{4}:[0-9a-f]{4}"),
                0,
                64,
                unique=True,
            ),
            "USB ids of the board.",
        ),
        "card_ids": Key(
            Items(Text("an ALSA card id, as in /proc/asound/cards", r"[A-Za-z0-9_-]{1,15}"), 0, 64, unique=True),
            "Names the kernel gives the card. Where it is one, and no `device` is given, that card is opened.",
        ),
    },
)

CAPTURE = Table(
    CaptureProfile,
    {
        "device": Key(DEVICE, "The ALSA device.", left_out="the card of `match.card_ids`"),
        "rate_hz": Key(RATE, "The rate the card runs at.", required=True),
        "format": Key(FORMAT, "The sample format the card gives.", required=True),
        "channels": Key(CHANNELS, "How many channels the card gives.", required=True),
        "pick": Key(PICK, "Channels that are used, counted from 0; several are averaged."),
        "gain_db": Key(GAIN, "Amplification; what gets too loud is limited."),
        "highpass_hz": Key(HIGHPASS, "Removes sound below it, such as DC and rumble; 0: nothing."),
        "period_ms": Key(PERIOD, "How often the card hands over sound."),
        "buffer_ms": Key(BUFFER, "How much the card keeps for a late reader; at least two periods."),
    },
)

PLAYBACK = Table(
    PlaybackProfile,
    {
        "enabled": Key(Flag(), "`false`: the board has no speaker."),
        "device": Key(DEVICE, "The ALSA device.", left_out=AS_CAPTURE),
        "rate_hz": Key(RATE, "The rate the card runs at.", left_out=AS_CAPTURE),
        "format": Key(FORMAT, "The sample format the card takes.", left_out=AS_CAPTURE),
        "channels": Key(CHANNELS, "How many channels the card takes; all get the same.", left_out=AS_CAPTURE),
        "volume": Key(VOLUME, "Linear: 1 leaves the agent's voice as it is."),
        "period_ms": Key(PERIOD, "How often the card takes sound."),
        "buffer_ms": Key(BUFFER, "How much the card holds; at least two periods. More delays the voice."),
    },
)

PROFILE = Table(
    Profile,
    {
        "name": Key(
            Text("letters, digits, dashes and underscores", PROFILE_NAME), "As the file's name.", required=True
        ),
        "description": Key(Text(), "The board, in one line.", required=True),
        "provenance": Key(Text(), "Where these facts come from, and how sure they are.", required=True),
        "match": Key(MATCH),
        "capture": Key(CAPTURE, required=True),
        "playback": Key(PLAYBACK),
    },
)


def profile_directories() -> tuple[Path, ...]:
    """Where profiles are looked for; of two with one name the later wins."""
    return resource_dir("hw-profiles"), USER_PROFILES


def load_profiles(directories: Sequence[Path]) -> dict[str, Profile]:
    """Read every `*.toml` in `directories`, sorted by name; a profile in a later one wins over its namesake.

    A directory that does not exist has none. Raises `ConfigurationInvalid` with the problems of all profiles at once.
    """
    report = Report()
    files = {file.stem: file for directory in directories for file in toml_files(directory, report)}
    return parse_profiles(read_sources(files.values(), report), report)


def parse_profiles(sources: Sequence[Source], report: Report | None = None) -> dict[str, Profile]:
    """Profiles by name from the content of their files; `report` may bring problems from reading them.

    Raises `ConfigurationInvalid` with the problems of all profiles at once.
    """
    problems = report or Report()
    profiles = {}
    for source in sources:
        profile = _profile(source, problems)
        if profile is not None:
            profiles[profile.name] = profile
    problems.raise_if_any()
    return dict(sorted(profiles.items()))


def _profile(source: Source, problems: Report) -> Profile | None:
    root = parse_source(source, problems)
    if root is None:
        return None
    report = Report()
    profile = PROFILE.read(root, (), report, source=source.name)
    if isinstance(profile, Invalid):
        problems.take(report)
        return None
    _check(profile, Judge(root, report))
    problems.take(report)
    return profile


def _check(profile: Profile, judge: Judge) -> None:
    """Report what must hold between keys, once each is well-formed by itself."""
    stem = Path(profile.source).stem
    if profile.name != stem:
        judge.broken(("name",), "differs from the name of the file; they must be the same")
    elif profile.name == AUTO:
        judge.broken(("name",), f"cannot be {AUTO}, which stands for finding a profile")
    what = beyond(profile.capture.pick, profile.capture.channels)
    if what:
        judge.broken(("capture", "pick"), what, with_keys=(("capture", "channels"),))
    for table, direction in (("capture", profile.capture), ("playback", profile.playback)):
        if direction.buffer_ms < 2 * direction.period_ms:
            what = f"is {direction.buffer_ms}, less than two periods of {direction.period_ms} ms"
            judge.broken((table, "buffer_ms"), what, with_keys=((table, "period_ms"),))
