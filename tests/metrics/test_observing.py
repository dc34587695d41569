"""What happens in a session and at a microphone is measured where it happens, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.errors import CloudError
from gatewayd.metrics import measurements as measured
from gatewayd.session import events
from gatewayd.session.causes import Cause
from tests.session.fakes import ROUND_TRIP_S
from tests.session.test_driver import FRAME, running
from tests.station.bench import Bench
from tests.station.fakes import NOISE, ZEROS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio.testing import MockClock

    from gatewayd.metrics.measurements import Histogram


def counted(histogram: Histogram, bounds: Sequence[float]) -> dict[float, int]:
    """By the upper bound of each part that has something in it."""
    told = histogram.as_json()
    assert told["bounds"] == list(bounds)
    counts = told["counts"]
    assert isinstance(counts, list)
    return {upper: count for upper, count in zip([*bounds, float("inf")], counts, strict=True) if count}


async def test_the_times_of_token_and_agent(autojump_clock: MockClock) -> None:
    async with running() as outside:
        outside.tokens.delay_s = 0.25
        connection = await outside.transport.next_connection()
        await trio.sleep(1.0)
        connection.say('{"type":"connected"}')
        await trio.sleep(1.0)
        connection.say('{"type":"agent_ready"}')
        await trio.testing.wait_all_tasks_blocked()
        assert outside.machine.time_to_ready_s == 2.25
        assert counted(outside.measurements.token_s, measured.TOKEN_BOUNDS_S) == {0.5: 1}
        assert counted(outside.measurements.ready_s, measured.READY_BOUNDS_S) == {5.0: 1}
        await trio.sleep(60)  # which proves it stable, a change of the machine's that is no new agent
        assert counted(outside.measurements.ready_s, measured.READY_BOUNDS_S) == {5.0: 1}
        assert outside.measurements.ready_s.as_json()["sum"] == 2.25


async def test_every_ping_that_is_answered(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        await trio.sleep(35)
        assert len(connection.pings_at_s) == 3
        assert counted(outside.measurements.ping_s, measured.PING_BOUNDS_S) == {0.1: 3}
        assert outside.measurements.ping_s.as_json()["sum"] == 3 * ROUND_TRIP_S


async def test_every_end_by_its_cause(autojump_clock: MockClock) -> None:
    async with running() as outside:
        outside.tokens.failures.append(CloudError(Cause.DNS_FAILED, "no such host"))
        outside.transport.failures.append(CloudError(Cause.CONNECT_REFUSED, "refused"))
        for _ in range(2):
            connection = await outside.agent_ready()
            connection.end(Cause.CONNECTION_LOST)
        connection = await outside.agent_ready()
        await outside.driver.tell(events.SessionDismissed())
        await connection.released.wait()
    assert outside.measurements.as_json()["ends"] == {
        "dns_failed": 1,
        "connect_refused": 1,
        "connection_lost": 2,
        "stopped": 1,
    }
    # of the five attempts the first had no token
    assert counted(outside.measurements.token_s, measured.TOKEN_BOUNDS_S) == {0.05: 4}


async def test_how_long_frames_wait(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        outside.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        assert counted(outside.measurements.frame_age_s, measured.FRAME_AGE_BOUNDS_S) == {0.001: 1}
        connection.send_takes_s = 0.375
        outside.driver.offer_frame(FRAME)
        await trio.testing.wait_all_tasks_blocked()
        outside.driver.offer_frame(FRAME)
        await trio.sleep(0.25)
        assert outside.measurements.as_json()["queue_age_s"] == 0.25
        await trio.sleep(0.25)
        assert outside.measurements.as_json()["queue_age_s"] == 0
        assert counted(outside.measurements.frame_age_s, measured.FRAME_AGE_BOUNDS_S) == {0.001: 2, 0.5: 1}


async def test_levels_and_digital_zero(autojump_clock: MockClock) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        bench.device.sound = NOISE
        await nursery.start(bench.supervisor.run)
        await trio.sleep(10)
        levels = counted(bench.measurements.level_dbfs, measured.LEVEL_BOUNDS_DBFS)
        assert list(levels) == [-25.0]  # even noise of at most 2000 in 32768 lies at about -26
        assert 8 <= levels[-25.0] <= 10  # one a second, once the first second is over
        bench.device.sound = ZEROS
        await trio.sleep(12)
        zeros_s = bench.measurements.as_json()["digital_zero_s"]
        assert isinstance(zeros_s, float)
        assert 9 <= zeros_s <= 11  # of twelve, as it takes two to be sure
        bench.device.sound = NOISE
        await trio.sleep(10)
        after_s = bench.measurements.as_json()["digital_zero_s"]
        assert isinstance(after_s, float)
        assert after_s - zeros_s <= 1
        nursery.cancel_scope.cancel()


async def test_a_muted_station_measures_nothing(autojump_clock: MockClock) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        bench.device.sound = NOISE
        await nursery.start(bench.supervisor.run)
        await trio.sleep(5)
        bench.mute.turn_on()
        await bench.mute.closed()
        before = bench.measurements.as_json()
        await trio.sleep(60)
        assert bench.measurements.as_json() == before
        nursery.cancel_scope.cancel()
