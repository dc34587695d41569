"""What one channel of a card is: sound, nothing, one value over and over, or cut off at full scale."""

from __future__ import annotations

from collections import deque
from math import log10
from typing import TYPE_CHECKING

from gatewayd.audio.formats import SampleFormat
from gatewayd.control.schema import ChannelStatus, MicrophoneHealth

if TYPE_CHECKING:
    from gatewayd.audio.looks import ChannelLook

STEPS_PER_S = 2
"""Verdicts are made twice a second: each costs the same however much sound it is about."""
WINDOW_STEPS = STEPS_PER_S
"""Steps that level, peak and clipping look back on: one second."""
DEAD_STEPS = 2 * STEPS_PER_S
"""Steps without any movement after which a channel counts as silent or stuck: two seconds."""
ALIVE_STEPS = STEPS_PER_S
"""Steps in a row with sound after which a channel that was silent or stuck is no finding any more."""
CLIPPING_SHARE = 0.005
"""Share of samples at full scale from which a channel counts as clipping.

A voice of 200 Hz that loses two or three samples of each period to full scale reaches several times as much; a knock on
the housing does not.
"""
CLIPPING_OVER_SHARE = 0.001
"""Share at or below which clipping is over; between the two it stays what it was."""
STILL_SPREAD = 2.0**-20
"""Distance between the least and the greatest sample of a step, as a share of full scale, up to which nothing moves.

It is eight steps of 24 bits. An I2S microphone whose membrane or clock is dead still sends its constant, and its
decimation filter dithers the last two or three of 24 bits: that is no sound. What is alive moves more: the noise of the
quietest microphones is at -110 dBFS, which spans 60 such steps and more, and one step of a converter of 18 bits (64) or
20 (16) in S32_LE is more by itself.
"""


def still_spread(sample_format: SampleFormat) -> float:
    """`STILL_SPREAD`, and 0 for 16 bits: there, any sample that differs is a step of the converter."""
    return 0.0 if sample_format is SampleFormat.S16_LE else STILL_SPREAD


class ChannelMonitor:
    """Level and health of one native channel, told one step (half a second) at a time."""

    def __init__(self, spread_max: float) -> None:
        self._spread_max = spread_max
        self._window: deque[ChannelLook] = deque(maxlen=WINDOW_STEPS)
        self._clipped: deque[float] = deque(maxlen=WINDOW_STEPS)
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after the device was opened again."""
        self._window.clear()
        self._clipped.clear()
        self._zero_steps = 0
        self._still_steps = 0
        self._moving_steps = 0
        self._moved = False
        self._clipping = False
        self._dead: MicrophoneHealth | None = None

    def moves(self, seen: ChannelLook) -> bool:
        """Whether there is any sound in it."""
        return seen.greatest - seen.least > self._spread_max

    def account(self, seen: ChannelLook, clipped_share: float) -> None:
        """Take the next step, and the share of its samples at full scale."""
        if self.moves(seen):
            self._moved = True
            self._moving_steps += 1
            self._still_steps = self._zero_steps = 0
        else:
            # A jump between steps is movement too; a constant that creeps, as that of a cold microphone does, is none.
            same = not self._window or abs(seen.middle - self._window[-1].middle) <= self._spread_max
            self._still_steps = self._still_steps + 1 if same else 1
            self._zero_steps = self._zero_steps + 1 if seen.least == seen.greatest == 0.0 else 0
            self._moving_steps = 0
        self._window.append(seen)
        self._clipped.append(clipped_share)
        self._judge_clipping()
        if self._zero_steps >= DEAD_STEPS:
            self._dead = MicrophoneHealth.SILENT
        elif self._still_steps >= DEAD_STEPS:
            self._dead = MicrophoneHealth.STUCK
        elif self._moving_steps >= ALIVE_STEPS:
            self._dead = None

    def _judge_clipping(self) -> None:
        share = sum(self._clipped) / len(self._clipped)
        if share >= CLIPPING_SHARE:
            self._clipping = True
        elif share <= CLIPPING_OVER_SHARE:
            self._clipping = False

    @property
    def health(self) -> MicrophoneHealth:
        """Starting, ok, silent, stuck or clipping.

        `starting` lasts for the first second and until anything has moved: what has given nothing is never ok.
        """
        if self._zero_steps >= DEAD_STEPS:
            return MicrophoneHealth.SILENT
        if self._still_steps >= DEAD_STEPS:
            return MicrophoneHealth.STUCK
        if len(self._window) < WINDOW_STEPS or not self._moved:
            return MicrophoneHealth.STARTING
        return MicrophoneHealth.CLIPPING if self._clipping else MicrophoneHealth.OK

    @property
    def dead(self) -> MicrophoneHealth | None:
        """Silent or stuck, until there was sound for a second: a loose contact is one finding, not one per crackle."""
        return self._dead

    @property
    def sounds(self) -> bool:
        """Whether there was sound for as long as it takes to call another channel dead."""
        return self._moving_steps >= DEAD_STEPS

    @property
    def power(self) -> float:
        """Mean square of the last second, in shares of full scale; 0.0 before the first and while nothing moves."""
        if self._still_steps or len(self._window) < WINDOW_STEPS:
            return 0.0
        return sum(seen.power for seen in self._window) / len(self._window)

    def status(self) -> ChannelStatus:
        """As `gatewayd status` prints it. The level leaves out the constant part, the peak does not."""
        if len(self._window) < WINDOW_STEPS:
            return ChannelStatus(None, None, self.health)
        power = sum(seen.power for seen in self._window) / len(self._window)
        peak = max(seen.peak for seen in self._window)
        return ChannelStatus(
            level_dbfs=10.0 * log10(2.0 * power) if power else None,
            peak_dbfs=20.0 * log10(peak) if peak else None,
            health=self.health,
        )
