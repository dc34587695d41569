"""What a software sound card did and when: its timeline files, read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NS_PER_S = 1_000_000_000


class Direction(str, Enum):
    """The two streams of a card."""

    CAPTURE = "capture"
    PLAYBACK = "playback"


class EventKind(str, Enum):
    """What happened; softcard.c tells what frame and time mean for each."""

    OPEN = "open"
    START = "start"
    STOP = "stop"
    XRUN = "xrun"
    STALL = "stall"
    GO = "go"
    RATE = "rate"
    SOUND = "sound"
    ERROR = "error"
    GONE = "gone"
    CLOSE = "close"


@dataclass(frozen=True)
class Event:
    """One line of a timeline."""

    kind: EventKind
    time_ns: int
    """CLOCK_MONOTONIC, as `time.monotonic_ns()` gives it."""
    frame: int
    """Capture: frames since the first start after open. Playback: position in what was played."""
    frames_per_s: float
    """How fast the card's clock runs; 0 where the stream or the clock stands, or the clock is moved by hand."""
    details: dict[str, str] = field(default_factory=dict)
    """`open` carries format, rate, channels, period, buffer; `error` carries errno."""


class FrameNeverPassed(LookupError):
    """The card's clock did not run over this frame, or nothing tells when."""


@dataclass(frozen=True)
class Timeline:
    """The events of one direction of a card, oldest first, over all openings."""

    events: tuple[Event, ...]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def of(self, *kinds: EventKind) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if event.kind in kinds]

    @property
    def kinds(self) -> list[EventKind]:
        """What happened, without when and where."""
        return [event.kind for event in self.events]

    def time_ns(self, frame: int) -> int:
        """When `frame` began at the card (CLOCK_MONOTONIC): left it in playback, was sampled in capture.

        A captured frame can be read one frame's length later. After several openings the latest counts. Raises
        `FrameNeverPassed` for a frame in a gap, cut off, or moved by hand.
        """
        for index in range(len(self.events) - 1, -1, -1):
            event = self.events[index]
            if event.kind not in _RUNNING_SINCE or event.frames_per_s <= 0 or event.frame > frame:
                continue
            time_ns = event.time_ns + round((frame - event.frame) * NS_PER_S / event.frames_per_s)
            if index + 1 < len(self.events) and time_ns > self.events[index + 1].time_ns:
                break
            return time_ns
        raise FrameNeverPassed(f"no clock of the card ran over frame {frame}")


_RUNNING_SINCE = (EventKind.START, EventKind.GO, EventKind.RATE, EventKind.SOUND)


def parse_timeline(text: str) -> Timeline:
    """Read a timeline file; a last line still being written is left out. Raises `ValueError` for any other text."""
    whole, _, _ = text.rpartition("\n")
    return Timeline(tuple(_parse_event(line) for line in whole.splitlines()))


def _parse_event(line: str) -> Event:
    kind, time_ns, frame, frames_per_s, *details = line.split(" ")
    pairs = dict(word.split("=", 1) for word in details)
    return Event(EventKind(kind), int(time_ns), int(frame), float(frames_per_s), pairs)
