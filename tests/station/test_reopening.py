"""When a sound device is tried again, and what is said about it: exact times on a virtual clock."""

from __future__ import annotations

import logging
import random
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

import pytest
import trio
import trio.testing

from gatewayd.errors import DeviceBusy, DeviceLost, DeviceMissing, DeviceRefused
from gatewayd.station.reopening import DELAY_MAX_S, REFUSED_DELAY_MAX_S, STABLE_AFTER_S, Reopening
from tests.station.fakes import STATION_LOG, FakeCaptureDevice, FakeHotplug, LongestWait, ShortestWait

if TYPE_CHECKING:
    from trio.testing import MockClock

MISSING = DeviceMissing("hw:CARD=Fake,DEV=0", "no such device")
BUSY = DeviceBusy("hw:CARD=Fake,DEV=0", "another program holds it")
REFUSED = DeviceRefused("hw:CARD=Fake,DEV=0", "it cannot do that")
LOST = DeviceLost("hw:CARD=Fake,DEV=0", "it was unplugged")


def reopening_of(
    device: FakeCaptureDevice, chance: random.Random | None = None, hotplug: FakeHotplug | None = None
) -> Reopening[FakeCaptureDevice]:
    return Reopening(
        device.open,
        purpose="capture",
        hotplug=hotplug or FakeHotplug(),
        chance=chance or LongestWait(),
        log=STATION_LOG,
    )


async def run_for(seconds: float, reopening: Reopening[FakeCaptureDevice]) -> None:
    async def receive_for_ever(stream: FakeCaptureDevice) -> NoReturn:
        reopening.note_works()
        while True:
            await stream.receive()

    with trio.move_on_after(seconds):
        await reopening.run(receive_for_ever)


async def test_waits_double_up_to_two_seconds(autojump_clock: MockClock) -> None:
    device = FakeCaptureDevice()
    device.fails_to_open = MISSING
    await run_for(8, reopening_of(device))
    assert device.attempts_s == [0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]


async def test_at_the_shortest_they_are_half_as_long(autojump_clock: MockClock) -> None:
    device = FakeCaptureDevice()
    device.fails_to_open = MISSING
    await run_for(4, reopening_of(device, ShortestWait()))
    assert device.attempts_s == [0, 0.125, 0.375, 0.875, 1.875, 2.875, 3.875]


async def test_whatever_the_dice_say_a_device_that_returns_is_found_within_two_seconds(
    autojump_clock: MockClock,
) -> None:
    device = FakeCaptureDevice()
    device.fails_to_open = MISSING
    await run_for(10_000, reopening_of(device, random.Random(7)))
    gaps_s = [later - earlier for earlier, later in pairwise(device.attempts_s)]
    assert max(gaps_s) <= DELAY_MAX_S
    assert len({round(gap_s, 3) for gap_s in gaps_s}) > 100  # and two devices do not keep in step


async def test_refused_parameters_are_tried_again_ever_more_slowly(autojump_clock: MockClock) -> None:
    device = FakeCaptureDevice()
    device.fails_to_open = REFUSED
    await run_for(100, reopening_of(device))
    assert device.attempts_s == [0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75, 61.75, 91.75]
    assert device.attempts_s[-1] - device.attempts_s[-2] == REFUSED_DELAY_MAX_S


async def test_a_device_that_worked_is_tried_again_at_once(autojump_clock: MockClock) -> None:
    device = FakeCaptureDevice()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, 20, reopening_of(device))
        await trio.sleep(STABLE_AFTER_S)
        device.fail(LOST)
        await trio.sleep(STABLE_AFTER_S + 1)
        device.fail(LOST)
    assert device.attempts_s == [0, 5.25, 11.25]


async def test_a_device_that_fails_soon_after_every_opening_is_left_alone_longer_and_longer(
    autojump_clock: MockClock,
) -> None:
    device = FakeCaptureDevice()
    for _ in range(6):
        device.fail(LOST)
    reopening = reopening_of(device)
    await run_for(8, reopening)
    assert device.attempts_s == [0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]
    assert reopening.reopens == 6


async def test_a_failure_is_told_once_and_again_when_it_changes(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    device = FakeCaptureDevice()
    device.fails_to_open = MISSING
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, 400, reopening_of(device))
        await trio.sleep(100)
        device.fails_to_open = BUSY
        await trio.sleep(100)
        device.fails_to_open = REFUSED
        await trio.sleep(100)
        device.fails_to_open = None
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"capture does not work and is tried again: {MISSING}"),
        ("WARNING", f"capture does not work and is tried again: {BUSY}"),
        ("ERROR", f"capture does not work and is tried again: {REFUSED}"),
        ("INFO", "capture works again"),
    ]


async def test_a_device_that_comes_and_goes_does_not_fill_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    device = FakeCaptureDevice()
    for _ in range(100):
        device.fail(LOST)
    await run_for(300, reopening_of(device))
    assert len(device.attempts_s) == 101
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 3 + ["INFO"]
    assert "that were not told one by one" in caplog.records[-1].getMessage()


async def test_each_failure_of_a_device_that_worked_is_news(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    device = FakeCaptureDevice()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, 20, reopening_of(device))
        for _ in range(2):
            await trio.sleep(STABLE_AFTER_S + 1)
            device.fail(LOST)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


async def test_the_first_attempt_is_made_known_whatever_came_of_it(autojump_clock: MockClock) -> None:
    for error in (None, MISSING):
        device = FakeCaptureDevice()
        device.opening_takes_s = 0.5
        device.fails_to_open = error
        reopening = reopening_of(device)
        begun_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_for, 10, reopening)
            await reopening.attempted.wait()
            assert trio.current_time() - begun_s == 0.5
            nursery.cancel_scope.cancel()


async def test_what_is_no_device_error_is_not_its_business(autojump_clock: MockClock) -> None:
    async def stumble(_stream: FakeCaptureDevice) -> NoReturn:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    device = FakeCaptureDevice()
    with pytest.raises(ZeroDivisionError):
        await reopening_of(device).run(stumble)
    assert not device.is_open
