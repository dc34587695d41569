"""Boards whose two directions are not independent, and loudspeakers that come and go."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.errors import DeviceAmbiguous, DeviceLost, DeviceMissing
from gatewayd.station.duplex import PLAYBACK_LIMIT_S
from gatewayd.station.playback import PREBUFFER_MS
from gatewayd.station.reopening import NEWS_INTERVAL_S
from tests.station.bench import CAPTURE, DEVICE, PLAYBACK, SETTINGS, Bench, told
from tests.station.fakes import frame_of
from tests.station.steps import StepCounter

if TYPE_CHECKING:
    from trio.testing import MockClock

MISSING = DeviceMissing(DEVICE, "no such device")
LOST = DeviceLost(DEVICE, "it was unplugged")
NEEDS_PLAYBACK = replace(
    SETTINGS, capture=replace(CAPTURE, needs_playback=True), playback=replace(PLAYBACK, keep_alive=True)
)
KEPT_ALIVE = replace(SETTINGS, playback=replace(PLAYBACK, keep_alive=True))
WITHOUT_PLAYBACK = "this microphone needs the speaker to be open, and it is not: capture is tried without"


async def test_capture_that_needs_playback_is_opened_once_that_runs(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(NEEDS_PLAYBACK)
    bench.speaker.opening_takes_s = 0.3
    nursery.start_soon(bench.supervisor.run)
    nursery.start_soon(bench.playback.run)
    await trio.sleep(1)
    assert bench.device.attempts_s == [0.3]
    assert bench.speaker.stream.queued_s > 0


async def test_without_playback_it_is_tried_after_a_while_and_that_is_said_once(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(NEEDS_PLAYBACK)
    bench.speaker.fails_to_open = MISSING
    await nursery.start(bench.playback.run)
    await nursery.start(bench.supervisor.run)
    assert trio.current_time() == PLAYBACK_LIMIT_S
    assert bench.device.is_open
    bench.device.fail(LOST)
    await trio.sleep(10)
    assert bench.device.is_open
    assert [text for _, text in told(caplog) if text == WITHOUT_PLAYBACK] == [WITHOUT_PLAYBACK]


async def test_a_station_that_has_no_speaker_waits_for_none(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench(replace(NEEDS_PLAYBACK, playback=None))
    await nursery.start(bench.playback.run)
    await nursery.start(bench.supervisor.run)
    assert trio.current_time() == 0
    assert bench.device.is_open
    assert bench.playback.status() is None


async def test_a_speaker_that_comes_later_is_played_on_and_one_that_goes_again_is_none(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(SETTINGS, playback=None))
    await nursery.start(bench.playback.run)
    await bench.say(1, 2, 3)
    await trio.sleep(1000)
    bench.hardware.settings = SETTINGS
    bench.hotplug.tell()
    await trio.sleep(1)
    await bench.say(4, 5, 6)
    await trio.sleep(1)
    assert [number for _, number in bench.speaker.stream.speech()] == [4, 5, 6]
    bench.hardware.settings = replace(SETTINGS, playback=None)
    bench.hotplug.tell()
    await trio.sleep(5)
    assert not bench.speaker.is_open
    assert bench.playback.status() is None


async def test_without_news_a_speaker_that_comes_later_is_found_within_half_a_minute(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(SETTINGS, playback=None))
    await nursery.start(bench.playback.run)
    await trio.sleep(1000)
    bench.hardware.settings = SETTINGS
    await trio.sleep(30)
    assert bench.speaker.is_open


async def test_unplugged_while_the_agent_is_silent_it_is_noticed_at_the_news(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    await trio.sleep(100)
    bench.hardware.fails = MISSING
    bench.hotplug.tell()
    await trio.testing.wait_all_tasks_blocked()
    status = bench.playback.status()
    assert status is not None
    assert (status.device, status.problem) == (DEVICE, str(MISSING))
    bench.hardware.fails = None
    await trio.sleep(2)
    assert len(bench.speaker.streams) == 2
    assert bench.playback.status() != status


async def test_unplugged_and_plugged_in_again_before_anyone_looked_it_is_opened_anew(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.speaker.stream.stopping_fails = LOST
    bench.hotplug.tell()
    await trio.sleep(1)
    assert len(bench.speaker.streams) == 2
    await bench.say(1, 2, 3)
    assert [number for _, number in bench.speaker.stream.speech()] == [1, 2, 3]


async def test_what_the_first_news_came_too_early_for_is_seen_by_a_second_look(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.hotplug.tell()  # of its first part; the card itself is still listed
    await trio.sleep(0.01)
    assert bench.speaker.is_open
    bench.hardware.fails = MISSING
    await trio.sleep(NEWS_INTERVAL_S)
    assert not bench.speaker.is_open


@pytest.mark.parametrize("ambiguous", [False, True])
async def test_other_hardware_that_comes_does_not_disturb_it(
    ambiguous: bool, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.playback.run)
    bench.hardware.fails = DeviceAmbiguous("auto", "two cards could be meant") if ambiguous else None
    bench.hotplug.tell()
    await trio.sleep(10)
    assert len(bench.speaker.streams) == 1
    await bench.say(1, 2, 3)
    assert [number for _, number in bench.speaker.stream.speech()] == [1, 2, 3]


async def test_a_stream_that_must_not_stop_never_runs_dry(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    for _ in range(20):
        await trio.sleep(7)
        await bench.say(1, 2, 3, 4, 5, 6)
        assert bench.speaker.stream.queued_s > 0
    await trio.sleep(1)
    assert bench.speaker.stream.underruns == 0
    assert bench.speaker.stream.stops_s == []
    assert [number for _, number in bench.speaker.stream.speech()] == [1, 2, 3, 4, 5, 6] * 20
    status = bench.playback.status()
    assert status is not None
    assert (status.underruns, status.frames_played, status.frames_dropped) == (0, 120, 0)


async def test_speech_begins_after_the_silence_that_the_card_still_has(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    delays_s = []
    for _ in range(25):
        await trio.sleep(1.013)
        said_s = trio.current_time()
        bench.speaker.stream.heard.clear()
        await bench.say(*range(1, 6))
        delays_s.append(bench.speaker.stream.speech()[0][0] - said_s)
    assert min(delays_s) >= 0.04  # what stands between it and the next late frame
    assert max(delays_s) <= PLAYBACK.buffer_ms / 1000 + 1e-9


async def test_keeping_it_alive_wakes_up_as_seldom_as_its_buffer_allows(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    await trio.sleep(1)
    with StepCounter.counting() as counter:
        await trio.sleep(10)
    assert counter.steps <= 10 / 0.08 + 2  # 120 ms are sent, 40 ms are left at the next


async def test_news_of_hardware_while_silence_is_played_changes_nothing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    for _ in range(100):
        bench.hotplug.tell()
        await trio.sleep(0.033)
    assert bench.speaker.stream.underruns == 0
    assert len(bench.speaker.streams) == 1


async def test_cleared_before_it_is_played_speech_leaves_silence(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    await trio.sleep(1)
    bench.playback.offer(frame_of(1))
    bench.playback.clear()
    await trio.sleep(5)
    assert bench.speaker.stream.speech() == []
    assert bench.speaker.stream.underruns == 0


async def test_a_kept_alive_speaker_that_is_unplugged_is_noticed_without_any_news(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(KEPT_ALIVE)
    await nursery.start(bench.playback.run)
    await trio.sleep(1)
    bench.speaker.stream.fails = LOST
    await trio.sleep(PREBUFFER_MS / 1000)
    status = bench.playback.status()
    assert status is not None
    assert status.problem == str(LOST)
