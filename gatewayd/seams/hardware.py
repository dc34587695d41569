"""Sound hardware as the stations see it: which it is, its mixer, its coming and going."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.hardware.settings import CaptureSettings, MixerSetting, PlaybackSettings, StationSettings
    from gatewayd.seams.audio import CaptureDevice, PlaybackDevice


class HardwareSource(Protocol):
    """Which card is one station's, asked before each opening: after a replug it may have another name."""

    def find(self) -> StationSettings:
        """The station's hardware as it is now; quick, and without a wait.

        Raises `DeviceMissing` when it is not there, `DeviceAmbiguous` when several could be meant, `DeviceRefused` when
        it is there and cannot do what was configured.
        """
        ...


class SoundDevices(Protocol):
    """Makes the devices that are opened; makes nothing but an object, and never fails."""

    def capture(self, settings: CaptureSettings) -> CaptureDevice:
        """The capture device of these settings."""
        ...

    def playback(self, settings: PlaybackSettings) -> PlaybackDevice:
        """The playback device of these settings."""
        ...


@dataclass(frozen=True)
class MixerReport:
    """What became of a profile's mixer settings."""

    changed: tuple[str, ...] = ()
    """What stood otherwise before, a line each: `PGA: 40 -> 52`; empty when all was as it should be."""
    problems: tuple[str, ...] = ()
    """Controls that are missing, took another value or refused, a line each that says what to do."""


class Mixer(Protocol):
    """A card's mixer; quick, and without a wait."""

    def apply(self, card_id: str, settings: Sequence[MixerSetting]) -> MixerReport:
        """Set every control that stands otherwise, and read back; setting twice changes nothing. Never raises for what
        a card can do: that is reported.
        """
        ...

    def capture_switched_off(self, card_id: str) -> str:
        """The control that mutes the microphone: its capture switch is off, or its volume at the very bottom; empty if
        there is none.
        """
        ...


class Hotplug(Protocol):
    """News of sound hardware that came or went."""

    async def changed(self) -> None:
        """Wait until sound hardware comes or goes after this call; the caller bounds the wait.

        Returns for each waiting task. Where the kernel's news cannot be had it waits for ever: whoever waits looks
        again by itself after a while. Cancelling changes nothing.
        """
        ...


class UsbPort(Protocol):
    """The kernel's side of a USB device."""

    async def reset(self, path: str) -> None:
        """Reset the device at a port (`1-1.2`), as unplugging it and plugging it in would; takes up to half a second.

        Raises `DeviceDenied` where this process may not, `DeviceMissing` where nothing is there, `DeviceLost` where the
        kernel refuses. A reset that has begun is not cancelled: it ends, and the cancelling comes after it.
        """
        ...
