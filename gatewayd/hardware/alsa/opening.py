"""Opening a PCM: what is asked of a card, and what it took."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import alsaaudio

from gatewayd.errors import DeviceError, DeviceRefused
from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.alsa.capabilities import offered, offers
from gatewayd.hardware.alsa.explaining import why_not_opened
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.audio.formats import StreamParameters
    from gatewayd.hardware.offers import Offer

PERIOD_MAX_MS = 100
"""A card that wakes its reader less often than this holds speech back too long for a conversation."""
PERIODS_MIN = 2
"""With a single period the card writes where the reader reads."""
FAILURES_MAX = 32
"""More devices than stations may have, twice over."""

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


class Openings:
    """What all openings have in common: where /proc and /dev are, and which devices did not open the last time.

    Those are looked at before they are asked again, as pyalsaaudio loses 80 bytes each time it opens one in vain.
    Others are not: looking opens and closes a device, which for some takes time. Of more than `FAILURES_MAX` names the
    oldest is forgotten, which costs those 80 bytes once.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self._failed: dict[tuple[str, bool], None] = {}

    def failed_before(self, device: str, *, capture: bool) -> bool:
        """Whether the last opening failed."""
        return (device, capture) in self._failed

    def note(self, device: str, *, capture: bool, failed: bool) -> None:
        """Remember how an opening went."""
        self._failed.pop((device, capture), None)
        if failed:
            self._failed[device, capture] = None
            if len(self._failed) > FAILURES_MAX:
                del self._failed[next(iter(self._failed))]


class Opener:
    """What is asked of a device, and the asking."""

    def __init__(
        self,
        device: str,
        parameters: StreamParameters,
        period_ms: int,
        buffer_ms: int,
        *,
        capture: bool,
        openings: Openings,
    ) -> None:
        self.device = device
        self.parameters = parameters
        self._period_frames = parameters.rate_hz * period_ms // 1000
        self._periods = max(PERIODS_MIN, -(-buffer_ms // period_ms))
        self._capture = capture
        self._openings = openings

    def open(self) -> Opened:
        """A PCM that took what was asked. Raises `DeviceError` by what libasound said."""
        libasound.collect_messages()
        libasound.take_messages()
        if self._openings.failed_before(self.device, capture=self._capture) and (
            why := libasound.probe(self.device, capture=self._capture, parameters=self.parameters)
        ):
            raise self._failure(why)
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
            self._openings.note(self.device, capture=self._capture, failed=True)
            raise self._failure(error_text(error, self.device)) from None
        self._openings.note(self.device, capture=self._capture, failed=False)
        info = pcm.info()
        if got := self._other_parameters(info):
            close_pcm(pcm)
            raise self._refusal(f"the card took {got}", self._offers())
        if objection := self._bad_sizes(info):
            close_pcm(pcm)
            raise DeviceRefused(self.device, objection)
        return Opened(pcm, int(info["period_size"]), int(info["buffer_size"]))

    def _failure(self, text: str) -> DeviceError:
        error = why_not_opened(self.device, text, capture=self._capture, root=self._openings.root)
        if isinstance(error, DeviceRefused) and not offered(self.parameters, known := self._offers()):
            return self._refusal(f"the card refused ({text})", known)
        return error

    def _offers(self) -> tuple[Offer, ...]:
        try:
            return offers(self.device, capture=self._capture, root=self._openings.root)
        except DeviceError:  # it went away this moment: the next attempt will say so
            return ()

    def _other_parameters(self, info: Mapping[str, int | str]) -> str:
        got = f"{info['format_name']} {info['rate']} Hz {info['channels']} ch"
        return "" if got == str(self.parameters) else got

    def _refusal(self, answer: str, known: tuple[Offer, ...]) -> DeviceRefused:
        told = "; or ".join(map(str, known)) or "nothing that gatewayd reads"
        return DeviceRefused(
            self.device,
            f"asked for {self.parameters}, {answer}; it offers {told}: set rate_hz, format and channels to that, or "
            "name it plughw:… so that ALSA converts",
        )

    def _bad_sizes(self, info: Mapping[str, int | str]) -> str:
        rate_hz, period_frames, buffer_frames = int(info["rate"]), int(info["period_size"]), int(info["buffer_size"])
        period_ms, buffer_ms = 1000 * period_frames / rate_hz, 1000 * buffer_frames / rate_hz
        if period_ms > PERIOD_MAX_MS or buffer_frames < PERIODS_MIN * period_frames:
            return (
                f"the card works in periods of {period_ms:.0f} ms in a buffer of {buffer_ms:.0f} ms; a conversation "
                f"needs periods of at most {PERIOD_MAX_MS} ms and a buffer of at least {PERIODS_MIN} of them"
            )
        _log.debug(
            "%s: opened with %s, periods of %g ms, buffer of %g ms", self.device, self.parameters, period_ms, buffer_ms
        )
        return ""


def close_pcm(pcm: Pcm) -> None:
    """Close without draining first, whatever became of the card."""
    with contextlib.suppress(alsaaudio.ALSAAudioError):  # of a card that is gone: there is nothing left to drop
        pcm.drop()
    pcm.close()


def error_text(error: alsaaudio.ALSAAudioError, device: str) -> str:
    """The words of `strerror` alone."""
    return str(error).removesuffix(f" [{device}]")
