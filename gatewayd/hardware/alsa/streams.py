"""Sound through ALSA: pyalsaaudio without blocking, waited for by trio on the card's own poll descriptors.

What shaped it, read in the source of pyalsaaudio 0.11 or seen with libasound 1.2.8:

* The first read or write starts a stream; opening does not. Both start again by themselves after an overrun.
* Another rate, format, channel count or period than was asked for is taken without a word: it is read back here.
* Errors carry only the text of `strerror`; an overrun is returned as -EPIPE, "nothing yet" as 0.
* After the machine slept a stream is SUSPENDED, and the next read or write fails with ESTRPIPE ("Streams pipe error").
  Neither library resumes it by itself, and few drivers can: closing and opening anew works for all.
* Opening, closing and `drop` hold the interpreter lock, so a thread would gain nothing: a driver that blocks in them
  blocks the process, and nothing within it can help. What they wait for is the device's answer, over I2C or over USB,
  where the kernel gives each request up after 5 s at most. Opening is non-blocking: it waits for no other program.
* `close` of a playback stream drains it first: `drop` before.
* A closed PCM must not be touched; some calls on one abort the process.
"""

from __future__ import annotations

import errno
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import alsaaudio
import trio

from gatewayd.errors import DeviceError, DeviceLost, DeviceStalled
from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.alsa.opening import Opener, Openings, close_pcm, error_text
from gatewayd.hardware.alsa.polling import Descriptors
from gatewayd.hardware.failures import stream_failure
from gatewayd.seams.audio import CapturedBlock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gatewayd.audio.formats import StreamParameters
    from gatewayd.hardware.alsa.opening import Opened, Pcm
    from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings

PROGRESS_LIMIT_S = 2.0
"""How long an open device may neither give nor take a sample: twenty of the longest periods that are accepted."""
XRUNS_IN_A_ROW_MAX = 8
"""Overruns (or underruns) without a sample between them, after which the stream is closed and opened anew."""

_T = TypeVar("_T")


class AlsaCaptureDevice:
    """A capture device by its ALSA name. `openings`: shared by devices that follow one another, as settings change."""

    def __init__(self, settings: CaptureSettings, openings: Openings | None = None) -> None:
        self._opener = Opener(
            settings.device,
            settings.parameters,
            settings.period_ms,
            settings.buffer_ms,
            capture=True,
            openings=openings or Openings(),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AlsaCaptureStream]:
        """Open and start; see `seams.audio.CaptureDevice`. Takes no time that another task could use."""
        await trio.lowlevel.checkpoint_if_cancelled()
        stream = AlsaCaptureStream(self._opener.open(), self._opener)
        try:
            stream.start()
            yield stream
        finally:
            stream.close()


class AlsaPlaybackDevice:
    """A playback device by its ALSA name; `openings` as for capture."""

    def __init__(self, settings: PlaybackSettings, openings: Openings | None = None) -> None:
        self._opener = Opener(
            settings.device,
            settings.parameters,
            settings.period_ms,
            settings.buffer_ms,
            capture=False,
            openings=openings or Openings(),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AlsaPlaybackStream]:
        """Open; see `seams.audio.PlaybackDevice`. Takes no time that another task could use."""
        await trio.lowlevel.checkpoint_if_cancelled()
        stream = AlsaPlaybackStream(self._opener.open(), self._opener)
        try:
            yield stream
        finally:
            stream.close()


class _Stream:
    """What capture and playback have in common: an open PCM, and the wait for it."""

    def __init__(self, opened: Opened, opener: Opener) -> None:
        self._period_frames = opened.period_frames
        self._buffer_frames = opened.buffer_frames
        self._open_pcm: Pcm | None = opened.pcm
        self._device = opener.device
        self._parameters = opener.parameters
        self._descriptors = Descriptors(opened.pcm.polldescriptors())
        self._xruns_in_a_row = 0

    @property
    def device(self) -> str:
        """The ALSA name it was opened by."""
        return self._device

    @property
    def parameters(self) -> StreamParameters:
        """What was asked and, read back from the card, negotiated."""
        return self._parameters

    @property
    def _pcm(self) -> Pcm:
        if self._open_pcm is None:
            raise DeviceLost(self._device, "the stream is closed")
        return self._open_pcm

    def _call(self, operation: Callable[[], _T]) -> _T:
        try:
            return operation()
        except alsaaudio.ALSAAudioError as error:
            raise self._failure(error) from None

    def _failure(self, error: alsaaudio.ALSAAudioError) -> DeviceError:
        return stream_failure(self._device, error_text(error, self._device), libasound.take_messages())

    def _count_xrun(self) -> None:
        self._xruns_in_a_row += 1
        if self._xruns_in_a_row > XRUNS_IN_A_ROW_MAX:
            raise DeviceLost(
                self._device, f"{XRUNS_IN_A_ROW_MAX} overruns or underruns in a row without a sample between them"
            )

    async def _wait(self, until: float) -> None:
        """Sleep until the card has something to say. Raises `DeviceStalled` at `until` on trio's clock."""
        with trio.CancelScope(deadline=until):
            try:
                ready = await self._descriptors.wait()
                while not self._pcm.polldescriptors_revents(ready):  # woken for something of the driver's own
                    ready = await self._descriptors.wait()
            except OSError as error:
                raise DeviceLost(self._device, f"its poll descriptor cannot be waited for: {error.strerror}") from None
            except alsaaudio.ALSAAudioError as error:
                raise self._failure(error) from None
            return
        raise DeviceStalled(
            self._device,
            f"open, but no sound moved for {PROGRESS_LIMIT_S:g} s; if this goes on, unplug the device and plug it in "
            "again, or look for its driver in `dmesg`",
        )

    def close(self) -> None:
        """Close for good, at once; a wait still under way in another task ends with `trio.ClosedResourceError`."""
        pcm, self._open_pcm = self._open_pcm, None
        if pcm is not None:
            self._descriptors.close()
            close_pcm(pcm)


