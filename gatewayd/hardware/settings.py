"""What a station needs to know of its hardware once configuration, profile and card are laid over each other."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters
    from gatewayd.hardware.inventory import Card


class Side(str, Enum):
    """Which side of a mixer control is meant."""

    CAPTURE = "capture"
    PLAYBACK = "playback"


class RecoveryStep(str, Enum):
    """What can be done about a microphone that is there and gives nothing usable."""

    REOPEN = "reopen"
    """Close the capture stream and open it anew."""
    REOPEN_DUPLEX = "reopen-duplex"
    """Close both streams; open playback first, keep it running with silence, then capture."""
    USB_RESET = "usb-reset"
    """Have the kernel reset the USB device, as unplugging would."""
    ALARM = "alarm"
    """Say that a person must look at it; everything before is tried again later."""


@dataclass(frozen=True)
class MixerSetting:
    """One control of a card's mixer and what it is to be set to: exactly one of the last five."""

    control: str
    """The simple mixer element, as `amixer scontrols` prints it."""
    index: int = 0
    side: Side | None = None
    """None: the side that the control has; needed where it has both."""
    optional: bool = False
    """Not every revision of the board has it: missing, it is no problem."""
    raw: int | None = None
    """A volume in the driver's own steps."""
    percent: int | None = None
    """A volume as a share of the range in the driver's own steps."""
    db: float | None = None
    switch: bool | None = None
    choice: str | None = None
    """One of an enumeration's texts."""


@dataclass(frozen=True)
class CaptureSettings:
    """How to open a capture device and what to make of its sound."""

    device: str
    parameters: StreamParameters
    pick: tuple[int, ...]
    """Channels that are used, counted from 0; several are averaged."""
    gain_db: float = 0.0
    highpass_hz: float = 0.0
    """0 for none."""
    period_ms: int = 20
    buffer_ms: int = 500
    """Room for a late reader; adds no delay while drained. A Pi overruns at 160 ms, hence this much."""
    warm_up_ms: int = 0
    """Sound thrown away after each opening: a microphone's bias settling, a filter swinging in."""
    needs_playback: bool = False
    """It gives sound only while the playback stream of the same card is open."""
    mute_gives_zeros: bool = False
    """The board's own mute button shows as digital zero and in no other way."""


@dataclass(frozen=True)
class PlaybackSettings:
    """How to open a playback device."""

    device: str
    parameters: StreamParameters
    volume: float = 1.0
    """Linear, 0.0 to 1.0."""
    period_ms: int = 20
    buffer_ms: int = 120
    keep_alive: bool = False
    """Play silence while there is nothing to say: the board fails, or its capture does, when the stream stops."""


@dataclass(frozen=True)
class StationSettings:
    """One station's hardware."""

    profile: str | None
    """The profile it came from; None where the configuration said everything itself."""
    capture: CaptureSettings
    playback: PlaybackSettings | None
    """None where playback is off."""
    card: Card | None = None
    """The card of the capture device, where it was found; None where the configuration named a device of its own."""
    mixer: tuple[MixerSetting, ...] = ()
    recovery: tuple[RecoveryStep, ...] = (RecoveryStep.REOPEN, RecoveryStep.ALARM)
    notes: tuple[str, ...] = ()
    """What a person should know of how this came about, a line each: a card without speaker, a profile that is not
    quite right."""
