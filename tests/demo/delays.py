"""How long sound is under way: from the card to the service, from the service to the card, and from mouth to ear.

All times are CLOCK_MONOTONIC of one machine: the software card tells when which of its frames was sampled or played,
the service when which wire frame passed. What relates the two is the sound itself, found in both places. Sound arrays
are one channel at 16 kHz, full scale at 1.0.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import FRAME_SAMPLES, WIRE_RATE_HZ
from tests.demo.alignment import JUMP_SAMPLES, REACH_SAMPLES, WINDOW_FRAMES, WINDOW_SAMPLES, find_lag, local_lags
from tests.softcard.timeline import EventKind, FrameNeverPassed

if TYPE_CHECKING:
    import numpy.typing as npt

    from tests.demo.recordings import Recorded
    from tests.softcard.timeline import Timeline

    Sound = npt.NDArray[np.float64]

CONVERSION_MAX_SAMPLES = 2 * WIRE_RATE_HZ // 1000
"""Most that the conversion from the card may delay by: 2 ms."""


class NotMeasurable(Exception):
    """The recordings do not allow the figure; says why."""


@dataclass(frozen=True)
class Delays:
    """A figure for each frame or window that could be measured, in milliseconds."""

    ms: tuple[float, ...]
    unplaced: int = 0
    """Frames or windows whose place in the sound could not be told; they are not among `ms`."""

    @property
    def p50_ms(self) -> float:
        """The median."""
        return float(np.percentile(self.ms, 50))

    @property
    def p99_ms(self) -> float:
        """The 99th percentile."""
        return float(np.percentile(self.ms, 99))

    @property
    def max_ms(self) -> float:
        """The longest."""
        return max(self.ms)


def to_service(sentence: Sound, heard: Recorded, capture: Timeline, card_rate_hz: int) -> Delays:
    """From the moment the last card sample of a 20 ms block can be read, to the frame's arrival at the service.

    The daemon turns blocks of exactly 20 ms into one wire frame each, counted from the start of the stream. So the
    sound of heard frame i lies in card block K + i, where K is how many frames were captured before the service heard
    the first; the correlation with `sentence`, which begins with the card's first frame, gives K. That holds only while
    the stream never broke: raises `NotMeasurable` if it did.
    """
    _require_unbroken(capture)
    first = _first_block(sentence, heard)
    block = card_rate_hz * FRAME_SAMPLES // WIRE_RATE_HZ
    ends = [(first + number + 1) * block for number in range(heard.frames)]
    try:
        return Delays(
            tuple((int(at) - capture.time_ns(end)) / 1e6 for at, end in zip(heard.times_ns, ends, strict=True))
        )
    except FrameNeverPassed as error:
        raise NotMeasurable(str(error)) from None


def from_service(said: Recorded, played: Sound, playback: Timeline, card_rate_hz: int) -> Delays:
    """From the moment the service sends a frame until the frame's first sample leaves the card.

    `played` is the whole of what the card played, brought to 16 kHz. Each half second of what was said is found in it
    on its own, as a gap in playback shifts what follows; frames of a half second that cannot be found, or that lies at
    a gap, count as `unplaced`. Raises `NotMeasurable` where none can be.
    """
    ms: list[float] = []
    lags = _window_lags(played, said.samples)
    for number in range(len(lags) * WINDOW_FRAMES):
        lag = lags[number // WINDOW_FRAMES]
        with suppress(FrameNeverPassed):
            if lag is not None:
                left_ns = _passed_ns(playback, number * FRAME_SAMPLES + lag, card_rate_hz)
                ms.append((left_ns - int(said.times_ns[number])) / 1e6)
    if not ms:
        raise NotMeasurable("nothing of what the service said is found in what the card played")
    return Delays(tuple(ms), unplaced=len(lags) * WINDOW_FRAMES - len(ms))


def mouth_to_ear(sentence: Sound, played: Sound, capture: Timeline, playback: Timeline, card_rate_hz: int) -> Delays:
    """From the moment a sample enters the microphone until it leaves the speaker: one figure for each half second."""
    ms: list[float] = []
    lags = _window_lags(sentence, played)
    for number, lag in enumerate(lags):
        with suppress(FrameNeverPassed):
            if lag is not None:
                place = number * WINDOW_SAMPLES
                left_ns = _passed_ns(playback, place, card_rate_hz)
                ms.append((left_ns - _passed_ns(capture, place + lag, card_rate_hz)) / 1e6)
    if not ms:
        raise NotMeasurable("nothing of the sentence is found in what the card played")
    return Delays(tuple(ms), unplaced=len(lags) - len(ms))


def _window_lags(reference: Sound, recording: Sound) -> list[float | None]:
    """Of each half second of the recording; None also beside a change, which may lie inside the window."""
    lag = find_lag(reference, recording)
    lags = local_lags(reference, recording, lag, window=WINDOW_SAMPLES, reach=REACH_SAMPLES)
    changes = {
        number
        for number, (before, after) in enumerate(pairwise(lags))
        if before is not None and after is not None and abs(before - after) > JUMP_SAMPLES
    }
    return [None if {number - 1, number} & changes else lag for number, lag in enumerate(lags)]


def _first_block(sentence: Sound, heard: Recorded) -> int:
    """How many blocks the card captured before the one that became the first heard frame."""
    if heard.frames < WINDOW_FRAMES:
        raise NotMeasurable(f"the service heard {heard.frames} frames; at least {WINDOW_FRAMES} are needed")
    lag = find_lag(sentence, heard.samples)
    for number, local in enumerate(
        local_lags(sentence, heard.samples, lag, window=WINDOW_SAMPLES, reach=REACH_SAMPLES)
    ):
        if local is None or abs(local - lag) > JUMP_SAMPLES:
            begin_s = number * WINDOW_SAMPLES / WIRE_RATE_HZ
            raise NotMeasurable(f"what the service heard {begin_s:.1f} s after its first frame does not continue it")
    first = int(np.ceil(lag / FRAME_SAMPLES))
    conversion = first * FRAME_SAMPLES - lag
    if first < 0 or conversion > CONVERSION_MAX_SAMPLES:
        raise NotMeasurable(f"wire frames do not begin with the card's blocks: they are {conversion:.1f} samples late")
    return first


def _require_unbroken(capture: Timeline) -> None:
    for kind in (EventKind.XRUN, EventKind.STALL, EventKind.ERROR, EventKind.GONE, EventKind.SOUND):
        if capture.of(kind):
            raise NotMeasurable(f"the card's capture had an event `{kind.value}`")
    if len(capture.of(EventKind.START)) != 1:
        raise NotMeasurable(f"the card's capture was started {len(capture.of(EventKind.START))} times, not once")


def _passed_ns(timeline: Timeline, position: float, card_rate_hz: int) -> int:
    """When the card passed a place given in 16 kHz samples, which may lie between two card frames.

    Raises `FrameNeverPassed`.
    """
    exact = position * card_rate_hz / WIRE_RATE_HZ
    whole = int(np.floor(exact))
    return timeline.time_ns(whole) + round((exact - whole) / card_rate_hz * 1e9)
