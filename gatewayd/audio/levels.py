"""How loud the microphone is, and whether it is one at all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import FRAME_MS
from gatewayd.control.schema import MicrophoneHealth

if TYPE_CHECKING:
    import numpy.typing as npt

STEP_FRAMES = 5
"""Frames measured at once, 100 ms: the fixed cost of a measurement is shared between them."""
WINDOW_STEPS = 10
"""Steps that level, peak and clipping look back on: one second."""
CONSTANT_STEPS = 20
"""Steps of one and the same value after which a microphone counts as silent or stuck: two seconds.

Rooms are never that quiet: a converter's last bit moves all the time.
"""
CLIPPING_SHARE = 0.005
"""Share of samples at full scale from which a microphone counts as clipping.

A voice of 200 Hz that loses two or three samples of each period to full scale reaches several times as much; a knock on
the housing does not.
"""
CLIPPING_OVER_SHARE = 0.001
"""Share at or below which clipping is over; between the two it stays what it was."""

_FULL_SCALE = 32768.0
_STEPS_PER_S = 1000 // (FRAME_MS * STEP_FRAMES)


@dataclass(frozen=True)
class _Step:
    """What one measurement found."""

    samples: int
    energy: float
    least: int
    greatest: int
    at_full_scale: int


class LevelMeter:
    """Level, peak and health of one channel of 16-bit sound, fed frame by frame.

    Time is counted in frames of 20 ms, so that sound that does not come changes nothing here: that is the capture's to
    notice. `missing` and `muted` are not the sound's to say, so they never come from here.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._window: deque[_Step] = deque(maxlen=WINDOW_STEPS)
        self._steps = 0
        self._constant_steps = 0
        self._clipping = False

    def feed(self, frame: bytes | npt.NDArray[np.int16]) -> None:
        """Take one frame: s16le bytes or numbers, any whole number of samples. An empty one does not count."""
        data = frame if isinstance(frame, bytes) else frame.astype("<i2").tobytes()
        if not data:
            return
        self._pending.append(data)
        if len(self._pending) == STEP_FRAMES:
            samples = np.frombuffer(b"".join(self._pending), "<i2")
            self._pending.clear()
            self._account(_measure(samples))

    def _account(self, step: _Step) -> None:
        previous = self._window[-1] if self._window else step
        constant = step.least == step.greatest
        same = constant and previous.least == previous.greatest == step.least
        self._constant_steps = self._constant_steps + 1 if same else int(constant)
        self._window.append(step)
        self._steps += 1
        share = sum(one.at_full_scale for one in self._window) / sum(one.samples for one in self._window)
        if share >= CLIPPING_SHARE:
            self._clipping = True
        elif share <= CLIPPING_OVER_SHARE:
            self._clipping = False

    @property
    def level_dbfs(self) -> float | None:
        """RMS of the last second relative to a full-scale sine; None before the first second and for digital zero."""
        if len(self._window) < WINDOW_STEPS:
            return None
        energy = sum(step.energy for step in self._window)
        if energy == 0.0:
            return None
        mean_square = energy / sum(step.samples for step in self._window)
        return 10.0 * log10(mean_square / (_FULL_SCALE**2 / 2.0))

    @property
    def peak_dbfs(self) -> float | None:
        """Greatest sample of the last second relative to full scale; None as with `level_dbfs`."""
        if len(self._window) < WINDOW_STEPS:
            return None
        peak = max(max(step.greatest, -step.least) for step in self._window)
        return 20.0 * log10(peak / _FULL_SCALE) if peak else None

    @property
    def health(self) -> MicrophoneHealth:
        """What the sound says of the microphone: starting, ok, silent, stuck or clipping.

        `starting` lasts for the first second, and for as long as there was nothing but one value and it is not yet
        decided: a microphone that has given nothing is never ok.
        """
        if self._constant_steps >= CONSTANT_STEPS:
            return MicrophoneHealth.STUCK if self._window[-1].greatest else MicrophoneHealth.SILENT
        if self._steps < WINDOW_STEPS or self._constant_steps == self._steps:
            return MicrophoneHealth.STARTING
        return MicrophoneHealth.CLIPPING if self._clipping else MicrophoneHealth.OK

    def reset(self) -> None:
        """Begin anew, as after the device was opened again."""
        self._pending.clear()
        self._window.clear()
        self._steps = 0
        self._constant_steps = 0
        self._clipping = False


def _measure(samples: npt.NDArray[np.int16]) -> _Step:
    numbers = samples.astype(np.float32)
    least, greatest = int(samples.min()), int(samples.max())
    at_full_scale = 0
    if greatest == 32767 or least == -32768:
        at_full_scale = int(np.count_nonzero((samples == 32767) | (samples == -32768)))
    return _Step(len(samples), float(numbers.dot(numbers)), least, greatest, at_full_scale)