class AlsaCaptureStream(_Stream):
    """An open capture stream; see `seams.audio.CaptureStream`."""

    _gap = False
    _early = b""

    def start(self) -> None:
        """Read once: streams run from their first read on. Raises `DeviceLost`."""
        frames = -errno.EPIPE
        while frames < 0:
            frames, self._early = self._read()

    async def receive(self) -> CapturedBlock:
        """All whole periods there are, at least one; see `seams.audio.CaptureStream`."""
        until = trio.current_time() + PROGRESS_LIMIT_S
        while True:
            await self._wait(until)
            data, overran = self._drain()
            if data:
                block = CapturedBlock(data, overrun=self._gap)
                self._gap = overran
                return block
            if overran:
                self._gap = True
                until = trio.current_time() + PROGRESS_LIMIT_S

    def _drain(self) -> tuple[bytes, bool]:
        """All whole periods there are, and whether an overrun ended them.

        What is there of the next period stays: without it that period would never be full, nobody would be woken for
        it, and its sound would come up to 20 ms late.
        """
        blocks, self._early = [self._early], b""
        available = self._pcm.avail()  # negative for an error, which the read tells
        for _ in range(max(1, available // self._period_frames)):
            frames, data = self._read()
            if frames < 0:
                self.start()
                return b"".join(blocks), True
            blocks.append(data)
        return b"".join(blocks), False

    def _read(self) -> tuple[int, bytes]:
        frames, data = self._call(self._pcm.read)
        if frames == -errno.EPIPE:
            self._count_xrun()
        elif frames > 0:
            self._xruns_in_a_row = 0
        return frames, data


class AlsaPlaybackStream(_Stream):
    """An open playback stream; see `seams.audio.PlaybackStream`."""

    _underruns = 0

    @property
    def underruns(self) -> int:
        """How often the card ran dry and was started anew, since the stream was opened."""
        return self._underruns

    @property
    def queued_s(self) -> float:
        """Seconds of sound the card still has to play; 0 when it stands still, whatever the reason."""
        if self._open_pcm is None or self._open_pcm.state() != alsaaudio.PCM_STATE_RUNNING:
            return 0.0
        room = self._open_pcm.avail()  # negative: it ran dry, or is gone
        return (self._buffer_frames - room) / self._parameters.rate_hz if room >= 0 else 0.0

    async def send(self, data: bytes) -> None:
        """Hand over whole frames; see `seams.audio.PlaybackStream`. Does not yield while the card has room."""
        await trio.lowlevel.checkpoint_if_cancelled()
        frame_bytes = self._parameters.frame_bytes
        if len(data) % frame_bytes:
            raise ValueError(f"{len(data)} bytes are no whole number of {frame_bytes}-byte frames")
        rest = memoryview(data)
        until = trio.current_time() + PROGRESS_LIMIT_S
        while rest:
            taken = self._write(rest)
            if taken == 0:
                await self._wait(until)
            elif taken > 0:
                rest = rest[taken * frame_bytes :]
                until = trio.current_time() + PROGRESS_LIMIT_S

    async def stop(self) -> None:
        """Throw away what is queued, at once. Raises `DeviceLost`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._call(self._pcm.drop)

    def _write(self, data: memoryview) -> int:
        taken = self._call(lambda: self._pcm.write(data))
        if taken == -errno.EPIPE:
            self._underruns += 1
            self._count_xrun()
        elif taken > 0:
            self._xruns_in_a_row = 0
        return taken
