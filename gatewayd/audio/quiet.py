"""A microphone that is far too quiet, told from a quiet night.

All levels are what the agent hears: after `gain_db`, RMS relative to a full-scale sine. Speech at 1 m is about 60 dB
SPL. The least sensitive common microphones (I2S MEMS, -26 dBFS at 94 dB SPL) turn that into -60 dBFS without gain; set
up well, it is at about -30. The quietest rooms have 25 dB SPL, 35 dB under speech.
"""

from __future__ import annotations

from collections import deque
from math import log10

from gatewayd.audio.channel_health import STEPS_PER_S

DAY_HOURS = 24
DAY_QUIET_DBFS = -60.0
"""The loudest second of a day must reach this: the level of speech at 1 m into a microphone without any gain.

A microphone that was set up well reaches it with nothing to hear at all: its own noise is as loud as a room of 30 dB
SPL. So a day on which nobody came raises no alarm there.
"""
HOUR_QUIET_DBFS = -95.0
"""The loudest second of an hour must reach this: speech at -60 dBFS would bring the quietest room's noise to it."""
OVER_DB = 6.0
"""How far above its limit a second must be for a microphone to be quiet no more."""
GATE_STEPS = 60 * STEPS_PER_S
"""A minute below `HOUR_QUIET_DBFS` that ends with sound shows a noise gate, as speakerphones have one: then an hour
like that is nothing odd, and only the day decides."""

_HOUR_STEPS = 3600 * STEPS_PER_S


def _power(level_dbfs: float) -> float:
    return float(0.5 * 10.0 ** (level_dbfs / 10.0))


_DAY_QUIET = _power(DAY_QUIET_DBFS)
_DAY_OVER = _power(DAY_QUIET_DBFS + OVER_DB)
_HOUR_QUIET = _power(HOUR_QUIET_DBFS)
_HOUR_OVER = _power(HOUR_QUIET_DBFS + OVER_DB)


class QuietMonitor:
    """Remembers the loudest second of each hour, for a day. Time is counted in sound, so time without any adds nothing.

    It is not reset when a device is opened again: a microphone that fails every hour would never be found quiet.
    """

    def __init__(self) -> None:
        self._hours: deque[float] = deque(maxlen=DAY_HOURS)
        self._hour_steps = 0
        self._hour_loudest = 0.0
        self._below_steps = 0
        self._gated = False
        self._quiet_day = False
        self._quiet_hour = False

    def feed(self, power: float) -> None:
        """Take the power of the last second, half a second after the one before; 0.0 (nothing moves) does not count."""
        if power == 0.0:
            return
        self._follow_floor(power)
        if power >= _DAY_OVER:
            self._quiet_day = False
        self._hour_loudest = max(self._hour_loudest, power)
        self._hour_steps += 1
        if self._hour_steps == _HOUR_STEPS:
            self._hours.append(self._hour_loudest)
            self._hour_steps = 0
            self._hour_loudest = 0.0
            if len(self._hours) == DAY_HOURS and max(self._hours) < _DAY_QUIET:
                self._quiet_day = True

    def _follow_floor(self, power: float) -> None:
        if power < _HOUR_QUIET:
            self._below_steps += 1
            self._quiet_hour = self._quiet_hour or (self._below_steps >= _HOUR_STEPS and not self._gated)
            return
        if power >= _DAY_OVER and self._below_steps >= GATE_STEPS:
            self._gated = True
        if power >= _HOUR_OVER:
            self._quiet_hour = False
        self._below_steps = 0

    @property
    def quiet_day_dbfs(self) -> float | None:
        """Level of the loudest second of the last day, once a whole day stayed below `DAY_QUIET_DBFS` and while nothing
        was clearly above it since; else None."""
        return 10.0 * log10(2.0 * max(*self._hours, self._hour_loudest)) if self._quiet_day else None

    @property
    def quiet_hour(self) -> bool:
        """Whether a whole hour stayed below `HOUR_QUIET_DBFS`, and nothing was clearly above it since."""
        return self._quiet_hour
