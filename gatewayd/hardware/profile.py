"""What is known of a board: the content of one file of `hw-profiles`, typed, with every default in one place.

What may stand in such a file is in `hardware.profile_schema`, what is said when it does not, there and in
`hardware.profile_rules`.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, RecoveryStep
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.audio.formats import SampleFormat
    from gatewayd.hardware.settings import MixerSetting


class Confidence(str, Enum):
    """How sure a fact is."""

    MEASURED = "measured"
    """By this project, on the thing itself."""
    DRIVER_SOURCE = "driver-source"
    """Read in the source of the kernel driver."""
    VENDOR_FILE = "vendor-file"
    """In a repository or state file of the vendor's."""
    ONE_RIG = "one-rig"
    """Reported by one person from one device."""
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Fact:
    """`[provenance]`: where one fact, or all facts of one table, come from."""

    confidence: Confidence
    source: str
    place: str = ""
    """The dotted place it speaks for: `capture.rate_hz`, or `capture` for all of that table not named more exactly."""


@dataclass(frozen=True)
class Match:
    """`[match]`: by what a board is recognised. Several values of one key are alternatives."""

    usb_ids: tuple[str, ...] = ()
    """`vendor:product`, four lower-case hexadecimal digits each."""
    products: tuple[str, ...] = ()
    """USB product strings, or a part of one; upper and lower case are the same."""
    drivers: tuple[str, ...] = ()
    """The driver as /proc/asound/cards names it, or the kernel driver's name."""
    device_tree: tuple[str, ...] = ()
    """The HAT's product, the board's model or a `compatible` of the card's device, or a part of one."""
    controls: tuple[str, ...] = ()
    """Mixer controls that must all be there: tells boards apart that are the same otherwise."""
    without_controls: tuple[str, ...] = ()
    """Mixer controls of which none may be there."""
    ports: tuple[str, ...] = ()
    """Ports, for a profile that is made for one place: as `gatewayd devices` names them."""
    card_ids: tuple[str, ...] = ()
    """ALSA card ids; not identities, as different hardware shares them. A number the kernel added (`_1`) is ignored."""
    generic: bool = False
    """Used only where no other profile matches; then what the card offers fills in what the profile leaves open."""


@dataclass(frozen=True)
class CaptureProfile:
    """`[capture]`: how the microphone is opened and used. None: the best of what the card offers."""

    rate_hz: int | None = None
    format: SampleFormat | None = None
    channels: int | None = None
    device: str | None = None
    """None: the card that was recognised, device 0."""
    pick: tuple[int, ...] | None = None
    """None: the first channel, or both of two."""
    why_pick: str = ""
    """Which channel carries what, and why these."""
    gain_db: float = CaptureSettings.gain_db
    highpass_hz: float = CaptureSettings.highpass_hz
    period_ms: int = CaptureSettings.period_ms
    buffer_ms: int = CaptureSettings.buffer_ms
    warm_up_ms: int = CaptureSettings.warm_up_ms
    echo_cancelled: bool = False
    """The board itself takes the speaker's sound out of what is picked."""
    mute_gives_zeros: bool = CaptureSettings.mute_gives_zeros


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
    keep_alive: bool = PlaybackSettings.keep_alive


@dataclass(frozen=True)
class Duplex:
    """`[duplex]`: what capture and playback ask of each other."""

    same_parameters: bool = False
    """Rate, format and channels of both must be the same: they share one converter's clock."""
    capture_needs_playback: bool = CaptureSettings.needs_playback


@dataclass(frozen=True)
class Recovery:
    """`[recovery]`: what is done, one step after the other, while the microphone gives nothing usable."""

    steps: tuple[RecoveryStep, ...] = (RecoveryStep.REOPEN, RecoveryStep.ALARM)


@dataclass(frozen=True)
class Profile:
    """What is known of one board."""

    name: str
    description: str
    quirks: str = ""
    """What a person should know besides; shown by `gatewayd profiles NAME` and in docs/hardware.md."""
    match: Match = field(default_factory=Match)
    capture: CaptureProfile = field(default_factory=CaptureProfile)
    playback: PlaybackProfile = field(default_factory=PlaybackProfile)
    duplex: Duplex = field(default_factory=Duplex)
    mixer: tuple[MixerSetting, ...] = ()
    recovery: Recovery = field(default_factory=Recovery)
    provenance: tuple[Fact, ...] = ()
    source: str = field(default="", compare=False)
    """The file it was read from."""
