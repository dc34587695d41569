"""What the driver tells of a session, and what it does when nothing more is to be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.control.events import SessionEnded, StateChanged
from gatewayd.control.schema import SessionState as State
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.conversation import HUSH_LIMIT_S
from tests.session.test_driver import FRAME, running

if TYPE_CHECKING:
    from trio.testing import MockClock


class TestEvents:
    async def test_a_session_from_no_device_to_its_end_and_the_next(self, autojump_clock: MockClock) -> None:
        async with running() as outside:
            connection = await outside.agent_ready()
            connection.end(Cause.SESSION_SETUP_FAILED, close_code=4500)
            await trio.testing.wait_all_tasks_blocked()
            failed = Cause.SESSION_SETUP_FAILED
            assert outside.told == [
                StateChanged(State.NO_DEVICE, State.IDLE),
                StateChanged(State.WAITING, State.NO_DEVICE),
                StateChanged(State.CONNECTING, State.WAITING),
                StateChanged(State.CONNECTED, State.CONNECTING),
                StateChanged(State.AGENT_READY, State.CONNECTED),
                StateChanged(State.ENDED, State.AGENT_READY, failed),
                SessionEnded(failed, "ended: session_setup_failed", 4500),
                StateChanged(State.WAITING, State.ENDED, failed),
            ]

    async def test_the_same_end_twice_is_told_twice(self, autojump_clock: MockClock) -> None:
        async with running() as outside:
            for _ in range(2):
                (await outside.agent_ready()).end(Cause.SESSION_SETUP_FAILED)
            await trio.testing.wait_all_tasks_blocked()
            ends = [event for event in outside.told if isinstance(event, SessionEnded)]
            assert [end.cause for end in ends] == [Cause.SESSION_SETUP_FAILED] * 2

    async def test_nothing_is_told_of_what_changes_no_state(self, autojump_clock: MockClock) -> None:
        async with running() as outside:
            (await outside.agent_ready()).say('{"type":"news"}', '{"type":"agent_ready"}')
            outside.told.clear()
            await outside.driver.tell(events.DeviceAppeared())
            await trio.testing.wait_all_tasks_blocked()
            assert outside.told == []


class TestHush:
    async def test_frames_that_wait_are_thrown_away_and_the_one_that_is_being_sent_is_waited_for(
        self, autojump_clock: MockClock
    ) -> None:
        async with running() as outside:
            connection = await outside.agent_ready()
            connection.send_takes_s = 0.125
            for _ in range(5):
                outside.driver.offer_frame(FRAME)
            await trio.testing.wait_all_tasks_blocked()
            began_s = trio.current_time()
            await outside.driver.hush()
            assert trio.current_time() == began_s + 0.125
            await trio.sleep(5)
            assert connection.sent[1:] == [FRAME]
            status = outside.status()
            assert (status.frames_sent, status.frames_dropped["muted"], status.frames_dropped["stalled"]) == (1, 4, 0)
            assert outside.machine.state is State.AGENT_READY

    async def test_a_link_that_stalls_is_not_waited_for(self, autojump_clock: MockClock) -> None:
        async with running() as outside:
            connection = await outside.agent_ready()
            connection.stalled = True
            outside.driver.offer_frame(FRAME)
            await trio.testing.wait_all_tasks_blocked()
            began_s = trio.current_time()
            await outside.driver.hush()
            assert trio.current_time() == began_s + HUSH_LIMIT_S

    async def test_without_a_session_there_is_nothing_to_do(self, autojump_clock: MockClock) -> None:
        async with running(device=False) as outside:
            await outside.driver.hush()
            assert outside.status().frames_dropped == {"no_session": 0, "stalled": 0, "muted": 0}
