from __future__ import annotations

from typing import Any

import trio
import trio.testing

from gatewayd.errors import Unavailable
from gatewayd.metrics.exposition import CLASSIC, OPENMETRICS
from gatewayd.metrics.source import REUSE_S, Source
from tests.metrics.answers import answered


class Daemon:
    """Answers, or is away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    def ask(self) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise Unavailable("no gatewayd answers")
        return answered()


async def test_each_asks_for_the_format_it_knows() -> None:
    source = Source(Daemon().ask)
    content_type, text = await source.for_scraper("application/openmetrics-text;version=1.0.0")
    assert (content_type, text[-6:]) == (OPENMETRICS, b"# EOF\n")
    content_type, text = await source.for_scraper("*/*")
    assert content_type == CLASSIC
    assert b"# EOF" not in text
    assert b"gatewayd_up 1.0\n" in text
    assert b"# EOF" not in await source.for_textfile()


async def test_a_crowd_of_scrapers_is_one_to_the_daemon(mock_clock: trio.testing.MockClock) -> None:
    daemon = Daemon()
    source = Source(daemon.ask)
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(source.for_scraper, "")
    assert daemon.asked == 1
    mock_clock.jump(REUSE_S / 2)
    await source.for_textfile()
    assert daemon.asked == 1
    mock_clock.jump(REUSE_S / 2)
    await source.for_textfile()
    assert daemon.asked == 2


async def test_a_daemon_that_is_away_is_told_as_down_and_asked_again(mock_clock: trio.testing.MockClock) -> None:
    daemon = Daemon()
    source = Source(daemon.ask)
    daemon.away = True
    assert (await source.for_scraper("")) == (CLASSIC, await source.for_textfile())
    assert b"gatewayd_up 0.0\n" in await source.for_textfile()
    daemon.away = False
    mock_clock.jump(REUSE_S)
    assert b"gatewayd_up 1.0\n" in await source.for_textfile()
