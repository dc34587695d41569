"""From a synthetic conversation whose truth is known, through the files, to figures, checks and summary."""

from __future__ import annotations

import io
import wave
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.sim.recording import Recording
from tests.demo.conversation import Course
from tests.demo.measurements import CardRecording, Measurements, NotAvailable, measure
from tests.demo.plan import I2S_MICROPHONE, SOFTWARE_CARD, Plan, Workplace, workplace
from tests.demo.process_usage import Usage
from tests.demo.recordings import RecordingUnusable
from tests.demo.statuses import snapshot
from tests.demo.summary import print_summary
from tests.demo.verdict import Result, judge, passed
from tests.softcard.timeline import parse_timeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.demo.sentence import Sentence

FRAMES = 500
FIRST = 23
FRAME_NS = 20_000_000
CAPTURE_NS = 1_000_000_000
READY_NS = CAPTURE_NS + (FIRST + 1) * FRAME_NS
SPEAKER_NS = READY_NS + 45_000_000
COURSE = Course(
    begun_ns=READY_NS,
    ended_ns=READY_NS + FRAMES * FRAME_NS,
    ready_after_s=0.6,
    last=snapshot(
        frames_sent=FRAMES,
        frames_received=FRAMES,
        frames_played=FRAMES,
        stalled=0,
        unplayed=0,
        capture_xruns=0,
        underruns=0,
    ),
    usage=Usage(resident_peak_mb=47.0, resident_mb=46.0, cpu_s=1.5),
    cpu_talking_s=0.7,
    exit_code=0,
    stop_s=0.05,
)
THERE_MS = 1000 * CaptureConverter(I2S_MICROPHONE, pick=[0]).delay_s
BACK_MS = 1000 * PlaybackConverter(I2S_MICROPHONE).delay_s
PLAN = Plan(SOFTWARE_CARD, 10.0, 0.0, lenient_timing=False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """For a conversation of a test's own."""
    with workplace(tmp_path / "demo") as place:
        yield place


@pytest.fixture(scope="module")
def good_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Where the good conversation lies."""
    with workplace(tmp_path_factory.mktemp("good")) as place:
        yield place


def service_records(place: Workplace, frames: list[bytes], delay_ms: float) -> None:
    """Each frame arrives so long after its block was complete, and is said again at once."""
    with closing(Recording(place.recordings, 1)) as recording:
        for number, frame in enumerate(frames):
            at_ns = READY_NS + number * FRAME_NS + round(delay_ms * 1e6)
            recording.heard(at_ns, frame)
            recording.said(at_ns, frame)


def card_records(sentence: Sentence, frames: list[bytes]) -> CardRecording:
    converter = PlaybackConverter(I2S_MICROPHONE)
    return CardRecording(
        sentence,
        b"".join(converter.feed(frame) for frame in frames),
        capture=parse_timeline(f"start {CAPTURE_NS} 0 48000.0\n"),
        playback=parse_timeline(f"start {SPEAKER_NS} 0 48000.0\n"),
    )


@pytest.fixture(scope="module")
def good(good_place: Workplace, sentence: Sentence, wire_frames: list[bytes]) -> Measurements:
    """3 ms to the service, and an echo that passes 45 ms after the agent was ready for the first time."""
    frames = wire_frames[FIRST : FIRST + FRAMES]
    service_records(good_place, frames, delay_ms=3.0)
    return measure(PLAN, good_place, COURSE, card_records(sentence, frames))


def failures(measurements: Measurements) -> list[str]:
    return [f"{check.what}: {check.measured}" for check in judge(measurements) if check.result is Result.FAIL]


def test_a_good_conversation_passes_every_check(good: Measurements) -> None:
    assert failures(good) == []
    assert passed(judge(good))
    assert len(judge(good)) == 14


def test_its_figures_are_true(good: Measurements) -> None:
    assert good.card is not None
    assert (good.frames_out, good.frames_expected_out) == (FRAMES, FRAMES)
    assert not isinstance(good.card.to_service, NotAvailable)
    assert good.card.to_service.p50_ms == pytest.approx(3.0)
    assert not isinstance(good.card.from_service, NotAvailable)
    # The first frame is at the speaker 45 ms after the agent was ready and 42 ms after it was sent, and its sound later
    # by what the converter delays.
    assert good.card.from_service.p50_ms == pytest.approx(42.0 + BACK_MS, abs=0.01)
    assert not isinstance(good.card.mouth_to_ear, NotAvailable)
    assert good.card.mouth_to_ear.p50_ms == pytest.approx(20.0 + 45.0 + THERE_MS + BACK_MS, abs=0.01)


def test_both_wav_files_lie_at_the_top(good: Measurements, good_place: Workplace) -> None:
    with wave.open(str(good_place.heard_wav)) as heard, wave.open(str(good_place.played_wav)) as played:
        assert (heard.getframerate(), heard.getnchannels(), heard.getnframes()) == (16_000, 1, FRAMES * 320)
        assert (played.getframerate(), played.getnchannels(), played.getnframes()) == (48_000, 2, FRAMES * 960)


@pytest.mark.parametrize(
    ("course", "failed"),
    [
        (replace(COURSE, last=replace(COURSE.last, state="waiting")), "agent ready at the end: waiting"),
        (replace(COURSE, last=replace(COURSE.last, connects=2)), "sessions begun: 2"),
        (replace(COURSE, last=replace(COURSE.last, microphone="silent")), "microphone: silent"),
        (replace(COURSE, last=replace(COURSE.last, stalled=1)), "frames dropped for a stalled link: 1"),
        (
            replace(COURSE, last=replace(COURSE.last, frames_received=449)),
            "frames back at the gateway: 449 of 500 (89.8 %)",
        ),
        (replace(COURSE, last=replace(COURSE.last, frames_played=0)), "frames played: 0 of 500 (0.0 %)"),
        (replace(COURSE, exit_code=70), "exit code after SIGTERM: 70"),
        (replace(COURSE, stop_s=3.2), "time to stop: 3.20 s"),
        (replace(COURSE, usage=Usage(50.1, 46.0, 1.5)), "resident memory, peak: 50.1 MB"),
    ],
)
def test_each_fault_fails_its_check(good: Measurements, course: Course, failed: str) -> None:
    assert failures(replace(good, course=course, frames_in=course.last.frames_received)) == [failed]


def test_frames_that_never_reached_the_agent_fail(good: Measurements) -> None:
    assert failures(replace(good, frames_out=449)) == ["frames heard by the agent: 449 of 500 (89.8 %)"]


def test_a_slow_link_fails_both_delays_and_lenient_timing_only_warns(
    place: Workplace, sentence: Sentence, wire_frames: list[bytes]
) -> None:
    frames = wire_frames[FIRST : FIRST + FRAMES]
    service_records(place, frames, delay_ms=30.0)
    slow = measure(PLAN, place, COURSE, card_records(sentence, frames))
    assert failures(slow) == ["delay from card to service, p50: 30.0 ms", "delay from card to service, p99: 30.0 ms"]
    lenient = replace(slow, plan=replace(PLAN, lenient_timing=True))
    assert failures(lenient) == []
    assert [check.result for check in judge(lenient)].count(Result.WARN) == 2


def test_lost_frames_fail_the_sound_and_leave_no_delay(
    place: Workplace, sentence: Sentence, wire_frames: list[bytes]
) -> None:
    frames = wire_frames[FIRST : FIRST + 200] + wire_frames[FIRST + 210 : FIRST + FRAMES]
    service_records(place, frames, delay_ms=3.0)
    measurements = measure(PLAN, place, COURSE, card_records(sentence, frames))
    failed = failures(measurements)
    assert any(failure.startswith("sentence and what the agent heard") for failure in failed)
    assert measurements.card is not None
    assert measurements.card.played.damaged_frames >= 10
    assert "delay from card to service, p50: not available" in failed


def test_one_silent_speaker_of_two_fails(place: Workplace, sentence: Sentence, wire_frames: list[bytes]) -> None:
    frames = wire_frames[FIRST : FIRST + FRAMES]
    service_records(place, frames, delay_ms=3.0)
    card = card_records(sentence, frames)
    left_only = b"".join(card.played[at : at + 4] + bytes(4) for at in range(0, len(card.played), 8))
    measurements = measure(PLAN, place, COURSE, replace(card, played=left_only))
    assert failures(measurements) == ["sentence and what the speaker played: 0.00000"]


def test_a_speaker_that_played_nothing_is_told(place: Workplace, sentence: Sentence, wire_frames: list[bytes]) -> None:
    service_records(place, wire_frames[FIRST : FIRST + FRAMES], delay_ms=3.0)
    with pytest.raises(RecordingUnusable, match="the card's speaker played nothing"):
        measure(PLAN, place, COURSE, card_records(sentence, []))


def test_with_a_real_card_the_sound_is_not_judged(place: Workplace, wire_frames: list[bytes]) -> None:
    service_records(place, wire_frames[FIRST : FIRST + FRAMES], delay_ms=3.0)
    plan = replace(PLAN, card=replace(SOFTWARE_CARD, real=True))
    measurements = measure(plan, place, COURSE, None)
    assert measurements.card is None
    assert len(judge(measurements)) == 10
    assert place.said_wav.exists()


# what is printed


def printed(measurements: Measurements, place: Workplace) -> str:
    written = io.StringIO()
    print_summary(Console(file=written, width=110, color_system=None), measurements, judge(measurements), place)
    return written.getvalue()


def test_the_summary_tells_figures_checks_files_and_verdict(good: Measurements, good_place: Workplace) -> None:
    text = printed(good, good_place)
    for line in (
        "time to ready              0.60 s from the daemon's start, 0.07 s of them for the session",
        "frames to the agent        500 of 500",
        "card to service       3.0    3.0    3.0",
        f"service to speaker   {42 + BACK_MS:.1f}   {42 + BACK_MS:.1f}   {42 + BACK_MS:.1f}",
        "resident memory            47.0 MB at most, 46.0 MB at the end",
        "processor time             70.0 ms per second of conversation",
        "stopped                    with 0, 0.05 s after SIGTERM",
        f"picture of all           {good_place.picture}",
        "The conversation happened and sounded right.",
    ):
        assert line in text
    assert "FAIL" not in text


def test_the_summary_of_a_failure_says_how_many_checks_failed(good: Measurements, good_place: Workplace) -> None:
    text = printed(replace(good, course=replace(COURSE, exit_code=70, stop_s=4.0)), good_place)
    assert "The conversation was not as it must be: 2 of 14 checks failed." in text


def test_a_figure_that_is_not_available_says_why(good: Measurements, good_place: Workplace) -> None:
    assert good.card is not None
    card = replace(good.card, to_service=NotAvailable("the card's capture had an event `xrun`"))
    text = printed(replace(good, card=card), good_place)
    assert "card to service: not available, because the card's capture had an event `xrun`" in text
