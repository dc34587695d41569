"""What news of sound hardware does to the wait before the next attempt: exact times on a virtual clock."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.errors import DeviceAmbiguous, DeviceDenied, DeviceError, DeviceMissing, DeviceRefused
from gatewayd.station.reopening import DELAY_MAX_S, NEWS_INTERVAL_S
from tests.station.bench import DEVICE, Bench

if TYPE_CHECKING:
    from trio.testing import MockClock

MISSING = DeviceMissing(DEVICE, "no such device")


async def test_a_device_that_comes_is_opened_at_once(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    bench.hardware.fails = MISSING
    await nursery.start(bench.supervisor.run)
    await trio.sleep(100.1)
    bench.hardware.fails = None
    bench.hotplug.tell()
    await trio.sleep(0.01)
    assert bench.device.attempts_s == [100.1]


async def test_one_whose_permissions_are_set_a_moment_after_the_news_is_tried_soon_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.device.fails_to_open = DeviceDenied(DEVICE, "no permission")
    await nursery.start(bench.supervisor.run)
    await trio.sleep(1000)
    bench.device.attempts_s.clear()
    bench.hotplug.tell()
    await trio.sleep(5)
    assert [round(tried_s - 1000, 3) for tried_s in bench.device.attempts_s] == [0, 0.25, 0.75, 1.75, 3.75]


@pytest.mark.parametrize("kind", [DeviceDenied, DeviceAmbiguous, DeviceRefused])
async def test_what_waits_for_a_person_is_tried_every_half_minute_and_at_once_for_news(
    autojump_clock: MockClock, nursery: trio.Nursery, kind: type[DeviceError]
) -> None:
    bench = Bench()
    bench.hardware.fails = kind(DEVICE, "somebody must help")
    await nursery.start(bench.supervisor.run)
    await trio.sleep(200)
    gaps_s = [later - earlier for earlier, later in pairwise(bench.hardware.asked_s)]
    assert gaps_s[-2:] == [30, 30]
    bench.hotplug.tell()
    await trio.sleep(0.01)
    assert bench.hardware.asked_s[-1] == 200


async def test_without_any_news_it_is_found_within_two_seconds(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.hardware.fails = MISSING
    await nursery.start(bench.supervisor.run)
    await trio.sleep(1000)
    bench.hardware.fails = None
    await trio.sleep(DELAY_MAX_S)
    assert bench.device.is_open


async def test_a_storm_of_news_does_not_make_it_hammer(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = Bench()
    bench.hardware.fails = MISSING
    await nursery.start(bench.supervisor.run)
    for _ in range(1000):
        await trio.sleep(0.01)
        bench.hotplug.tell()
    assert trio.current_time() == pytest.approx(10)
    assert len(bench.hardware.asked_s) <= 10 / NEWS_INTERVAL_S * 3 + 1  # at once, 0.25 s and 0.75 s after


async def test_what_comes_at_the_end_of_a_storm_is_found_within_its_interval(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.hardware.fails = DeviceRefused(DEVICE, "not with these parameters")
    await nursery.start(bench.supervisor.run)
    await trio.sleep(1000)
    for _ in range(5):
        bench.hotplug.tell()
        await trio.sleep(0.05)
    bench.hardware.fails = None
    await trio.sleep(NEWS_INTERVAL_S)
    assert bench.device.is_open
