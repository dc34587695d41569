"""Who answers: an echo, a tone, a recording. Agents are pure; the session's clock drives them."""

from __future__ import annotations

import math
import struct
import wave
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatewayd.audio.formats import FRAME_BYTES, FRAME_S, WIRE_RATE_HZ
from gatewayd.errors import ConfigurationInvalid, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
NEVER = math.inf
ECHO_DELAY_MAX_S = 10.0
"""An echo later than this is of no use, and its queue would grow with it."""
CATCH_UP_FRAMES = 50
"""After a standstill a paced agent says at most this much (1 s) at once and leaves the rest unsaid."""


class Agent(Protocol):
    """One side of one session's conversation. Times are seconds on the session's clock."""

    @property
    def due(self) -> float:
        """When there is something to say next; `NEVER` for nothing."""
        ...

    def start(self, now: float) -> None:
        """The agent is ready and may speak; called once."""
        ...

    def hear(self, frame: bytes, now: float) -> None:
        """Take one frame of 640 bytes, heard at `now`; not called before `start`."""
        ...

    def speak(self, now: float) -> Sequence[bytes]:
        """All frames that are due by `now`, each 640 bytes."""
        ...


class Echo:
    """Says every frame again, `delay_s` after it was heard; with no delay in the same breath."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = min(delay_s, ECHO_DELAY_MAX_S)
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=round(ECHO_DELAY_MAX_S / FRAME_S) * 2)

    @property
    def due(self) -> float:
        """When the oldest frame waiting is to be said."""
        return self._waiting[0][0] if self._waiting else NEVER

    def start(self, now: float) -> None:
        """Nothing to prepare."""

    def hear(self, frame: bytes, now: float) -> None:
        """Keep the frame for later."""
        self._waiting.append((now + self._delay_s, frame))

    def speak(self, now: float) -> Sequence[bytes]:
        """Frames whose delay is over."""
        frames = []
        while self._waiting and self._waiting[0][0] <= now:
            frames.append(self._waiting.popleft()[1])
        return frames


class Player:
    """Says given frames, one every 20 ms counted from the start, so that lateness never adds up."""

    def __init__(self, frames: Sequence[bytes], *, loop: bool) -> None:
        self._frames = frames
        self._loop = loop
        self._started_at = NEVER
        self._next = 0

    @property
    def due(self) -> float:
        """When the next frame is to be said."""
        if not self._loop and self._next >= len(self._frames):
            return NEVER
        return self._started_at + self._next * FRAME_S

    def start(self, now: float) -> None:
        """Begin with the first frame, now."""
        self._started_at = now

    def hear(self, frame: bytes, now: float) -> None:
        """Does not listen."""

    def speak(self, now: float) -> Sequence[bytes]:
        """Frames due by now; what a standstill of over a second left behind is skipped."""
        behind = int((now - self.due) / FRAME_S) - CATCH_UP_FRAMES if self.due <= now else 0
        self._next += max(behind, 0)
        frames = []
        while self.due <= now:
            frames.append(self._frames[self._next % len(self._frames)])
            self._next += 1
        return frames


def tone_frames(frequency_hz: int = 440, level_dbfs: float = -12.0) -> tuple[bytes, ...]:
    """Frames of a sine that may be repeated without a seam: one second, any whole number of hertz."""
    amplitude = 32767 * 10 ** (level_dbfs / 20)
    step = 2 * math.pi * frequency_hz / WIRE_RATE_HZ
    samples = [round(amplitude * math.sin(step * n)) for n in range(WIRE_RATE_HZ)]
    data = struct.pack(f"<{WIRE_RATE_HZ}h", *samples)
    return _cut(data)


def read_wav_frames(path: Path) -> tuple[bytes, ...]:
    """Frames of a WAV file, the last one filled up with silence.

    Raises `ConfigurationInvalid` for a file that cannot be read or is not mono, 16 bit, 16 kHz PCM.
    """
    try:
        with wave.open(str(path), "rb") as file:
            kind = (file.getframerate(), file.getnchannels(), file.getsampwidth() * 8)
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, RuntimeError, wave.Error) as error:  # RuntimeError: a chunk longer than its file
        detail = error.strerror if isinstance(error, OSError) else str(error) or "ends too early"
        raise _unusable(path, f"cannot be read as WAV: {detail}") from None
    if kind != (WIRE_RATE_HZ, 1, 16):
        rate_hz, channels, bits = kind
        raise _unusable(path, f"is {rate_hz} Hz, {channels} channels, {bits} bit; must be 16000 Hz, 1 channel, 16 bit")
    if not data:
        raise _unusable(path, "holds no sound")
    return _cut(data)


def _cut(data: bytes) -> tuple[bytes, ...]:
    data += bytes(-len(data) % FRAME_BYTES)
    return tuple(data[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES))


def _unusable(path: Path, what: str) -> ConfigurationInvalid:
    return ConfigurationInvalid([Problem(str(path), "", what)])


def agent_factory(name: str, *, echo_delay_s: float = 0.0) -> Callable[[], Agent]:
    """What makes an agent for each session: `echo`, `tone`, or the path of a WAV file, which is read here, once.

    Raises `ConfigurationInvalid` as `read_wav_frames`.
    """
    if name == "echo":
        return lambda: Echo(echo_delay_s)
    if name == "tone":
        tone = tone_frames()
        return lambda: Player(tone, loop=True)
    frames = read_wav_frames(Path(name))
    return lambda: Player(frames, loop=False)
