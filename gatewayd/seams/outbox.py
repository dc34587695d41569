"""What waits to be sent: two lanes, one for control, one for sound."""

from __future__ import annotations

from collections import deque

import trio

AUDIO_CAPACITY_FRAMES = 45
"""0.9 s of 20 ms frames: after a stall the oldest frame sent is under 1 s old."""
AUDIO_AGE_LIMIT_S = 0.9
"""The same bound by the clock, for when capture itself paused while the link stalled."""


class Outbox:
    """Fresh sound beats complete sound; control messages beat both.

    The control lane is never dropped; it holds what the session machine says, which is one message a session. The audio
    lane is bounded by number and by age; the oldest frames are dropped and counted.
    One task takes; anyone on the same event loop puts.
    """

    def __init__(self) -> None:
        self._control: deque[str] = deque()
        self._audio: deque[tuple[float, bytes]] = deque()
        self._filled = trio.Event()
        self.frames_dropped = 0

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

    async def take(self) -> str | bytes:
        """Wait for the next message to send: text first, then the oldest frame that is still fresh.

        Cancelling takes nothing.
        """
        while True:
            if self._control:
                return self._control.popleft()
            self._drop_stale(trio.current_time())
            if self._audio:
                return self._audio.popleft()[1]
            self._filled = trio.Event()
            await self._filled.wait()

    def _drop_stale(self, now_s: float) -> None:
        while self._audio and now_s - self._audio[0][0] > AUDIO_AGE_LIMIT_S:
            self._audio.popleft()
            self.frames_dropped += 1
