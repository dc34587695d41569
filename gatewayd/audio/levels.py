"""How loud what the agent hears is."""

from __future__ import annotations

from collections import deque
from math import log10
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

STEP_FRAMES = 5
"""Frames measured at once, 100 ms: the fixed cost of a measurement is shared between them."""
WINDOW_STEPS = 10
"""Steps that level and peak look back on: one second."""

_FULL_SCALE = 32768.0


class _Step(NamedTuple):
    """What one measurement found."""

    samples: int
    energy: float
    least: int
    greatest: int


class LevelMeter:
    """Level and peak of one channel of 16-bit sound, fed frame by frame.

    It measures wire frames, after conversion and gain; what the card's own samples say of the microphone is
    `audio.health`'s to tell.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._window: deque[_Step] = deque(maxlen=WINDOW_STEPS)

    def feed(self, frame: bytes | npt.NDArray[np.int16]) -> None:
        """Take one frame: s16le bytes or numbers, any whole number of samples. An empty one does not count."""
        data = frame if isinstance(frame, bytes) else frame.astype("<i2").tobytes()
        if not data:
            return
        self._pending.append(data)
        if len(self._pending) == STEP_FRAMES:
            self._window.append(_measure(b"".join(self._pending)))
            self._pending.clear()

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

    def reset(self) -> None:
        """Begin anew, as after the device was opened again."""
        self._pending.clear()
        self._window.clear()


def _measure(data: bytes) -> _Step:
    samples = np.frombuffer(data, "<i2")
    numbers = samples.astype(np.float32)
    return _Step(len(samples), float(numbers.dot(numbers)), int(samples.min()), int(samples.max()))
