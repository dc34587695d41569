"""Sound devices as the stations see them; `hardware.alsa` is one adapter, tests bring others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatewayd.audio.formats import StreamParameters


@dataclass(frozen=True)
class CapturedBlock:
    """What a capture stream had ready: whole interleaved frames in the card's own format."""

    data: bytes
    overrun: bool = False
    """Sound was lost right before this block: the card's buffer ran over and was started anew."""


class CaptureStream(Protocol):
    """An open, running capture stream, owned by one task."""

    @property
    def device(self) -> str:
        """The ALSA name it was opened by."""
        ...

    @property
    def parameters(self) -> StreamParameters:
        """What was negotiated, read back from the card."""
        ...

    async def receive(self) -> CapturedBlock:
        """Wait for sound and take all there is.

        Raises `DeviceLost` when the device failed, `DeviceStalled` when it gave nothing for the stream's own limit.
        Cancelling loses nothing that was not yet returned.
        """
        ...


class PlaybackStream(Protocol):
    """An open playback stream, owned by one task."""

    @property
    def device(self) -> str:
        """The ALSA name it was opened by."""
        ...

    @property
    def parameters(self) -> StreamParameters:
        """What was negotiated, read back from the card."""
        ...

    @property
    def underruns(self) -> int:
        """How often the card ran dry and was started anew, since the stream was opened."""
        ...

    @property
    def queued_s(self) -> float:
        """Seconds of sound that were sent and the card has not played yet, by its own count; 0 when it stands still."""
        ...

    async def send(self, data: bytes) -> None:
        """Hand whole interleaved frames to the card, waiting for room.

        Raises `DeviceLost` and `DeviceStalled` as capture does. Cancelling may leave a part of `data` unplayed.
        """
        ...

    async def stop(self) -> None:
        """Throw away what the card has not played yet; the next `send` starts it again."""
        ...


class CaptureDevice(Protocol):
    """How to open a capture stream; opened again and again over a device's life."""

    def open(self) -> AbstractAsyncContextManager[CaptureStream]:
        """Open and start; the stream is closed on leaving the block, however it is left.

        Raises `DeviceMissing`, `DeviceBusy`, `DeviceDenied`, `DeviceRefused` or `DeviceLost` on entering.
        """
        ...


class PlaybackDevice(Protocol):
    """How to open a playback stream."""

    def open(self) -> AbstractAsyncContextManager[PlaybackStream]:
        """Open; the stream is closed, what is unplayed thrown away, on leaving the block. Raises as capture does."""
        ...
