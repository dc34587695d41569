"""Rate conversion of one channel, block by block, as one matrix product a block.

A block and the history before it lie in one buffer. A strided view of the buffer holds, row for row, the overlapping
stretches of sound from which a few outputs each are computed; one precomputed matrix, the same for every row,
holds the filter shifted to the place of each output. `rows x matrix` is then the whole polyphase filter. BLAS rounds
differently for different shapes, so a block always has its own fixed length: the caller gathers.
"""

from __future__ import annotations

from math import floor, gcd
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gatewayd.audio.filter_design import design_lowpass
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

ROW_SAMPLES = 16
"""Length of one row in samples of the lower rate, roughly: shorter slows BLAS, longer fills the matrix with zeros."""


@dataclass(frozen=True)
class BlockLengths:
    """Samples in and out of one block."""

    inputs: int
    outputs: int


class RateConversion(Protocol):
    """One channel from one rate to another, in blocks whose lengths repeat in a fixed cycle."""

    @property
    def delay_s(self) -> float:
        """What the filter itself delays sound by, in seconds."""
        ...

    @property
    def rooms(self) -> Sequence[Samples]:
        """For each block of the cycle, where its input is to be written before `run`."""
        ...

    def run(self, block: int) -> Samples:
        """Convert what was written to `rooms[block]`; blocks must follow one another as in the cycle.

        The result is overwritten by later blocks, and the caller may overwrite it.
        """
        ...

    def reset(self) -> None:
        """Forget all sound so far; the next block must be the first of the cycle."""
        ...


def make_rate_conversion(
    rate_in_hz: int, rate_out_hz: int, *, cycle: Sequence[BlockLengths], gain: float
) -> RateConversion:
    """Convert between two rates and multiply by `gain`; `cycle` is one cycle of block lengths.

    In a cycle the inputs must be to the outputs exactly as the rates are.
    """
    if rate_in_hz == rate_out_hz:
        return SameRate(cycle, gain=gain)
    return Resampler(rate_in_hz, rate_out_hz, cycle=cycle, gain=gain)


class SameRate:
    """No conversion, only gain."""

    delay_s = 0.0

    def __init__(self, cycle: Sequence[BlockLengths], *, gain: float) -> None:
        self.rooms = [np.zeros(block.inputs, np.float32) for block in cycle]
        self._gain = np.array(gain, np.float32)
        self._unity = gain == 1.0

    def run(self, block: int) -> Samples:
        """Apply the gain."""
        room = self.rooms[block]
        if not self._unity:
            np.multiply(room, self._gain, out=room)
        return room

    def reset(self) -> None:
        """Do nothing: there is no history."""


@dataclass(frozen=True)
class _Block:
    """One block of the cycle: views into the shared buffer, the matrix, and where results go."""

    rows: Samples
    matrix: Samples
    products: Samples
    outputs: Samples
    tail: Samples


class Resampler:
    """Polyphase conversion with a linear-phase low-pass; every output that its input allows is returned at once.

    The delay is a whole number of input samples, the least with which the last output of every block needs no input
    that is still to come.
    """

    def __init__(self, rate_in_hz: int, rate_out_hz: int, *, cycle: Sequence[BlockLengths], gain: float) -> None:
        self._rate_in_hz = rate_in_hz
        self._kernel = design_lowpass(rate_in_hz, rate_out_hz)
        half_width = self._kernel.half_width_s * rate_in_hz
        positions = _output_positions(rate_in_hz, rate_out_hz, cycle)
        overhang = max(float(place[-1]) - (block.inputs - 1) for place, block in zip(positions, cycle, strict=True))
        self._delay = floor(half_width + overhang)
        history = floor(half_width + self._delay)
        self._buffer: Samples = np.zeros(history + max(block.inputs for block in cycle), np.float32)
        self._history = self._buffer[:history]
        self.rooms = [self._buffer[history : history + block.inputs] for block in cycle]
        self._blocks = [
            self._lay_out(block, place, _row_count(block, rate_in_hz, rate_out_hz), gain)
            for block, place in zip(cycle, positions, strict=True)
        ]

    @property
    def delay_s(self) -> float:
        """What the low-pass delays sound by, in seconds."""
        return self._delay / self._rate_in_hz

    def _lay_out(self, block: BlockLengths, positions: npt.NDArray[np.float64], rows: int, gain: float) -> _Block:
        history = len(self._history)
        inputs, outputs = block.inputs // rows, block.outputs // rows
        taps = np.arange(-history, inputs)
        matrix = self._kernel.at((positions[:outputs] - self._delay - taps[:, np.newaxis]) / self._rate_in_hz)
        # Every output gets exactly the same gain for a constant, or a DC offset would turn into a tone.
        matrix *= gain / matrix.sum(axis=0)
        products = np.empty((rows, outputs), np.float32)
        itemsize = self._buffer.itemsize
        return _Block(
            rows=np.lib.stride_tricks.as_strided(
                self._buffer, (rows, history + inputs), (inputs * itemsize, itemsize), writeable=False
            ),
            matrix=matrix.astype(np.float32),
            products=products,
            outputs=products.reshape(-1),
            tail=self._buffer[block.inputs : block.inputs + history],
        )

    def run(self, block: int) -> Samples:
        """Convert what was written to `rooms[block]`."""
        plan = self._blocks[block]
        plan.rows.dot(plan.matrix, plan.products)
        self._history[...] = plan.tail
        return plan.outputs

    def reset(self) -> None:
        """Forget all sound so far."""
        self._buffer.fill(0.0)


def _output_positions(
    rate_in_hz: int, rate_out_hz: int, cycle: Sequence[BlockLengths]
) -> list[npt.NDArray[np.float64]]:
    """For each block, where its outputs lie in time, in input samples from the first input of the block."""
    positions = []
    first_input = first_output = 0
    for block in cycle:
        numbers = first_output + np.arange(block.outputs)
        # Multiplied before it is divided: exact wherever an output falls on an input.
        positions.append(numbers * rate_in_hz / rate_out_hz - first_input)
        first_input += block.inputs
        first_output += block.outputs
    return positions


def _row_count(block: BlockLengths, rate_in_hz: int, rate_out_hz: int) -> int:
    """Into how many equal rows the block is cut: one matrix serves all, so each must start at the same phase."""
    if block.inputs * rate_out_hz != block.outputs * rate_in_hz:
        return 1
    common = gcd(block.inputs, block.outputs)
    divisors = [count for count in range(1, common + 1) if common % count == 0]
    return min(divisors, key=lambda count: abs(min(block.inputs, block.outputs) // count - ROW_SAMPLES))
