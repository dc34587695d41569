"""Delays from synthetic recordings whose true delays are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from tests.demo.delays import NotMeasurable, from_service, mouth_to_ear, to_service
from tests.demo.plan import I2S_MICROPHONE
from tests.demo.recordings import Recorded
from tests.demo.sounds import from_card, from_wire
from tests.softcard.timeline import parse_timeline

if TYPE_CHECKING:
    import numpy.typing as npt

    from tests.softcard.timeline import Timeline

    Sound = npt.NDArray[np.float64]

CARD_HZ = 48_000
CAPTURE_BEGAN_NS = 5_000_000_000
FIRST = 23
FRAMES = 500
FRAME_NS = 20_000_000
CONVERSION_BACK_MS = 1000 * PlaybackConverter(I2S_MICROPHONE).delay_s
UNBROKEN = parse_timeline(f"start {CAPTURE_BEGAN_NS} 0 48000.000000\n")


def block_complete_ns(block: int) -> int:
    """When the last sample of a card block (960 frames, from 0) can be read."""
    return CAPTURE_BEGAN_NS + (block + 1) * FRAME_NS


def recorded(frames: list[bytes], times_ns: list[int]) -> Recorded:
    return Recorded(from_wire(frames), np.array(times_ns, np.int64))


# card to service


def test_delay_to_the_service_is_counted_from_the_end_of_each_block(known: Sound, wire_frames: list[bytes]) -> None:
    rng = np.random.default_rng(7)
    true_ms = rng.uniform(0.5, 30.0, FRAMES)
    arrivals = [block_complete_ns(FIRST + n) + round(true_ms[n] * 1e6) for n in range(FRAMES)]
    delays = to_service(known, recorded(wire_frames[FIRST : FIRST + FRAMES], arrivals), UNBROKEN, CARD_HZ)
    assert delays.ms == pytest.approx(true_ms, abs=1e-6)
    assert delays.p50_ms == pytest.approx(np.median(true_ms))
    assert delays.max_ms == pytest.approx(true_ms.max())
    assert delays.unplaced == 0


@pytest.mark.parametrize("first", [0, 1, 80])
def test_the_first_heard_frame_may_be_any(known: Sound, wire_frames: list[bytes], first: int) -> None:
    arrivals = [block_complete_ns(first + n) + 3_000_000 for n in range(FRAMES)]
    delays = to_service(known, recorded(wire_frames[first : first + FRAMES], arrivals), UNBROKEN, CARD_HZ)
    assert delays.p50_ms == pytest.approx(3.0)


def test_a_lost_frame_makes_the_figure_unavailable(known: Sound, wire_frames: list[bytes]) -> None:
    frames = wire_frames[FIRST : FIRST + 300] + wire_frames[FIRST + 301 : FIRST + FRAMES + 1]
    with pytest.raises(NotMeasurable, match="after its first frame does not continue it"):
        to_service(known, recorded(frames, [0] * FRAMES), UNBROKEN, CARD_HZ)


def test_frames_out_of_step_with_the_blocks_make_it_unavailable(known: Sound, sentence_bytes: bytes) -> None:
    frames = CaptureConverter(I2S_MICROPHONE, pick=[0]).feed(sentence_bytes[8 * 400 :])
    with pytest.raises(NotMeasurable, match="wire frames do not begin with the card's blocks"):
        to_service(known, recorded(frames[:FRAMES], [0] * FRAMES), UNBROKEN, CARD_HZ)


@pytest.mark.parametrize(
    ("timeline", "why"),
    [
        ("start 0 0 48000.0\nxrun 900 960 48000.0\nstart 1000 1920 48000.0\n", "event `xrun`"),
        ("start 0 0 48000.0\nstop 900 960 48000.0\nstart 1000 0 48000.0\n", "started 2 times, not once"),
        ("", "started 0 times, not once"),
        ("start 0 0 48000.0\nstall 100 10 0\n", "event `stall`"),
    ],
)
def test_a_broken_capture_makes_it_unavailable(known: Sound, wire_frames: list[bytes], timeline: str, why: str) -> None:
    heard = recorded(wire_frames[FIRST : FIRST + FRAMES], [0] * FRAMES)
    with pytest.raises(NotMeasurable, match=why):
        to_service(known, heard, parse_timeline(timeline), CARD_HZ)


def test_a_handful_of_frames_is_too_little(known: Sound, wire_frames: list[bytes]) -> None:
    with pytest.raises(NotMeasurable, match="heard 10 frames; at least 25 are needed"):
        to_service(known, recorded(wire_frames[:10], [0] * 10), UNBROKEN, CARD_HZ)


def test_silence_cannot_be_placed(known: Sound) -> None:
    with pytest.raises(NotMeasurable, match=r"0\.0 s after its first frame"):
        to_service(known, recorded([bytes(640)] * 50, [0] * 50), UNBROKEN, CARD_HZ)


# service to card

SPEAKER_BEGAN_NS = 9_000_000_000
SPEAKER = parse_timeline(f"start {SPEAKER_BEGAN_NS} 0 48000.000000\n")


def spoken_by_card(frames: list[bytes]) -> Sound:
    converter = PlaybackConverter(I2S_MICROPHONE)
    return from_card(b"".join(converter.feed(frame) for frame in frames))


def test_delay_back_is_counted_to_the_first_sample_of_each_frame(wire_frames: list[bytes]) -> None:
    frames = wire_frames[FIRST : FIRST + FRAMES]
    queued_ms = np.random.default_rng(3).uniform(20.0, 60.0, FRAMES)
    sent = [SPEAKER_BEGAN_NS + n * FRAME_NS - round(queued_ms[n] * 1e6) for n in range(FRAMES)]
    delays = from_service(recorded(frames, sent), spoken_by_card(frames), SPEAKER, CARD_HZ)
    # The sound of a frame leaves the card later than its place in the stream by what the converter delays.
    assert delays.ms == pytest.approx(queued_ms + CONVERSION_BACK_MS, abs=0.002)


def test_a_gap_in_playback_delays_what_follows_and_is_itself_left_out(wire_frames: list[bytes]) -> None:
    frames = wire_frames[FIRST : FIRST + FRAMES]
    with_gap = [*frames[:260], bytes(640), bytes(640), *frames[260:]]
    sent = [SPEAKER_BEGAN_NS + n * FRAME_NS - 40_000_000 for n in range(FRAMES)]
    delays = from_service(recorded(frames, sent), spoken_by_card(with_gap), SPEAKER, CARD_HZ)
    before, after = 40.0 + CONVERSION_BACK_MS, 80.0 + CONVERSION_BACK_MS
    assert {round(ms - CONVERSION_BACK_MS) for ms in delays.ms} == {40, 80}
    assert delays.ms[0] == pytest.approx(before, abs=0.01)
    assert delays.ms[-1] == pytest.approx(after, abs=0.01)
    assert 25 <= delays.unplaced <= 75


def test_what_never_left_the_card_is_left_out(wire_frames: list[bytes]) -> None:
    frames = wire_frames[FIRST : FIRST + FRAMES]
    stopped = parse_timeline(
        f"start {SPEAKER_BEGAN_NS} 0 48000.0\nstop {SPEAKER_BEGAN_NS + 300 * FRAME_NS} 288000 48000.0\n"
    )
    sent = [SPEAKER_BEGAN_NS + n * FRAME_NS - 40_000_000 for n in range(FRAMES)]
    delays = from_service(recorded(frames, sent), spoken_by_card(frames), stopped, CARD_HZ)
    assert delays.unplaced == 200
    assert len(delays.ms) == 300


def test_another_sound_from_the_speaker_makes_it_unavailable(wire_frames: list[bytes]) -> None:
    said = recorded(wire_frames[FIRST : FIRST + FRAMES], [0] * FRAMES)
    with pytest.raises(NotMeasurable, match="nothing of what the service said"):
        from_service(said, np.random.default_rng(1).standard_normal(160_000), SPEAKER, CARD_HZ)


# mouth to ear


def test_mouth_to_ear_is_from_sample_to_sample(known: Sound, wire_frames: list[bytes]) -> None:
    # Block 23 is complete 480 ms after capture began, and what becomes of it is at the speaker's very start.
    speaker_ns = CAPTURE_BEGAN_NS + 600_000_000
    speaker: Timeline = parse_timeline(f"start {speaker_ns} 0 48000.0\n")
    played = spoken_by_card(wire_frames[FIRST : FIRST + FRAMES])
    delays = mouth_to_ear(known, played, UNBROKEN, speaker, CARD_HZ)
    conversions_ms = CONVERSION_BACK_MS + 1000 * CaptureConverter(I2S_MICROPHONE, pick=[0]).delay_s
    assert delays.p50_ms == pytest.approx(600.0 - 20 * FIRST + conversions_ms, abs=0.01)
    assert delays.max_ms - min(delays.ms) < 0.01


def test_a_silent_speaker_has_no_mouth_to_ear(known: Sound) -> None:
    with pytest.raises(NotMeasurable, match="nothing of the sentence"):
        mouth_to_ear(known, np.zeros(160_000), UNBROKEN, SPEAKER, CARD_HZ)
