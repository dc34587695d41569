"""Sound that tells where it belongs, and what a process has open."""

from __future__ import annotations

from pathlib import Path

PERIOD = 960
"""Frames in 20 ms at 48 kHz."""


def sound_of(frames: int, *, first: int = 0) -> bytes:
    """S32_LE stereo of which each frame tells its own number, on both channels."""
    return b"".join(number.to_bytes(4, "little") * 2 for number in range(first, first + frames))


def open_descriptors() -> int:
    """How many file descriptors this process has open, the one that counts them included."""
    return len(list(Path("/proc/self/fd").iterdir()))
