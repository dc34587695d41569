from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.control.bus import QUEUE_CAPACITY, EventBus, Subscription, rfc3339
from gatewayd.control.events import LogMessagesLost, Lost, Muted, Notice, ServiceReachable, Unmuted

if TYPE_CHECKING:
    from trio.testing import MockClock


def bus() -> EventBus:
    return EventBus(wall_s=lambda: 1000.0, boottime_s=lambda: 5.0)


async def taken(subscription: Subscription, count: int) -> list[Notice]:
    return [await subscription.next() for _ in range(count)]


async def test_everyone_who_follows_gets_everything_with_when_and_where() -> None:
    events = bus()
    with events.subscribe() as one, events.subscribe() as other:
        events.of("lobby")(Muted())
        events.publish(ServiceReachable())
        expected = [
            Notice("1970-01-01T00:16:40.000Z", 5.0, "lobby", Muted()),
            Notice("1970-01-01T00:16:40.000Z", 5.0, None, ServiceReachable()),
        ]
        assert await taken(one, 2) == expected
        assert await taken(other, 2) == expected


async def test_who_follows_one_station_hears_of_it_and_of_the_daemon() -> None:
    events = bus()
    with events.subscribe("lobby") as lobby:
        events.of("desk")(Muted())
        events.of("lobby")(Unmuted())
        events.publish(ServiceReachable())
        assert [notice.event for notice in await taken(lobby, 2)] == [Unmuted(), ServiceReachable()]


async def test_a_follower_waits_for_what_comes(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    events = bus()
    with events.subscribe() as subscription:

        async def later() -> None:
            await trio.sleep(3)
            events.publish(Muted())

        nursery.start_soon(later)
        with trio.move_on_after(1):
            await subscription.next()
        assert (await subscription.next()).event == Muted()
        assert trio.current_time() == 3


async def test_what_a_slow_follower_misses_is_the_oldest_and_is_counted_in_its_place() -> None:
    events = bus()
    with events.subscribe() as slow:
        for number in range(QUEUE_CAPACITY + 7):
            events.publish(LogMessagesLost(number))
        first, second = await taken(slow, 2)
        assert (first.event, first.station) == (Lost(7), None)
        assert second.event == LogMessagesLost(7)
        rest = await taken(slow, QUEUE_CAPACITY - 1)
        assert rest[-1].event == LogMessagesLost(QUEUE_CAPACITY + 6)
        events.publish(Muted())
        assert (await slow.next()).event == Muted()


def test_nobody_listens_and_who_left_gets_nothing() -> None:
    looked: list[float] = []

    def wall_s() -> float:
        looked.append(0.0)
        return 0.0

    events = EventBus(wall_s=wall_s)
    events.publish(Muted())
    with events.subscribe():
        pass
    events.publish(Muted())
    assert looked == []


async def test_its_own_clocks_are_the_worlds() -> None:
    events = EventBus()
    with events.subscribe() as subscription:
        events.publish(Muted())
        notice = await subscription.next()
    assert notice.time.startswith("20")
    assert notice.boot_s > 0


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_is_what_the_standard_library_makes_of_it(time_ms: int) -> None:
    told = rfc3339(time_ms / 1000)
    assert datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp() == pytest.approx(time_ms / 1000, abs=0.0011)
    assert len(told) == len("2026-11-22T14:41:05.123Z")
