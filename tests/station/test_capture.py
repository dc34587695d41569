"""The capture supervisor over a fake microphone, on a virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import DeviceLost, DeviceMissing, DeviceStalled
from gatewayd.seams.audio import CapturedBlock
from gatewayd.station.presence import DEVICE_GRACE_S
from tests.station.bench import Bench
from tests.station.fakes import NOISE, frame_of

if TYPE_CHECKING:
    from trio.testing import MockClock

MISSING = DeviceMissing("hw:CARD=Fake,DEV=0", "no such device")
LOST = DeviceLost("hw:CARD=Fake,DEV=0", "it was unplugged")
STALLED = DeviceStalled("hw:CARD=Fake,DEV=0", "no sound moved for 2 s")


async def test_every_frame_is_handed_on_as_it_comes(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    assert bench.listener.frames == [frame_of(1)]
    await bench.hear(2, 3)
    assert bench.listener.frames == [frame_of(1), frame_of(2), frame_of(3)]
    assert bench.supervisor.status().frames == 3


async def test_half_a_frame_waits_for_its_other_half(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    bench.device.hear(CapturedBlock(frame_of(1)[:400]))
    await trio.testing.wait_all_tasks_blocked()
    assert bench.listener.frames == []
    bench.device.hear(CapturedBlock(frame_of(1)[400:]))
    await trio.testing.wait_all_tasks_blocked()
    assert bench.listener.frames == [frame_of(1)]


async def test_after_an_overrun_half_a_frame_of_before_is_not_glued_to_what_comes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    bench.device.hear(CapturedBlock(frame_of(1) + frame_of(2)[:400]))
    await bench.hear(5, overrun=True)
    assert bench.listener.frames == [frame_of(1), frame_of(5)]
    assert bench.supervisor.status().xruns == 1


async def test_after_reopening_half_a_frame_of_before_is_not_glued_to_what_comes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    bench.device.hear(CapturedBlock(frame_of(1) + frame_of(2)[:400]))
    bench.device.fail(LOST)
    await trio.sleep(1)
    await bench.hear(5)
    assert bench.listener.frames == [frame_of(1), frame_of(5)]
    assert bench.supervisor.status().reopens == 1


async def test_it_has_started_when_the_device_was_tried_whether_it_is_there_or_not(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.device.fails_to_open = MISSING
    bench.device.opening_takes_s = 0.5
    await nursery.start(bench.supervisor.run)
    assert trio.current_time() == 0.5


async def test_present_is_a_microphone_that_gives_sound_not_one_that_is_open(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await trio.sleep(1)
    assert bench.device.is_open
    assert bench.listener.presence == []
    await bench.hear(1)
    assert bench.listener.presence == [(1, True)]


async def test_one_that_never_comes_is_reported_absent_after_the_grace(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.device.fails_to_open = MISSING
    await nursery.start(bench.supervisor.run)
    await trio.sleep(60)
    assert bench.listener.presence == [(DEVICE_GRACE_S, False)]


async def test_one_that_opens_and_gives_nothing_is_reported_absent_after_the_grace(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    for _ in range(10):
        await trio.sleep(2)
        bench.device.fail(STALLED)
    assert bench.listener.presence == [(DEVICE_GRACE_S, False)]


async def test_a_glitch_is_not_reported(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    await trio.sleep(10)
    bench.device.fails_to_open = MISSING
    bench.device.fail(LOST)
    await trio.sleep(2.5)
    bench.device.fails_to_open = None
    await trio.sleep(0.4)  # tried again at 10, 10.25, 10.75, 11.75 and, out of reach of this test, 13.75
    assert not bench.device.is_open
    assert bench.listener.presence == [(0, True)]


async def test_sound_again_within_the_grace_is_not_reported_either(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    await trio.sleep(10)
    bench.device.fail(LOST)
    await trio.sleep(0.25)
    await bench.hear(2)
    await trio.sleep(60)
    assert bench.listener.presence == [(0, True)]
    assert bench.listener.frames == [frame_of(1), frame_of(2)]


async def test_one_that_is_gone_is_reported_after_the_grace_and_again_when_it_is_back(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    await trio.sleep(10)
    bench.device.fails_to_open = MISSING
    bench.device.fail(LOST)
    await trio.sleep(20)
    bench.device.fails_to_open = None
    bench.device.hear(CapturedBlock(frame_of(2)))
    await trio.sleep(20)
    assert bench.listener.presence == [(0, True), (10 + DEVICE_GRACE_S, False), (31.75, True)]


async def test_whoever_takes_long_to_note_the_presence_holds_up_no_sound(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async def never(_present: bool) -> None:
        await trio.sleep_forever()

    bench = Bench(report_presence=never)
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    await bench.hear(2)
    assert bench.listener.frames == [frame_of(1), frame_of(2)]


async def test_what_happened_while_a_report_was_under_way_is_reported_after_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    reported: list[tuple[float, bool]] = []

    async def slowly(present: bool) -> None:
        await trio.sleep(100)
        reported.append((trio.current_time(), present))

    bench = Bench(report_presence=slowly)
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    bench.device.fails_to_open = MISSING
    bench.device.fail(LOST)
    await trio.sleep(1000)
    assert reported == [(100, True), (200 + DEVICE_GRACE_S, False)]


async def test_the_status_says_missing_starting_and_ok(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    bench.device.fails_to_open = MISSING
    await nursery.start(bench.supervisor.run)
    status = bench.supervisor.status()
    assert (status.health, status.level_dbfs) == (MicrophoneHealth.MISSING, None)
    assert (status.device, status.rate_hz, status.format, status.channels) == (
        "hw:CARD=Fake,DEV=0",
        16_000,
        "S16_LE",
        1,
    )

    bench.device.fails_to_open = None
    await trio.sleep(1)
    assert bench.supervisor.status().health is MicrophoneHealth.STARTING

    bench.device.hear(CapturedBlock(NOISE))  # and from now on by itself
    bench.device.sound = NOISE
    await trio.sleep(5)
    assert bench.supervisor.status().health is MicrophoneHealth.OK

    bench.device.fails_to_open = MISSING
    bench.device.fail(LOST)
    await trio.sleep(1)
    assert bench.supervisor.status().health is MicrophoneHealth.MISSING


async def test_cancelled_while_it_opens_receives_or_waits_it_leaves_nothing_open(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.opening_takes_s = 1.0
    for cancelled_after_s in (0.5, 1.5):
        with trio.move_on_after(cancelled_after_s):
            await bench.supervisor.run()
        assert not bench.device.is_open

    bench.device.fails_to_open = MISSING
    with trio.move_on_after(1.1) as waiting:  # the first new attempt is at 1.25
        await bench.supervisor.run()
    assert waiting.cancelled_caught
    assert not bench.device.is_open
