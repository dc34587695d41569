"""Blocks of exact lengths out of bytes that come in any lengths."""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def block_samples(rate_hz: int, blocks_per_s: int) -> tuple[int, ...]:
    """Lengths, in samples, of consecutive blocks at `rate_hz`; they repeat, and are exact in the long run.

    At 11 025 Hz a 20 ms block is 220.5 samples: 220 and 221 in turn.
    """
    cycle = blocks_per_s // gcd(rate_hz, blocks_per_s)
    ends = [block * rate_hz // blocks_per_s for block in range(cycle + 1)]
    return tuple(end - start for start, end in pairwise(ends))


class BlockGatherer:
    """Cuts a stream of bytes into blocks; `sizes_bytes` is one cycle of their lengths.

    What does not fill a block yet, less than one block, is kept for the next call.
    """

    def __init__(self, sizes_bytes: Sequence[int]) -> None:
        self._sizes_bytes = tuple(sizes_bytes)
        self._next = 0
        self._rest = bytearray()

    def gather(self, data: bytes) -> list[bytes]:
        """Take all of `data` and return the blocks that are now complete, in order."""
        if not self._rest and len(data) == self._sizes_bytes[self._next]:
            # A card's period or a wire frame is one block, nearly always: nothing to cut or copy.
            self._advance()
            return [data]
        self._rest += data
        blocks = []
        start = 0
        while len(self._rest) - start >= self._sizes_bytes[self._next]:
            end = start + self._sizes_bytes[self._next]
            blocks.append(bytes(self._rest[start:end]))
            start = end
            self._advance()
        del self._rest[:start]
        return blocks

    def _advance(self) -> None:
        self._next = (self._next + 1) % len(self._sizes_bytes)

    def reset(self) -> None:
        """Forget the block that was begun, and begin the cycle anew."""
        self._next = 0
        self._rest.clear()
