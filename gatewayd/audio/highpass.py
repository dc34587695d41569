"""A streaming high-pass filter that takes away DC and rumble.

It is a second-order Butterworth section, a recursion that would run sample by sample. Here a block is computed with two
matrix products instead: a recursion is linear in its input and in the two numbers it remembers, so both the outputs of
a stretch of sound and what is remembered at its end are matrices that can be precomputed. The block is cut into short
rows, because a matrix over the whole block would be a hundred times larger.

Source of the coefficients: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients"
(W3C Group Note, "Audio EQ Cookbook"), HPF with Q = 1/sqrt(2).
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

ROW_SAMPLES = 32
"""Samples in one row."""
SILENCE = 1e-15
"""Below this the memory of the filter is set to zero: it would shrink for ever, and the smallest numbers are slow."""


class HighPass:
    """12 dB per octave below `cutoff_hz`, where it is 3 dB down; no ripple above.

    Takes blocks of `block_samples`, a multiple of 32. Calculates in double precision: after a gain of 30 dB the DC of
    an I2S microphone is far above full scale, and what is left must still be accurate to one 16-bit step.
    Raises `ValueError` unless the cut-off lies between 0 and half of `rate_hz`.
    """

    def __init__(self, cutoff_hz: float, *, rate_hz: int, block_samples: int) -> None:
        if not 0.0 < cutoff_hz < rate_hz / 2:
            raise ValueError(f"high-pass cut-off of {cutoff_hz} Hz: must lie between 0 and {rate_hz // 2} Hz")
        rows = block_samples // ROW_SAMPLES
        row_outputs, row_states = _row_matrices(cutoff_hz, rate_hz)
        self._row_outputs = row_outputs
        self._block_states = _block_states(row_states, rows)
        # the whole block and what is remembered from before it; then the same by rows
        self._block = np.zeros(block_samples + 2)
        self._rows = np.zeros((rows, ROW_SAMPLES + 2))
        self._states = np.zeros(2 * rows + 2)
        self._outputs = np.zeros((rows, ROW_SAMPLES))

    def run(self, samples: npt.NDArray[np.float32]) -> None:
        """Filter one block in place."""
        self._block[:-2] = samples
        self._block.dot(self._block_states, self._states)
        self._rows[:, :-2] = samples.reshape(self._outputs.shape)
        self._rows[:, -2:] = self._states[:-2].reshape(-1, 2)
        self._rows.dot(self._row_outputs, self._outputs)
        samples[:] = self._outputs.reshape(-1)
        first, second = self._states[-2:].tolist()
        self._block[-2] = first if abs(first) > SILENCE else 0.0
        self._block[-1] = second if abs(second) > SILENCE else 0.0

    def reset(self) -> None:
        """Forget all sound so far."""
        self._block.fill(0.0)


def _state_space(cutoff_hz: float, rate_hz: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """The section in transposed direct form II: `y = b0 x + s[0]`, then `s = A s + b x`; returns A, b and b0."""
    omega = 2.0 * pi * cutoff_hz / rate_hz
    alpha = sin(omega) / sqrt(2.0)
    b0 = (1.0 + cos(omega)) / 2.0 / (1.0 + alpha)
    b1, b2 = -2.0 * b0, b0
    a1, a2 = -2.0 * cos(omega) / (1.0 + alpha), (1.0 - alpha) / (1.0 + alpha)
    return np.array([[-a1, 1.0], [-a2, 0.0]]), np.array([b1 - a1 * b0, b2 - a2 * b0]), b0


def _row_matrices(cutoff_hz: float, rate_hz: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a row of samples followed by the state before it gives: its outputs, and the state after it.

    Shapes (row + 2, row) and (row + 2, 2); found by running the recursion on each unit vector.
    """
    transition, drive, direct = _state_space(cutoff_hz, rate_hz)
    vectors = np.eye(ROW_SAMPLES + 2)
    outputs = np.zeros((ROW_SAMPLES + 2, ROW_SAMPLES))
    states = vectors[:, ROW_SAMPLES:].copy()
    for sample in range(ROW_SAMPLES):
        inputs = vectors[:, sample]
        outputs[:, sample] = direct * inputs + states[:, 0]
        states = states @ transition.T + np.outer(inputs, drive)
    return outputs, states


def _block_states(row_states: npt.NDArray[np.float64], rows: int) -> npt.NDArray[np.float64]:
    """What a block followed by the state before it gives: the state before each row, and after the last.

    Shape (rows * row + 2, rows * 2 + 2).
    """
    vectors = np.eye(rows * ROW_SAMPLES + 2)
    states = vectors[:, -2:].copy()
    columns = [states]
    for row in range(rows):
        inputs = vectors[:, row * ROW_SAMPLES : (row + 1) * ROW_SAMPLES]
        states = np.hstack([inputs, states]) @ row_states
        columns.append(states)
    return np.hstack(columns)
