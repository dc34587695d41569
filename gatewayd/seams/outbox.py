"""What waits to be sent: two lanes, one for control, one for sound."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from gatewayd.metrics.measurements import Histogram

AUDIO_CAPACITY_FRAMES = 45
"""0.9 s of 20 ms frames: after a stall the oldest frame sent is under 1 s old."""
AUDIO_AGE_LIMIT_S = 0.9
"""The same bound by the clock, for when capture itself paused while the link stalled."""


class Outbox:
    """Fresh sound beats complete sound; control messages beat both.

    The control lane is never dropped; it holds what the session machine says, which is one message a session. The audio
    lane is bounded by number and by age; the oldest frames are dropped and counted.
    One task takes; anyone on the same event loop puts. How old frames are when they are taken goes to `ages_s`.
    """

    def __init__(self, ages_s: Histogram) -> None:
        self._ages_s = ages_s
        self._control: deque[str] = deque()
        self._audio: deque[tuple[float, bytes]] = deque()
        self._filled = trio.Event()
        self.frames_dropped = 0
        self.frames_muted = 0
        """Captured before the station was muted, and not sent for that."""

    def put_text(self, text: str) -> None:
        """Queue a control message ahead of all sound."""
        self._control.append(text)
        self._filled.set()

    def put_audio(self, frame: bytes, now_s: float) -> None:
        """Queue a frame captured at `now_s` on the event loop's clock; the oldest goes if there are too many."""
        if len(self._audio) >= AUDIO_CAPACITY_FRAMES:
            self._audio.popleft()
            self.frames_dropped += 1
        self._audio.append((now_s, frame))
        self._filled.set()

    def clear(self) -> None:
        """Forget everything; frames are counted as dropped."""
        self.frames_dropped += len(self._audio)
        self._audio.clear()
        self._control.clear()

    def clear_audio(self) -> None:
        """Forget the frames, as nothing more is to be heard."""
        self.frames_muted += len(self._audio)
        self._audio.clear()

    def oldest_age_s(self) -> float:
        """How long the oldest frame has waited, in seconds; 0 while none does."""
        return trio.current_time() - self._audio[0][0] if self._audio else 0.0

    async def take(self) -> str | bytes:
        """Wait for the next message to send: text first, then the oldest frame that is still fresh.

        Cancelling takes nothing.
        """
        while True:
            if self._control:
                return self._control.popleft()
            now_s = trio.current_time()
            self._drop_stale(now_s)
            if self._audio:
                captured_s, frame = self._audio.popleft()
                self._ages_s.observe(now_s - captured_s)
                return frame
            self._filled = trio.Event()
            await self._filled.wait()

    def _drop_stale(self, now_s: float) -> None:
        while self._audio and now_s - self._audio[0][0] > AUDIO_AGE_LIMIT_S:
            self._audio.popleft()
            self.frames_dropped += 1
