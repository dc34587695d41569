"""What a card can do: which formats, rates and channel counts go together, and which of them suit a voice best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFERRED_RATES_HZ = (16_000, 48_000, 32_000, 96_000, 24_000, 44_100, 22_050, 11_025, 8_000)
"""Best first. 16 kHz is the wire's own rate: nothing is converted. Then whole multiples of it, by how common they are,
as their filters are short. Then what is above it but awkward: 24 kHz and 44.1 kHz cost more, 44.1 about three times as
much. What lies below the wire's rate has lost part of the voice already."""
PREFERRED_FORMATS = (
    SampleFormat.S16_LE,
    SampleFormat.S24_3LE,
    SampleFormat.S24_LE,
    SampleFormat.S32_LE,
    SampleFormat.FLOAT_LE,
)
"""Best first. The wire carries 16 bits, so more gain nothing where no gain is applied; a profile that applies gain
names its format. Then by bytes moved, and floating point last, as no card's converter has it."""


@dataclass(frozen=True)
class Offer:
    """One alternate setting of a USB card, or one answer of a driver: every combination of these works."""

    formats: tuple[SampleFormat, ...]
    """Those this program can read; what a card offers besides is left out."""
    rates_hz: tuple[int, ...]
    """Those this program can convert; a continuous range is spelled out."""
    channels: tuple[int, ...]

    def __str__(self) -> str:
        formats = ", ".join(format_.value for format_ in self.formats)
        rates = ", ".join(str(rate) for rate in sorted(self.rates_hz))
        channels = ", ".join(str(count) for count in sorted(self.channels))
        return f"{formats} at {rates} Hz with {channels} ch"


def best(
    offers: Iterable[Offer],
    *,
    rate_hz: int | None = None,
    format: SampleFormat | None = None,  # noqa: A002 - the name that configuration, profiles and ALSA have for it
    channels: int | None = None,
) -> StreamParameters | None:
    """The best combination that is offered, given what is already fixed; None where none fits.

    The rate decides first, then the format, then the channel count: one, two, then the fewest, as every further channel
    is moved and thrown away.
    """
    fitting = [
        StreamParameters(rate, sample_format, count)
        for offer in offers
        for rate in offer.rates_hz
        for sample_format in offer.formats
        for count in offer.channels
        if rate_hz in (None, rate) and format in (None, sample_format) and channels in (None, count)
    ]
    return min(fitting, key=_rank, default=None)


def _rank(parameters: StreamParameters) -> tuple[int, int, int]:
    return (
        PREFERRED_RATES_HZ.index(parameters.rate_hz),
        PREFERRED_FORMATS.index(parameters.format),
        parameters.channels,
    )
