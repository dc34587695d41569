"""A hundred thousand sessions one after the other leave nothing behind: no memory, no task, no descriptor."""

from __future__ import annotations

import gc
import itertools
import logging
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.configuration.model import Activation
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from tests.session.fakes import LoopClock, ScriptedTokens, ScriptedTransport
from tests.tiers.crowd.street import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from tests.session.fakes import ScriptedConnection

WARM_UP = 10_000
RECONNECTS = 100_000
SOUNDING = 10
"""Every so many sessions carry sound both ways."""
FRAME = bytes(640)
BLOCKS_OF_CHANCE = 500
"""Objects that caches, free lists and the garbage collector may hold more of at one time than at another."""
RSS_OF_CHANCE_KB = 2048


@dataclass(frozen=True)
class Footprint:
    """What the process holds."""

    blocks: int
    """Allocated memory blocks, by the interpreter's own exact count."""
    rss_kb: int
    descriptors: int
    tasks: int

    def __str__(self) -> str:
        return f"{self.blocks} blocks, {self.rss_kb} kB, {self.tasks} tasks, {self.descriptors} descriptors"


def footprint() -> Footprint:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    rss_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    tasks = trio.lowlevel.current_statistics().tasks_living
    return Footprint(sys.getallocatedblocks(), rss_kb, descriptors, tasks)


def assert_no_growth(early: Footprint, late: Footprint) -> None:
    assert late.blocks - early.blocks <= BLOCKS_OF_CHANCE
    assert late.rss_kb - early.rss_kb <= RSS_OF_CHANCE_KB
    assert late.tasks == early.tasks
    assert late.descriptors == early.descriptors


class Outside:
    """A service that ends every session in another way, and a microphone that never stops."""

    def __init__(self) -> None:
        self._tokens = ScriptedTokens()
        self._transport = ScriptedTransport()
        self.played = 0
        log = logging.getLogger("gatewayd.crowd")
        log.setLevel(logging.CRITICAL)  # pytest would keep every record
        self.driver = SessionDriver(
            machine=SessionMachine(AGENT, Activation.ALWAYS, random.Random(1).uniform),
            transport=self._transport,
            tokens=self._tokens,
            clock=LoopClock(),
            play=self._play,
            clear_playback=lambda: None,
            log=logging.LoggerAdapter(log, {}),
        )
        self._endings = itertools.cycle([self._drop, self._refuse, self._close, self._announce])

    def _play(self, _frame: bytes) -> None:
        self.played += 1

    async def hold_sessions(self, count: int) -> None:
        for number in range(count):
            connection = await self._transport.next_connection()
            connection.say('{"type":"connected"}', '{"type":"agent_ready"}')
            if number % SOUNDING == 0:
                await self._converse(connection)
            next(self._endings)(connection)
            await connection.released.wait()
            # the script's own notes are no business of the driver's
            self._tokens.requested_at_s.clear()
            self._transport.urls.clear()

    async def _converse(self, connection: ScriptedConnection) -> None:
        connection.say(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        self.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert len(connection.sent) == 2  # the token, and the frame

    @staticmethod
    def _drop(connection: ScriptedConnection) -> None:
        connection.end(Cause.CONNECTION_LOST)

    @staticmethod
    def _refuse(connection: ScriptedConnection) -> None:
        connection.say('{"type":"error","code":"SESSION_SETUP_FAILED","message":"no room"}')
        connection.end(Cause.SESSION_SETUP_FAILED, close_code=4500)

    @staticmethod
    def _close(connection: ScriptedConnection) -> None:
        connection.end(Cause.CLOSED_NORMALLY, close_code=1000)

    @staticmethod
    def _announce(connection: ScriptedConnection) -> None:
        connection.say('{"type":"session_ended","reason":"room_closed"}')


async def test_the_driver_holds_nothing_of_sessions_that_are_over(
    autojump_clock: MockClock, show: Callable[[str], None]
) -> None:
    outside = Outside()
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(outside.driver.run)
        await outside.driver.tell(events.DeviceAppeared())
        await outside.hold_sessions(WARM_UP)
        early = footprint()
        await outside.hold_sessions(RECONNECTS - WARM_UP)
        late = footprint()
        await outside.driver.tell(events.ShutdownRequested())
    days = (trio.current_time() - began_s) / 86_400
    status = outside.driver.status(trio.current_time())
    show(f"driver: {status.connects} sessions in {days:.0f} virtual days; after {WARM_UP}: {early}; in the end: {late}")
    assert status.connects == RECONNECTS
    assert status.frames_sent == status.frames_received == outside.played == RECONNECTS // SOUNDING
    assert_no_growth(early, late)
