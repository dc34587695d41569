from __future__ import annotations

import time

import trio.testing

from gatewayd.system.clock import SystemClock


async def test_deadlines_are_on_the_event_loop_s_clock(autojump_clock: trio.testing.MockClock) -> None:
    clock = SystemClock()
    await trio.sleep(5)
    assert clock.monotonic_s() == 5


def test_ages_are_on_the_clock_that_goes_on_while_the_device_sleeps() -> None:
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before_s <= SystemClock().boottime_s() <= time.clock_gettime(time.CLOCK_BOOTTIME)
