"""The playback supervisor over a fake loudspeaker that plays in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.errors import DeviceLost, DeviceMissing
from gatewayd.station.playback import CARD_QUEUE_MAX_S, IDLE_AFTER_S, PREBUFFER_WAIT_S
from tests.station.bench import Bench
from tests.station.fakes import frame_of
from tests.station.steps import StepCounter

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gatewayd.control.schema import PlaybackStatus

MISSING = DeviceMissing("hw:CARD=Fake,DEV=0", "no such device")
LOST = DeviceLost("hw:CARD=Fake,DEV=0", "it was unplugged")


def status_of(bench: Bench) -> PlaybackStatus:
    status = bench.playback.status()
    assert status is not None
    return status


async def test_speech_starts_with_the_third_frame_and_goes_on_without_a_gap(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(*range(1, 11))
    await trio.sleep(1)
    assert bench.speaker.stream.speech() == [(round(0.04 + 0.02 * n, 6), n + 1) for n in range(10)]
    status = status_of(bench)
    assert (status.frames_played, status.underruns, status.frames_dropped, status.buffered_ms) == (10, 0, 0, 0)


async def test_a_single_word_of_one_frame_is_played_too(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1)
    await trio.sleep(1)
    assert bench.speaker.stream.speech() == [(PREBUFFER_WAIT_S, 1)]
    assert status_of(bench).underruns == 0


async def test_a_frame_that_is_a_little_late_is_not_heard_to_be(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)
    await trio.sleep(0.029)
    await bench.say(4, 5, 6)
    await trio.sleep(1)
    assert bench.speaker.stream.speech() == [(round(0.04 + 0.02 * n, 6), n + 1) for n in range(6)]
    assert status_of(bench).underruns == 0


async def test_a_frame_that_is_later_leaves_one_gap(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)  # sounding from 0.04 to 0.10; silence is added at 0.09
    await trio.sleep(0.045)
    await bench.say(4, 5, 6)  # from 0.105 on
    await trio.sleep(1)
    assert [began_s for began_s, _ in bench.speaker.stream.speech()] == [0.04, 0.06, 0.08, 0.12, 0.14, 0.16]
    assert bench.speaker.stream.underruns == 0
    assert status_of(bench).underruns == 1


async def test_messages_of_any_length_are_one_stretch_of_sound(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    sound = b"".join(map(frame_of, range(1, 11)))
    for start in range(0, len(sound), 500):
        bench.playback.offer(sound[start : start + 500])
        await trio.sleep(500 / 32_000)
    await trio.sleep(1)
    assert [number for _, number in bench.speaker.stream.speech()] == list(range(1, 11))
    assert status_of(bench).underruns == 0


async def test_a_burst_waits_here_and_not_in_the_card(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(*range(1, 21), every_s=0)
    queued_s = []
    for _ in range(20):
        await trio.sleep(0.02)
        queued_s.append(bench.speaker.stream.queued_s)
    assert max(queued_s) <= CARD_QUEUE_MAX_S
    assert bench.speaker.stream.speech() == [(round(0.02 * n, 6), n + 1) for n in range(20)]
    assert status_of(bench).underruns == 0


async def test_clearing_leaves_only_what_the_card_already_has(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(*range(1, 41), every_s=0)
    await trio.sleep(0.1)
    bench.playback.clear()
    await trio.sleep(1)
    speech = bench.speaker.stream.speech()
    assert speech[-1][0] + 0.02 <= 0.1 + CARD_QUEUE_MAX_S
    assert len(speech) == 8
    assert status_of(bench).frames_dropped == 0


async def test_cleared_while_it_gathers_it_plays_nothing(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.playback.offer(frame_of(1))
    await trio.testing.wait_all_tasks_blocked()
    bench.playback.clear()
    await trio.sleep(1)
    assert bench.speaker.stream.heard == []


async def test_after_half_a_second_of_silence_the_stream_is_stopped(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)  # until 0.10; silence is added 10 ms before the card is out of sound
    await trio.sleep(5)
    assert bench.speaker.stream.stops_s == [round(0.09 + IDLE_AFTER_S - 0.02, 6)]
    assert status_of(bench).underruns == 0


async def test_a_pause_that_long_is_no_underrun_and_a_shorter_one_is(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)
    await trio.sleep(IDLE_AFTER_S + 0.2)
    await bench.say(4, 5, 6)
    assert status_of(bench).underruns == 0
    await trio.sleep(IDLE_AFTER_S - 0.1)
    await bench.say(7, 8, 9)
    assert status_of(bench).underruns == 1


async def test_speech_that_comes_while_the_stream_stops_is_gathered_like_any_other(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.speaker.stream.stopping_takes_s = 0.1
    await bench.say(1, 2, 3)  # stopping from 0.57 to 0.67
    await trio.sleep(0.59)
    await bench.say(4, 5, 6, 7)  # from 0.65 on
    await trio.sleep(1)
    assert bench.speaker.stream.stops_s[0] == 0.67
    assert bench.speaker.stream.speech()[3:] == [(0.69, 4), (0.71, 5), (0.73, 6), (0.75, 7)]


async def test_while_the_agent_is_silent_nothing_wakes_up(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)
    await trio.sleep(5)
    with StepCounter.counting() as counter:
        await trio.sleep(24 * 3600)
    assert counter.steps == 1  # this test's own


async def test_without_a_device_frames_are_dropped_and_counted(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.speaker.fails_to_open = MISSING
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)
    assert status_of(bench).frames_dropped == 3
    assert status_of(bench).buffered_ms == 0


async def test_unplugged_in_mid_speech_it_drops_until_the_device_is_back_and_goes_on(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await bench.say(*range(1, 11))
    bench.speaker.fails_to_open = MISSING
    bench.speaker.stream.fails = LOST
    await bench.say(*range(11, 31))  # lost at 0.2; tried again at 0.45
    bench.speaker.fails_to_open = None
    await bench.say(*range(31, 61))  # and at 0.95
    await trio.sleep(1)
    first, second = bench.speaker.streams
    assert len(first.speech()) == 10
    numbers = [number for _, number in second.speech()]
    assert numbers == list(range(numbers[0], 61))
    status = status_of(bench)
    assert status.frames_played + status.frames_dropped == 60
    assert status.reopens == 1


async def test_a_card_that_ran_dry_counts_even_after_it_was_opened_anew(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.speaker.stream.underruns = 2
    assert status_of(bench).underruns == 2
    bench.speaker.stream.fails = LOST
    await bench.say(1)
    await trio.sleep(1)
    assert len(bench.speaker.streams) == 2
    assert status_of(bench).underruns == 2


async def test_it_has_started_when_the_device_was_tried_whether_it_is_there_or_not(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.speaker.fails_to_open = MISSING
    bench.speaker.opening_takes_s = 0.5
    await nursery.start(bench.playback.run)
    assert trio.current_time() == 0.5


@pytest.mark.parametrize("frames", [0, 1, 10])
async def test_cancelled_while_idle_gathering_or_playing_it_leaves_nothing_open(
    autojump_clock: MockClock, frames: int
) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        await nursery.start(bench.playback.run)
        await bench.say(*range(frames), every_s=0)
        await trio.testing.wait_all_tasks_blocked()
        assert bench.speaker.is_open
        nursery.cancel_scope.cancel()
    assert not bench.speaker.is_open


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=2000), st.integers(0, 700)), max_size=30))
def test_any_messages_at_any_pace_end_in_silence(messages: list[tuple[bytes, int]]) -> None:
    """Of any length, odd ones included; each followed by a pause of so many milliseconds."""

    async def say_them() -> None:
        bench = Bench()
        async with trio.open_nursery() as nursery:
            await nursery.start(bench.playback.run)
            for message, pause_ms in messages:
                bench.playback.offer(message)
                await trio.sleep(pause_ms / 1000)
            await trio.sleep(5)
            status = status_of(bench)
            assert status.buffered_ms == 0
            assert status.reopens == 0
            assert bench.speaker.stream.underruns == 0
            assert bench.speaker.stream.queued_s == 0
            nursery.cancel_scope.cancel()

    trio.run(say_them, clock=trio.testing.MockClock(autojump_threshold=0))
