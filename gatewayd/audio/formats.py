"""What a stream of samples looks like: at the card, and on the wire."""

from __future__ import annotations

from enum import Enum

from gatewayd.lean import dataclass

WIRE_RATE_HZ = 16_000
"""Sample rate of the voice protocol, both ways."""
FRAME_MS = 20
"""Length of one wire frame, in milliseconds."""
FRAME_SAMPLES = WIRE_RATE_HZ * FRAME_MS // 1000
"""Samples in one wire frame: 320."""
FRAME_BYTES = FRAME_SAMPLES * 2
"""Bytes in one wire frame of mono s16le: 640."""
FRAME_S = FRAME_MS / 1000
"""Length of one wire frame, in seconds."""

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
"""Card rates that are converted from and to."""
MAX_CHANNELS = 16


class SampleFormat(str, Enum):
    """Sample formats of cards, by their ALSA names; all little-endian, interleaved."""

    S16_LE = "S16_LE"
    S24_LE = "S24_LE"
    """24 bits in the low bytes of 32."""
    S24_3LE = "S24_3LE"
    """24 bits in three bytes."""
    S32_LE = "S32_LE"
    FLOAT_LE = "FLOAT_LE"

    @property
    def sample_bytes(self) -> int:
        """Bytes that one sample of one channel takes."""
        return _SAMPLE_BYTES[self]


_SAMPLE_BYTES = {
    SampleFormat.S16_LE: 2,
    SampleFormat.S24_LE: 4,
    SampleFormat.S24_3LE: 3,
    SampleFormat.S32_LE: 4,
    SampleFormat.FLOAT_LE: 4,
}


@dataclass(frozen=True)
class StreamParameters:
    """Rate, format and channel count of one direction of a card."""

    rate_hz: int
    format: SampleFormat
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel (what ALSA calls a frame)."""
        return self.format.sample_bytes * self.channels

    def __str__(self) -> str:
        return f"{self.format.value} {self.rate_hz} Hz {self.channels} ch"
