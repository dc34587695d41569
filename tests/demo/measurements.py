"""From what the processes left on disk to the figures of the summary."""

from __future__ import annotations

import shutil
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import FRAME_S, WIRE_RATE_HZ
from tests.demo import delays
from tests.demo.alignment import Similarity, similarity
from tests.demo.delays import Delays, NotMeasurable
from tests.demo.recordings import RecordingUnusable, SessionRecording, read_session
from tests.demo.sentence import CARD_RATE_HZ, resample
from tests.softcard.timeline import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tests.demo.conversation import Course
    from tests.demo.plan import Plan, Workplace
    from tests.demo.sentence import Sentence
    from tests.softcard.timeline import Timeline

    Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NotAvailable:
    """In place of a figure: why there is none."""

    why: str


@dataclass(frozen=True)
class CardRecording:
    """What the software card heard, played and noted."""

    sentence: Sentence
    played: bytes
    """Interleaved S32_LE in two channels at 48 kHz."""
    capture: Timeline
    playback: Timeline


@dataclass(frozen=True)
class CardFigures:
    """What only the software card makes known."""

    to_service: Delays | NotAvailable
    from_service: Delays | NotAvailable
    mouth_to_ear: Delays | NotAvailable
    heard: Similarity
    played: Similarity
    """The worse of the two channels."""
    xruns: int
    """Of both directions, as the card itself counted them."""
    sentence_sound: Sound
    played_sound: Sound
    """Both at 16 kHz."""


@dataclass(frozen=True)
class Measurements:
    """All that is known of a conversation once it is over."""

    plan: Plan
    course: Course
    recording: SessionRecording
    frames_expected_out: float
    frames_out: int
    """Wire frames that arrived at the service during the conversation."""
    frames_expected_in: float
    frames_in: int
    """Wire frames of the agent's that arrived at the daemon."""
    card: CardFigures | None
    """None with a real card."""


def measure(plan: Plan, place: Workplace, course: Course, card: CardRecording | None) -> Measurements:
    """Read everything, and leave both WAV files at the top of the work folder; `card` is None for a real card.

    Raises `RecordingUnusable`.
    """
    recording = read_session(place.recordings)
    shutil.copyfile(recording.heard_wav, place.heard_wav)
    if card is None:
        shutil.copyfile(recording.said_wav, place.said_wav)
    return Measurements(
        plan=plan,
        course=course,
        recording=recording,
        frames_expected_out=course.talked_s / FRAME_S,
        frames_out=recording.heard.frames_between(course.begun_ns, course.ended_ns),
        frames_expected_in=(course.talked_s - plan.echo_delay_s) / FRAME_S,
        frames_in=course.last.frames_received,
        card=_card_figures(place, course, recording, card) if card is not None else None,
    )


def _card_figures(place: Workplace, course: Course, recording: SessionRecording, card: CardRecording) -> CardFigures:
    starts = card.capture.of(EventKind.START)
    if not starts:
        raise RecordingUnusable("the card's microphone was never started")
    heard_s = (course.ended_ns - starts[0].time_ns) / 1e9
    native = np.frombuffer(card.played, "<i4").reshape(-1, 2)
    _write_played(place, native)
    if not len(native):
        raise RecordingUnusable("the card's speaker played nothing")
    channels = [resample(native[:, channel] / 2**31, CARD_RATE_HZ, WIRE_RATE_HZ) for channel in range(2)]
    known, played = card.sentence.until(heard_s).as_agent_should_hear(), channels[0]
    return CardFigures(
        to_service=_figure(lambda: delays.to_service(known, recording.heard, card.capture, CARD_RATE_HZ)),
        from_service=_figure(lambda: delays.from_service(recording.said, played, card.playback, CARD_RATE_HZ)),
        mouth_to_ear=_figure(lambda: delays.mouth_to_ear(known, played, card.capture, card.playback, CARD_RATE_HZ)),
        heard=similarity(known, recording.heard.samples),
        played=min(
            (similarity(known, channel, gaps_allowed=True) for channel in channels), key=lambda result: result.value
        ),
        xruns=len(card.capture.of(EventKind.XRUN)) + len(card.playback.of(EventKind.XRUN)),
        sentence_sound=known,
        played_sound=played,
    )


def _figure(measured: Callable[[], Delays]) -> Delays | NotAvailable:
    try:
        return measured()
    except NotMeasurable as reason:
        return NotAvailable(str(reason))


def _write_played(place: Workplace, native: npt.NDArray[np.int32]) -> None:
    """As the card played it: 48 kHz, stereo, 32 bit."""
    with wave.open(str(place.played_wav), "wb") as file:
        file.setparams((2, 4, CARD_RATE_HZ, 0, "NONE", ""))
        file.writeframes(native.tobytes())
