from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.configuration.model import Activation, AgentConfiguration, BackoffConfiguration
from gatewayd.errors import CloudError
from gatewayd.metrics.measurements import StationMeasurements
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.system.logs import StationLog
from tests.session.fakes import ROUND_TRIP_S, LoopClock, ScriptedConnection, ScriptedTokens, ScriptedTransport
from tests.session.story import Chance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

    from gatewayd.control.events import Event
    from gatewayd.control.schema import SessionStatus

FRAME = bytes(640)
AGENT = AgentConfiguration(url="wss://voice.example/ws", backoff=BackoffConfiguration(startup_spread_s=0.0))


class Outside:
    """A driver with everything around it scripted."""

    def __init__(self) -> None:
        self.tokens = ScriptedTokens()
        self.transport = ScriptedTransport()
        self.clock = LoopClock()
        self.played: list[bytes] = []
        self.clearings = 0
        self.told: list[Event] = []
        self.measurements = StationMeasurements()
        self.machine = SessionMachine(AGENT, Activation.ALWAYS, Chance(1.0))
        self.driver = SessionDriver(
            machine=self.machine,
            transport=self.transport,
            tokens=self.tokens,
            clock=self.clock,
            play=self.played.append,
            clear_playback=self._clear_playback,
            log=StationLog(logging.getLogger("gatewayd.test"), "main"),
            publish=self.told.append,
            measurements=self.measurements,
        )

    def _clear_playback(self) -> None:
        self.clearings += 1

    async def agent_ready(self) -> ScriptedConnection:
        connection = await self.transport.next_connection()
        connection.say('{"type":"connected"}', '{"type":"agent_ready"}')
        await trio.testing.wait_all_tasks_blocked()
        assert self.machine.state.value == "agent_ready"
        return connection

    def status(self) -> SessionStatus:
        return self.driver.status(trio.current_time())


@asynccontextmanager
async def running(*, device: bool = True) -> AsyncIterator[Outside]:
    """A driver that runs until the block is left, and then must stop by itself when asked to."""
    outside = Outside()
    async with trio.open_nursery() as nursery:
        await nursery.start(outside.driver.run)
        if device:
            await outside.driver.tell(events.DeviceAppeared())
        yield outside
        with trio.fail_after(3):
            await outside.driver.tell(events.ShutdownRequested())


