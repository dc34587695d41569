"""How loud each channel of a card was over a stretch of its own sound."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.blocks import BlockGatherer, block_samples
from gatewayd.audio.formats import FRAME_MS, SampleFormat
from gatewayd.audio.samples import READ_FULL_SCALE, make_reader
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters

_BLOCKS_PER_S = 1000 // FRAME_MS
_LAST_STEP = {SampleFormat.S16_LE: 2.0**-15}
_LAST_STEP_OTHERWISE = 2.0**-23
"""Converters behind wider formats have 24 bits at most, and leave the rest of a full-scale sample zero."""


@dataclass(frozen=True)
class StretchLevel:
    """One channel over one stretch; of digital zero, or of no sound at all, neither level is known."""

    level_dbfs: float | None
    """RMS relative to a full-scale sine."""
    peak_dbfs: float | None
    """Greatest sample relative to full scale."""
    clipped: int
    """Samples at full scale."""


class StretchMeter:
    """Measures native interleaved sound, channel by channel, until it is asked.

    It works in blocks of 20 ms: less than one at the end of the last `feed` is measured with the next.
    """

    def __init__(self, parameters: StreamParameters) -> None:
        lengths = block_samples(parameters.rate_hz, _BLOCKS_PER_S)
        self._gatherer = BlockGatherer([length * parameters.frame_bytes for length in lengths])
        self._rooms = [np.zeros(length, np.float32) for length in lengths]
        self._readers = [
            [make_reader(parameters, (channel,), room) for channel in range(parameters.channels)]
            for room in self._rooms
        ]
        self._full_scale = READ_FULL_SCALE[parameters.format]
        self._clips_from = self._full_scale * (1.0 - _LAST_STEP.get(parameters.format, _LAST_STEP_OTHERWISE))
        self._turn = 0
        self._samples = 0
        self._channels = parameters.channels
        self._energy = [0.0] * parameters.channels
        self._peak = [0.0] * parameters.channels
        self._clipped = [0] * parameters.channels

    def feed(self, data: bytes) -> None:
        """Take sound, cut anywhere."""
        for block in self._gatherer.gather(data):
            self._measure(block)

    def take(self) -> list[StretchLevel]:
        """The level of every channel since the last call; the next stretch begins."""
        levels = [self._level(channel) for channel in range(self._channels)]
        self._samples = 0
        self._energy = [0.0] * self._channels
        self._peak = [0.0] * self._channels
        self._clipped = [0] * self._channels
        return levels

    def reset(self) -> None:
        """Forget the block that was begun: what comes next has nothing to do with it."""
        self._gatherer.reset()
        self._turn = 0

    def _measure(self, block: bytes) -> None:
        room, readers = self._rooms[self._turn], self._readers[self._turn]
        self._turn = (self._turn + 1) % len(self._rooms)
        self._samples += len(room)
        for channel, reader in enumerate(readers):
            reader.read(block)
            peak = max(float(room.max()), -float(room.min()))
            self._peak[channel] = max(self._peak[channel], peak)
            if peak >= self._clips_from:
                self._clipped[channel] += int(np.count_nonzero(np.abs(room) >= self._clips_from))
            np.divide(room, self._full_scale, out=room)  # squares of 32-bit samples would lose the quiet ones
            self._energy[channel] += float(room.dot(room))

    def _level(self, channel: int) -> StretchLevel:
        peak, energy = self._peak[channel], self._energy[channel]
        if peak == 0.0:
            return StretchLevel(None, None, 0)
        return StretchLevel(
            level_dbfs=10.0 * log10(2.0 * energy / self._samples) if energy else None,
            peak_dbfs=20.0 * log10(peak / self._full_scale),
            clipped=self._clipped[channel],
        )
