"""Sound of the demo's tests, between bytes and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.demo.sentence import CARD_RATE_HZ, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]


def from_wire(frames: Sequence[bytes]) -> Sound:
    """Wire frames as one array, full scale at 1.0."""
    return np.frombuffer(b"".join(frames), "<i2") / 2**15


def from_card(data: bytes) -> Sound:
    """The left slot of S32_LE in two channels at 48 kHz, brought to 16 kHz."""
    return resample(np.frombuffer(data, "<i4").reshape(-1, 2)[:, 0] / 2**31, CARD_RATE_HZ, 16_000)
