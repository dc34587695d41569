"""What a station needs to know of its hardware once configuration and profile are laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters


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


@dataclass(frozen=True)
class PlaybackSettings:
    """How to open a playback device."""

    device: str
    parameters: StreamParameters
    volume: float = 1.0
    """Linear, 0.0 to 1.0."""
    period_ms: int = 20
    buffer_ms: int = 120


@dataclass(frozen=True)
class StationSettings:
    """One station's hardware."""

    profile: str | None
    """The profile it came from; None where the configuration said everything itself."""
    capture: CaptureSettings
    playback: PlaybackSettings | None
    """None where playback is off."""
