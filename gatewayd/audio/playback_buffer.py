"""Received sound between the network, which brings it unevenly, and the card, which takes it evenly."""

from __future__ import annotations

from collections import deque
from math import ceil

from gatewayd.audio.formats import FRAME_BYTES, FRAME_MS

_BYTES_PER_MS = FRAME_BYTES / FRAME_MS


class PlaybackBuffer:
    """A bounded store of wire frames with a prebuffer.

    After it ran empty it gives nothing until `prebuffer_ms` are there, so that the next late frame is not heard. What
    is shorter than that, and what follows it too slowly, is given all the same once `take` was called for twice the
    prebuffer's time: `take` is to be called once for every 20 ms that the card plays, and that is the only clock here.

    Above `capacity_ms` the oldest frames are dropped and counted: fresh sound is worth more than complete sound. The
    service sends at the pace of speech; what piles up further has come late. Both lengths are rounded up to frames.
    Raises `ValueError` when the capacity is not at least one frame and the prebuffer, or the prebuffer is negative.
    """

    def __init__(self, *, prebuffer_ms: float = 60, capacity_ms: float = 1000) -> None:
        if prebuffer_ms < 0 or capacity_ms < max(FRAME_MS, prebuffer_ms):
            raise ValueError(
                f"prebuffer of {prebuffer_ms} ms and capacity of {capacity_ms} ms: the capacity must be at least "
                f"{FRAME_MS} ms and the prebuffer, the prebuffer at least 0 ms"
            )
        self._prebuffer_frames = ceil(prebuffer_ms / FRAME_MS)
        self._capacity_frames = ceil(capacity_ms / FRAME_MS)
        self._patience_takes = 2 * self._prebuffer_frames
        self._frames: deque[bytes] = deque()
        self._rest = b""
        self._waiting = True
        self._waited_takes = 0
        self._dropped = 0

    @property
    def buffered_ms(self) -> float:
        """How much sound is stored, in milliseconds."""
        return len(self._frames) * FRAME_MS + len(self._rest) / _BYTES_PER_MS

    @property
    def dropped(self) -> int:
        """Frames dropped because the store was full, ever; `clear` does not count."""
        return self._dropped

    def put(self, frame: bytes) -> None:
        """Store one received message.

        A message should be one frame of 640 bytes. Any other length is taken as a stretch of sound and regrouped;
        a last odd byte is no sample and is left out, so that it cannot shift all that follows.
        """
        if len(frame) == FRAME_BYTES and not self._rest:
            self._frames.append(frame)
        else:
            self._regroup(frame[: len(frame) // 2 * 2])
        while len(self._frames) > self._capacity_frames:
            self._frames.popleft()
            self._dropped += 1

    def _regroup(self, sound: bytes) -> None:
        sound = self._rest + sound
        whole = len(sound) // FRAME_BYTES * FRAME_BYTES
        self._frames.extend(sound[start : start + FRAME_BYTES] for start in range(0, whole, FRAME_BYTES))
        self._rest = sound[whole:]

    def take(self) -> bytes | None:
        """The next frame of 640 bytes; None while there is nothing to play.

        The end of what was received is filled up with silence where it is no whole frame.
        """
        if self._waiting and not self._ready():
            return None
        if self._frames:
            return self._frames.popleft()
        if self._rest:
            frame = self._rest.ljust(FRAME_BYTES, b"\0")
            self._rest = b""
            return frame
        self._wait()
        return None

    def _ready(self) -> bool:
        if not self._frames and not self._rest:
            return False
        if len(self._frames) < self._prebuffer_frames and self._waited_takes < self._patience_takes:
            self._waited_takes += 1
            return False
        self._waiting = False
        return True

    def clear(self) -> int:
        """Throw away what is stored, and wait for the prebuffer again; returns how many frames that were.

        An unfinished last frame counts as one. `dropped` does not grow: here it is wanted.
        """
        thrown_away = len(self._frames) + bool(self._rest)
        self._frames.clear()
        self._rest = b""
        self._wait()
        return thrown_away

    def _wait(self) -> None:
        self._waiting = True
        self._waited_takes = 0