async def test_a_session_from_token_to_goodbye(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.transport.next_connection()
        await trio.testing.wait_all_tasks_blocked()
        assert connection.sent == ['{"token": "token-1"}']

        outside.driver.offer_frame(FRAME)
        connection.say('{"type":"connected"}')
        await trio.testing.wait_all_tasks_blocked()
        outside.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert connection.sent[1:] == [FRAME]

        connection.say('{"type":"agent_ready"}', b"\1" * 640, '{"type":"news"}', b"\2" * 640)
        await trio.testing.wait_all_tasks_blocked()
        assert outside.played == [b"\1" * 640, b"\2" * 640]
        status = outside.status()
        assert (status.frames_sent, status.frames_received, status.connects) == (1, 2, 1)
        assert status.frames_dropped == {"no_session": 1, "stalled": 0, "muted": 0}
    assert connection.closed_with == 1000
    assert connection.released.is_set()


async def test_sound_before_connected_is_not_played(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.transport.next_connection()
        connection.say(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert outside.played == []


async def test_every_connect_has_its_own_token_and_waits_grow(autojump_clock: MockClock) -> None:
    start_s = trio.current_time()
    async with running() as outside:
        for _ in range(3):
            connection = await outside.agent_ready()
            connection.end(Cause.SESSION_SETUP_FAILED, close_code=4500)
            await connection.released.wait()
        connection = await outside.transport.next_connection()
        await trio.testing.wait_all_tasks_blocked()
        assert connection.sent == ['{"token": "token-4"}']
    assert outside.tokens.requested_at_s == [start_s, start_s + 1, start_s + 3, start_s + 7]


async def test_token_and_connect_failures_are_told_and_retried(autojump_clock: MockClock) -> None:
    start_s = trio.current_time()
    async with running(device=False) as outside:
        outside.tokens.failures.append(CloudError(Cause.DNS_FAILED, "no such host"))
        outside.transport.failures.append(CloudError(Cause.UPGRADE_REFUSED, "503", http_status=503, retry_after_s=10))
        await outside.driver.tell(events.DeviceAppeared())
        await trio.sleep(0.5)
        status = outside.status()
        assert (status.attempt, status.next_attempt_s) == (1, 0.5)
        assert status.last_end is not None
        assert status.last_end.cause is Cause.DNS_FAILED
        await outside.transport.next_connection()
    assert outside.tokens.requested_at_s == [start_s, start_s + 1, start_s + 1 + 12]


async def test_a_dead_idle_link_is_found_by_its_pings(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        ready_at_s = trio.current_time()
        await trio.sleep(15)
        assert outside.status().rtt_s == ROUND_TRIP_S
        connection.answers_pings = False
        await connection.released.wait()
        assert trio.current_time() == ready_at_s + 20 + ROUND_TRIP_S + 10
        await trio.testing.wait_all_tasks_blocked()
        assert outside.machine.last_end is not None
        assert outside.machine.last_end.cause is Cause.PING_TIMED_OUT
        assert outside.status().rtt_s is None


async def test_a_send_that_overruns_ends_the_session(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        connection.stalled = True
        stalled_at_s = trio.current_time()
        for _ in range(60):
            outside.driver.offer_frame(FRAME)
        await connection.released.wait()
        assert trio.current_time() == stalled_at_s + 10
        await trio.testing.wait_all_tasks_blocked()
        assert outside.machine.last_end is not None
        assert outside.machine.last_end.cause is Cause.SEND_TIMED_OUT
        # the 15 oldest gave way, one was being sent, and 44 waited when the session ended
        assert outside.status().frames_dropped == {"no_session": 0, "stalled": 60, "muted": 0}
        assert outside.clearings == 1


async def test_a_service_that_never_answers_the_token_is_left_without_a_goodbye(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.transport.next_connection()
        opened_at_s = trio.current_time()
        await connection.released.wait()
        assert trio.current_time() == opened_at_s + 10
        assert connection.closed_with is None
        await trio.testing.wait_all_tasks_blocked()
        assert outside.machine.last_end is not None
        assert outside.machine.last_end.cause is Cause.CONNECTED_TIMED_OUT


async def test_losing_the_device_ends_the_session_and_its_return_begins_another(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        await outside.driver.note_device(present=False)
        await connection.released.wait()
        assert connection.closed_with == 1000
        await trio.sleep(100)
        assert outside.machine.state.value == "no_device"
        await outside.driver.note_device(present=True)
        await outside.agent_ready()


async def test_an_attempt_is_called_off_while_the_token_is_fetched(autojump_clock: MockClock) -> None:
    async with running(device=False) as outside:
        outside.tokens.delay_s = 5
        await outside.driver.tell(events.DeviceAppeared())
        await trio.sleep(1)
        before_s = trio.current_time()
    assert trio.current_time() == before_s
    assert outside.transport.urls == []


async def test_a_stop_is_over_in_time_though_the_peer_does_not_answer_the_close(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        connection.answers_close = False
        before_s = trio.current_time()
    assert trio.current_time() == before_s + 1.5
    assert connection.released.is_set()


async def test_the_message_that_is_being_sent_is_finished_before_the_goodbye(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        connection.send_takes_s = 0.5
        outside.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        before_s = trio.current_time()
    assert connection.sent[-1] == FRAME
    assert connection.closed_with == 1000
    assert trio.current_time() == before_s + 0.5


async def test_a_message_that_is_never_taken_does_not_hold_up_a_stop(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        connection.stalled = True
        outside.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        before_s = trio.current_time()
    assert connection.closed_with is None
    assert trio.current_time() == before_s + 1.5
    assert outside.status().frames_dropped == {"stalled": 1, "no_session": 0, "muted": 0}


async def test_a_certificate_of_the_future_while_the_clock_is_not_set(autojump_clock: MockClock) -> None:
    async with running(device=False) as outside:
        outside.clock.knows_the_time = False
        not_yet = CloudError(Cause.CERTIFICATE_NOT_YET_VALID, "the certificate is not yet valid")
        outside.tokens.failures.extend([not_yet, not_yet])
        await outside.driver.note_device(present=True)
        await trio.sleep(1)
        status = outside.status()
        assert status.waiting_for is not None
        assert (status.waiting_for.value, status.next_attempt_s, status.attempt) == ("clock", 4.0, 0)
        await trio.sleep(4.5)
        outside.clock.knows_the_time = True
        await outside.agent_ready()
    first_s = outside.tokens.requested_at_s[0]
    assert outside.tokens.requested_at_s == [first_s, first_s + 5, first_s + 10]


async def test_no_token_is_burnt_while_the_service_cannot_be_reached(autojump_clock: MockClock) -> None:
    async with running(device=False) as outside:
        await outside.driver.note_service(reachable=False)
        await outside.driver.note_device(present=True)
        await trio.sleep(100)
        assert outside.tokens.requested_at_s == []
        await outside.driver.note_service(reachable=True)
        await outside.agent_ready()


async def test_cancelling_drops_the_link_without_a_goodbye(autojump_clock: MockClock) -> None:
    outside = Outside()
    async with trio.open_nursery() as nursery:
        await nursery.start(outside.driver.run)
        await outside.driver.tell(events.DeviceAppeared())
        connection = await outside.agent_ready()
        nursery.cancel_scope.cancel()
    assert connection.closed_with is None
    assert connection.released.is_set()


async def test_an_order_can_be_called_off_before_it_began(autojump_clock: MockClock) -> None:
    async with running(device=False) as outside:
        # both events wait for the owner at once, so the request is cancelled before the worker has seen it
        await outside.driver.tell(events.DeviceAppeared())
        await outside.driver.tell(events.DeviceDisappeared())
        await trio.sleep(10)
        assert outside.machine.state.value == "no_device"
        assert outside.transport.urls == []


async def test_a_bug_in_what_the_machine_is_told_ends_the_driver(autojump_clock: MockClock) -> None:
    outside = Outside()
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="LinkReleased in NO_DEVICE"), flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outside.driver.run)
            await outside.driver.tell(events.LinkReleased())
