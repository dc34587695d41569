"""Where a station's mute is kept over restarts."""

from __future__ import annotations

from typing import Protocol


class MuteStore(Protocol):
    """One station's. Both raise `OSError`, and take as long as a memory card does."""

    def read(self) -> bool:
        """Whether the station was muted when the mute was last kept."""
        ...

    def write(self, *, muted: bool) -> None:
        """Keep this, so that it survives a power cut too."""
        ...
