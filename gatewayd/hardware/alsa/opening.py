"""Opening a PCM: what is asked of a card, and what it took."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import alsaaudio

from gatewayd.errors import DeviceRefused
from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.failures import opening_failure

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters

PERIOD_MAX_MS = 100
"""A card that wakes its reader less often than this holds speech back too long for a conversation."""
PERIODS_MIN = 2
"""With a single period the card writes where the reader reads."""

_log = logging.getLogger(__name__)


class Pcm(Protocol):
    """The part of `alsaaudio.PCM` that is used."""

    def info(self) -> dict[str, int | str]:
        """What was negotiated."""
        ...

    def read(self) -> tuple[int, bytes]:
        """Frames and their bytes; (0, b"") when there are none, (-EPIPE, b"") after an overrun."""
        ...

    def write(self, data: bytes | memoryview, /) -> int:
        """Frames taken; 0 when there is no room, -EPIPE after an underrun."""
        ...

    def state(self) -> int:
        """One of PCM_STATE_*."""
        ...

    def avail(self) -> int:
        """Frames that can be read or written at once; negative for an error."""
        ...

    def drop(self) -> int:
        """Stop at once."""
        ...

    def close(self) -> None:
        """Close, after a drain; see `close_pcm`."""
        ...

    def polldescriptors(self) -> list[tuple[int, int]]:
        """Descriptors and the events they are to be waited for with."""
        ...

    def polldescriptors_revents(self, ready: list[tuple[int, int]], /) -> int:
        """What happened, in terms of sound, from what happened to the descriptors."""
        ...


@dataclass(frozen=True)
class Opened:
    """An open PCM and the sizes it got."""

    pcm: Pcm
    period_frames: int
    buffer_frames: int


class Opener:
    """What is asked of a device, and the asking."""

    def __init__(
        self, device: str, parameters: StreamParameters, period_ms: int, buffer_ms: int, *, capture: bool
    ) -> None:
        self.device = device
        self.parameters = parameters
        self._period_frames = parameters.rate_hz * period_ms // 1000
        self._periods = max(PERIODS_MIN, -(-buffer_ms // period_ms))
        self._capture = capture
        self._failed_before = False

    def open(self) -> Opened:
        """A PCM that took what was asked. Raises `DeviceError` by what libasound said."""
        libasound.collect_messages()
        libasound.take_messages()
        if self._failed_before and (why := libasound.probe(self.device, capture=self._capture)):
            raise opening_failure(self.device, why, libasound.take_messages())
        self._failed_before = True
        try:
            pcm: Pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_CAPTURE if self._capture else alsaaudio.PCM_PLAYBACK,
                mode=alsaaudio.PCM_NONBLOCK,
                device=self.device,
                rate=self.parameters.rate_hz,
                channels=self.parameters.channels,
                format=getattr(alsaaudio, f"PCM_FORMAT_{self.parameters.format.value}"),
                periodsize=self._period_frames,
                periods=self._periods,
            )
        except alsaaudio.ALSAAudioError as error:
            raise opening_failure(self.device, error_text(error, self.device), libasound.take_messages()) from None
        self._failed_before = False
        try:
            return self._checked(pcm)
        except DeviceRefused:
            close_pcm(pcm)
            raise

    def _checked(self, pcm: Pcm) -> Opened:
        info = pcm.info()
        rate_hz, period_frames, buffer_frames = int(info["rate"]), int(info["period_size"]), int(info["buffer_size"])
        got = f"{info['format_name']} {rate_hz} Hz {info['channels']} ch"
        if got != str(self.parameters):
            raise DeviceRefused(
                self.device,
                f"asked for {self.parameters}, the card takes only {got}; set rate_hz, format and channels to what "
                "`arecord --dump-hw-params` (playback: `aplay`) lists, or name it plughw:… so that ALSA converts",
            )
        period_ms, buffer_ms = 1000 * period_frames / rate_hz, 1000 * buffer_frames / rate_hz
        if period_ms > PERIOD_MAX_MS or buffer_frames < PERIODS_MIN * period_frames:
            raise DeviceRefused(
                self.device,
                f"the card works in periods of {period_ms:.0f} ms in a buffer of {buffer_ms:.0f} ms; a conversation "
                f"needs periods of at most {PERIOD_MAX_MS} ms and a buffer of at least {PERIODS_MIN} of them",
            )
        _log.debug("%s: opened with %s, periods of %g ms, buffer of %g ms", self.device, got, period_ms, buffer_ms)
        return Opened(pcm, period_frames, buffer_frames)


def close_pcm(pcm: Pcm) -> None:
    """Close without draining first, whatever became of the card."""
    with contextlib.suppress(alsaaudio.ALSAAudioError):  # of a card that is gone: there is nothing left to drop
        pcm.drop()
    pcm.close()


def error_text(error: alsaaudio.ALSAAudioError, device: str) -> str:
    """The words of `strerror` alone."""
    return str(error).removesuffix(f" [{device}]")
