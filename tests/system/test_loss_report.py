from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.control.events import LogMessagesLost
from gatewayd.loss_report import LOOK_INTERVAL_S, LossReport
from gatewayd.message_ids import MessageId
from gatewayd.system.journal import JournalHandler
from gatewayd.system.logs import configure_logging
from tests.system.journald import Journald, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trio.testing import MockClock

    from gatewayd.control.events import Event


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    with listening(tmp_path / "socket") as journald:
        yield journald


@pytest.fixture
def log(tmp_path: Path, journald: Journald) -> Iterator[logging.Logger]:
    """The root logger, with a journald that nobody reads."""
    handler = JournalHandler(tmp_path / "socket", debug=False)
    logging.getLogger().addHandler(handler)
    yield logging.getLogger("gatewayd.test")
    logging.getLogger().removeHandler(handler)
    handler.close()


async def test_a_loss_is_told_though_no_record_follows(
    autojump_clock: MockClock, journald: Journald, log: logging.Logger
) -> None:
    published: list[Event] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(LossReport(published.append).run)
        for number in range(2000):
            log.warning("%d", number)
        await trio.sleep(LOOK_INTERVAL_S + 1)
        taken = len(journald.entries())
        assert published == [LogMessagesLost(2000 - taken)]
        await trio.sleep(LOOK_INTERVAL_S)
        (notice,) = journald.entries()
        assert notice["MESSAGE_ID"] == MessageId.LOG_RECORDS_LOST.value
        assert notice["GATEWAYD_LOST"] == str(2000 - taken)
        await trio.sleep(10 * LOOK_INTERVAL_S)
        nursery.cancel_scope.cancel()
    assert journald.entries() == []
    assert len(published) == 1


async def test_while_nothing_is_lost_nothing_is_told(autojump_clock: MockClock) -> None:
    published: list[Event] = []
    stream = io.StringIO()
    configure_logging("info", stream)
    with trio.move_on_after(10 * LOOK_INTERVAL_S):
        await LossReport(published.append).run()
    assert (published, stream.getvalue()) == ([], "")
