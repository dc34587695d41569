"""Those who follow events: what they are told, and that nobody waits for them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from gatewayd.control.bus import QUEUE_CAPACITY, EventBus
from gatewayd.control.events import LogMessagesLost, Muted, ServiceReachable
from gatewayd.control.server import FOLLOWER_SEND_LIMIT_S, FOLLOWERS_LIMIT, HANGUP_LOOK_S
from tests.control.clients import EVENTS, STATUS, Daemon, Lines, error_of, is_closed, receive_line, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def following(path: Path, events: EventBus) -> AsyncIterator[trio.SocketStream]:
    """A client of a server that tells what is published on `events`."""
    async with serving(path, Daemon().handle, events=events), await trio.open_unix_socket(path) as client:
        yield client


class TestFollowing:
    async def test_the_status_and_then_what_happens(self, socket_path: Path) -> None:
        events = EventBus()
        async with following(socket_path, events) as client:
            await client.send_all(EVENTS)
            lines = Lines(client)
            assert await lines.next() == {"version": 1, "ok": True, "result": {"stations": ["lobby"]}}
            events.of("lobby")(Muted())
            events.publish(ServiceReachable())
            told = [await lines.next(), await lines.next()]
        assert [(event["event"], event["station"]) for event in told] == [
            ("muted", "lobby"),
            ("service_reachable", None),
        ]

    async def test_of_one_station_only_its_events(self, socket_path: Path) -> None:
        events = EventBus()
        async with following(socket_path, events) as client:
            await client.send_all(b'{"command":"events","station":"lobby"}\n')
            lines = Lines(client)
            await lines.next()
            events.of("desk")(Muted())
            events.of("lobby")(Muted())
            assert (await lines.next())["station"] == "lobby"

    async def test_of_an_unknown_station_there_is_nothing_to_follow(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(b'{"command":"events","station":"loby"}\n')
            assert error_of(await receive_line(client)) == "unknown_station"
            assert await is_closed(client)

    async def test_one_who_reads_too_late_is_told_how_much_is_missing(self, socket_path: Path) -> None:
        events = EventBus()
        async with following(socket_path, events) as client:
            await client.send_all(EVENTS)
            lines = Lines(client)
            await lines.next()
            for number in range(20_000):  # more than the kernel's buffers and the queue take
                events.publish(LogMessagesLost(number))
                if number % 100 == 0:
                    await wait_all_tasks_blocked()
            told = [await lines.next()]
            while told[-1].get("count") != 19_999:
                told.append(await lines.next())
        lost = [event["count"] for event in told if event["event"] == "lost"]
        assert lost
        assert all(isinstance(count, int) for count in lost)
        assert len(told) - len(lost) + sum(map(int, map(str, lost))) == 20_000

    async def test_one_who_never_reads_is_dropped_at_last(self, socket_path: Path, autojump_clock: MockClock) -> None:
        events = EventBus()
        async with following(socket_path, events) as client:
            await client.send_all(EVENTS)
            await wait_all_tasks_blocked()
            for _ in range(10_000):
                events.publish(ServiceReachable())
                await trio.lowlevel.checkpoint()
            await trio.sleep(FOLLOWER_SEND_LIMIT_S + 1)
            received = b""
            while data := await client.receive_some(65536):
                received += data
        assert received.count(b"\n") < 10_000 - QUEUE_CAPACITY

    async def test_one_who_says_more_is_closed(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle), await trio.open_unix_socket(socket_path) as client:
            await client.send_all(EVENTS)
            await receive_line(client)
            await client.send_all(STATUS)
            assert await is_closed(client)

    async def test_one_who_closed_its_sending_half_goes_on_listening(
        self, socket_path: Path, autojump_clock: MockClock
    ) -> None:
        events = EventBus()
        async with serving(socket_path, Daemon().handle, events=events):
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(EVENTS)
                await client.send_eof()
                lines = Lines(client)
                await lines.next()
                await trio.sleep(3600)
                events.publish(ServiceReachable())
                assert (await lines.next())["event"] == "service_reachable"
            await trio.sleep(HANGUP_LOOK_S + 1)
            assert events.followers == 0

    async def test_one_who_hangs_up_is_forgotten_at_once(self, socket_path: Path) -> None:
        events = EventBus()
        async with serving(socket_path, Daemon().handle, events=events):
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(EVENTS)
                await receive_line(client)
                assert events.followers == 1
            await wait_all_tasks_blocked()
            assert events.followers == 0

    async def test_followers_leave_places_to_those_who_ask(self, socket_path: Path) -> None:
        async with serving(socket_path, Daemon().handle):
            followers = [await trio.open_unix_socket(socket_path) for _ in range(FOLLOWERS_LIMIT)]
            for follower in followers:
                await follower.send_all(EVENTS)
                await receive_line(follower)
            async with await trio.open_unix_socket(socket_path) as late:
                await late.send_all(EVENTS)
                assert error_of(await receive_line(late)) == "busy"
            async with await trio.open_unix_socket(socket_path) as client:
                await client.send_all(STATUS)
                assert (await receive_line(client))["ok"] is True
            for follower in followers:
                await follower.aclose()
            await wait_all_tasks_blocked()
            async with await trio.open_unix_socket(socket_path) as next_one:
                await next_one.send_all(EVENTS)
                assert (await receive_line(next_one))["ok"] is True
