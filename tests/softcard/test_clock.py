"""The card's clock: real, sped up, drifting, stepped, stalled; and when each frame was at the card.

How fast a clock ran is told from the card's own timeline, so a slow machine changes nothing.
"""

from __future__ import annotations

import select
import time

import pytest
import trio
import trio.testing

from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.softcard.streams import WAIT_S, capture, opened, wait
from tests.softcard.timeline import (
    NS_PER_S,
    Direction,
    Event,
    EventKind,
    FrameNeverPassed,
    Timeline,
    parse_timeline,
)

BLOCK = bytes(480 * 8)


def started_and_stopped(card: SoftCard, direction: Direction) -> tuple[Event, Event]:
    start, stop = card.timeline(direction).of(EventKind.START, EventKind.STOP)
    return start, stop


@pytest.mark.parametrize(
    ("ppm", "speed", "frames_per_s"),
    [(0, 1, 48_000), (5_000, 1, 48_240), (-5_000, 1, 47_760), (0, 20, 960_000), (100, 10, 480_048)],
)
def test_frames_go_by_at_rate_times_speed_times_drift(
    sound_rack: SoundRack, ppm: float, speed: float, frames_per_s: float
) -> None:
    definition = StreamDefinition(formats=("S16_LE",), channels=(1,), ppm=ppm, speed=speed)
    card = sound_rack.plug_in("Array", definition)
    with opened(card.device, Direction.CAPTURE, sample_format="S16_LE", channels=1, period=9600, periods=1000) as pcm:
        capture(pcm, 9600 * 2)
    start, stop = started_and_stopped(card, Direction.CAPTURE)
    assert start.frames_per_s == pytest.approx(frames_per_s)
    elapsed_s = (stop.time_ns - start.time_ns) / NS_PER_S
    assert stop.frame == pytest.approx(elapsed_s * frames_per_s, abs=1)
    assert elapsed_s >= 9600 / frames_per_s


def test_capture_gives_no_frame_before_it_was_sampled(sound_card: SoftCard) -> None:
    with opened(sound_card.device, Direction.CAPTURE, periods=1000) as pcm:
        arrivals = []
        frames = 0
        for _ in range(10):
            frames += len(capture(pcm, len(BLOCK))) // 8
            arrivals.append((frames, time.monotonic_ns()))
    timeline = sound_card.timeline(Direction.CAPTURE)
    assert all(arrived_ns >= timeline.time_ns(frames) for frames, arrived_ns in arrivals)


def test_draining_lasts_until_the_last_frame_left_the_card(sound_card: SoftCard) -> None:
    with opened(sound_card.device, Direction.PLAYBACK, blocking=True) as pcm:
        pcm.write(BLOCK * 4)
        pcm.drain()
        drained_ns = time.monotonic_ns()
    start, stop = started_and_stopped(sound_card, Direction.PLAYBACK)
    assert stop.frame == 4 * 480
    assert drained_ns >= stop.time_ns >= start.time_ns + 4 * 10_000_000
    assert sound_card.timeline(Direction.PLAYBACK).time_ns(4 * 480) == start.time_ns + 40_000_000


def test_a_stepped_clock_moves_by_steps_only(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        assert pcm.read() == (0, b"")
        for frames in (480, 1, 17, 480):
            stepped_card.advance(frames)
            assert pcm.read()[0] == frames
            assert pcm.read()[0] == 0


def test_a_step_wakes_who_waits_once_a_period_is_there(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        pcm.read()
        stepped_card.advance(479)
        assert wait(pcm) == 0  # the command itself wakes, and there is nothing to read yet
        stepped_card.advance(1)
        assert wait(pcm) != 0
        assert pcm.read()[0] == 480


@pytest.mark.parametrize("asks", [True, False], ids=["revents-asked", "revents-not-asked"])
def test_a_running_stream_wakes_its_reader_once_a_period(sound_card: SoftCard, asks: bool) -> None:
    frames = wakes = 0
    with opened(sound_card.device, Direction.CAPTURE, periods=1000) as pcm:
        poll = select.poll()
        poll.register(*pcm.polldescriptors()[0])
        while frames < 4800:
            frames += pcm.read()[0]
            ready = poll.poll(WAIT_S * 1000)
            wakes += 1
            assert not asks or pcm.polldescriptors_revents(ready) != 0
    assert wakes <= frames / 480 + 2


async def test_a_trio_task_waiting_on_the_descriptor_is_woken_by_a_step(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.CAPTURE) as pcm, trio.fail_after(WAIT_S):
        pcm.read()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.lowlevel.wait_readable, pcm.polldescriptors()[0][0])
            await trio.testing.wait_all_tasks_blocked()
            stepped_card.advance(480)
        assert pcm.read()[0] == 480


def test_playback_makes_room_as_the_clock_is_stepped(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.PLAYBACK, periods=4) as pcm:
        assert pcm.write(BLOCK * 5) == 4 * 480
        assert pcm.write(BLOCK) == 0
        stepped_card.advance(480)
        assert wait(pcm) != 0
        assert pcm.write(BLOCK) == 480


def test_a_stalled_card_gives_neither_frames_nor_errors_until_it_resumes(sound_card: SoftCard) -> None:
    with opened(sound_card.device, Direction.CAPTURE, periods=1000) as pcm:
        capture(pcm, len(BLOCK))
        sound_card.stall()
        wait(pcm)
        while pcm.read()[0]:
            pass
        time.sleep(0.03)
        assert pcm.read() == (0, b"")
        sound_card.resume()
        assert len(capture(pcm, len(BLOCK))) >= len(BLOCK)
    stall, go = sound_card.timeline(Direction.CAPTURE).of(EventKind.STALL, EventKind.GO)
    assert (stall.frame, stall.frames_per_s, go.frames_per_s) == (go.frame, 0, 48_000)
    assert go.time_ns - stall.time_ns >= 30_000_000


def test_the_clock_can_be_changed_while_it_runs(sound_card: SoftCard) -> None:
    with opened(sound_card.device, Direction.CAPTURE, periods=1000) as pcm:
        capture(pcm, len(BLOCK))
        sound_card.set_clock_error(1_000)
        sound_card.set_speed(2)
        capture(pcm, len(BLOCK))
    rates = [event.frames_per_s for event in sound_card.timeline(Direction.CAPTURE).of(EventKind.RATE)]
    assert rates == [48_048, 96_096]


def test_frames_in_a_gap_have_no_time() -> None:
    timeline = parse_timeline(
        "open 500 0 48000.000000 format=S32_LE rate=48000\n"
        "start 1000 0 48000.000000\n"
        "xrun 10001000 480 48000.000000\n"
        "start 30000000 960 48000.000000\n"
        "stop 50000000 1920 0.000000\n"
        "close 5000"
    )
    assert timeline.kinds == [
        EventKind.OPEN,
        EventKind.START,
        EventKind.XRUN,
        EventKind.START,
        EventKind.STOP,
    ]
    assert timeline.events[0].details == {"format": "S32_LE", "rate": "48000"}
    assert timeline.time_ns(0) == 1000
    assert timeline.time_ns(480) == 10_001_000
    assert timeline.time_ns(960) == 30_000_000
    assert timeline.time_ns(1440) == 40_000_000
    for frame in (-1, 481, 959, 1921):
        with pytest.raises(FrameNeverPassed, match=f"frame {frame}"):
            timeline.time_ns(frame)
    assert Timeline(()) == parse_timeline("")
