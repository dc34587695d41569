"""Makes the ALSA devices that stations open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.hardware.alsa.opening import Openings
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice, AlsaPlaybackDevice

if TYPE_CHECKING:
    from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings


class AlsaDevices:
    """ALSA's devices; implements `seams.hardware.SoundDevices`.

    One for the whole daemon: it remembers which devices did not open, whoever tried. `root` is where /proc and /dev are
    looked for when a message is to name who holds a device; devices themselves are opened by libasound, which knows no
    such root.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._openings = Openings(root)

    def capture(self, settings: CaptureSettings) -> AlsaCaptureDevice:
        """The capture device of these settings."""
        return AlsaCaptureDevice(settings, self._openings)

    def playback(self, settings: PlaybackSettings) -> AlsaPlaybackDevice:
        """The playback device of these settings."""
        return AlsaPlaybackDevice(settings, self._openings)
