"""Fed only while everybody gives the signs of life that they owe."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from gatewayd.progress import Progress
from gatewayd.watchdog import LOOK_INTERVAL_S, Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest
    from trio.testing import MockClock

LIMIT_S = 30.0


class Watched:
    """A watchdog over `parts`, and when it was fed."""

    def __init__(self, limit_s: float | None = LIMIT_S) -> None:
        self.parts: dict[str, Progress] = {}
        self.fed_s: list[float] = []
        self.watchdog = Watchdog(lambda: self.parts, self._note_fed, limit_s=limit_s)

    def part(self, name: str) -> Progress:
        return self.parts.setdefault(name, Progress(name))

    async def look_on(self) -> None:
        await self.watchdog.run()

    def _note_fed(self) -> None:
        self.fed_s.append(trio.current_time())


@asynccontextmanager
async def watching() -> AsyncIterator[Watched]:
    watched = Watched()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.look_on)
        yield watched
        nursery.cancel_scope.cancel()


async def test_a_third_of_the_limit_lies_between_two_feedings(autojump_clock: MockClock) -> None:
    async with watching() as watched:
        watched.part("capture").rest(trio.current_time())
        await trio.sleep(35)
        assert watched.fed_s == [0, 10, 20, 30]


async def test_it_is_not_fed_once_a_part_is_overdue(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching() as watched:
        await trio.sleep(5)
        watched.part("main: capture").note(trio.current_time(), 10)
        watched.part("main: link").note(trio.current_time(), 1000)
        with caplog.at_level(logging.WARNING):
            await trio.sleep(60)
        assert watched.fed_s == [0, 10]
        assert watched.watchdog.problems == ("main: capture is stuck",)
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith("main: capture is stuck: it has done nothing for 15 s, and should have after 10; ")


async def test_from_the_last_sign_of_life_to_the_end_it_takes_forty_five_seconds_at_most(
    autojump_clock: MockClock,
) -> None:
    """systemd's limit begins anew with each feeding; parts are given 15 s at most for anything that is not a wait."""
    async with watching() as watched:
        await trio.sleep(9.9)
        watched.part("main: capture").note(trio.current_time(), 15)
        await trio.sleep(100)
        assert watched.fed_s[-1] + LIMIT_S <= 9.9 + 45


async def test_it_is_fed_again_when_the_part_goes_on(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching() as watched:
        part = watched.part("main: playback")
        part.note(trio.current_time(), 1)
        await trio.sleep(15)
        with caplog.at_level(logging.WARNING):
            part.note(trio.current_time(), 100)
            await trio.sleep(10)
        assert watched.fed_s == [0, 20]
        assert watched.watchdog.problems == ()
        assert caplog.records[-1].getMessage() == "main: playback is no longer stuck"


async def test_a_part_that_is_gone_owes_nothing(autojump_clock: MockClock) -> None:
    async with watching() as watched:
        watched.part("door: capture").note(trio.current_time(), 1)
        await trio.sleep(15)
        del watched.parts["door: capture"]
        await trio.sleep(10)
        assert watched.fed_s == [0, 20]


async def test_where_nobody_watches_it_looks_all_the_same(autojump_clock: MockClock) -> None:
    watched = Watched(limit_s=None)
    watched.part("main: capture").note(trio.current_time(), 1)
    with trio.move_on_after(LOOK_INTERVAL_S + 1):
        await watched.watchdog.run()
    assert watched.watchdog.problems == ("main: capture is stuck",)
