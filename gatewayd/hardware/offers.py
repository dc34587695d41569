"""What a card can do: which formats, rates and channel counts go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewayd.audio.formats import SampleFormat


@dataclass(frozen=True)
class Offer:
    """One alternate setting of a USB card, or one answer of a driver: every combination of these works."""

    formats: tuple[SampleFormat, ...]
    """Those this program can read; what a card offers besides is left out."""
    rates_hz: tuple[int, ...]
    """Those this program can convert; a continuous range is spelled out."""
    channels: tuple[int, ...]
