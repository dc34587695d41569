"""The heartbeat: when it asks, what counts as reachable, and that it only speaks of changes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.configuration.model import HeartbeatConfiguration
from gatewayd.control.schema import HeartbeatStatus
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.fakes import OffsetClock, ScriptedHttp, answer

if TYPE_CHECKING:
    from gatewayd.seams.http import HttpResponse

CONFIGURATION = HeartbeatConfiguration(url="https://api.example.com/heartbeat", interval_s=30, timeout_s=5)
REFUSED = CloudError(Cause.CONNECT_REFUSED, "api.example.com port 443 refused the connection")


def heartbeat(http: ScriptedHttp) -> Heartbeat:
    return Heartbeat(http, CONFIGURATION, OffsetClock(), uniform=lambda low, high: (low + high) / 2)


async def run_for(seconds: float, beating: Heartbeat) -> None:
    with trio.move_on_after(seconds):
        await beating.run()


async def test_it_asks_at_once_and_then_every_interval_from_start_to_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    http = ScriptedHttp([answer(200)], takes_s=4)
    beating = heartbeat(http)
    assert beating.status() == HeartbeatStatus(reachable=None, rtt_s=None)
    await run_for(95, beating)
    assert http.asked_at_s == [0, 30, 60, 90]
    assert http.bounds == {(5, 65536)}
    assert [(request.method, request.url) for request in http.requests] == [("GET", CONFIGURATION.url)] * 4
    assert beating.status() == HeartbeatStatus(reachable=True, rtt_s=4)


async def test_intervals_spread_by_a_tenth(autojump_clock: trio.testing.MockClock) -> None:
    drawn: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    http = ScriptedHttp([answer(200)])
    await run_for(50, Heartbeat(http, CONFIGURATION, OffsetClock(), uniform=highest))
    assert drawn == [(27, 33), (27, 33)]
    assert http.asked_at_s == [0, 33]


@pytest.mark.parametrize(
    ("said", "reachable"),
    [
        (answer(200), True),
        (answer(204), True),
        (answer(299), True),
        (answer(302), False),
        (answer(404), False),
        (answer(503), False),
        (REFUSED, False),
    ],
)
async def test_what_counts_as_reachable(
    said: HttpResponse | CloudError, reachable: bool, autojump_clock: trio.testing.MockClock
) -> None:
    beating = heartbeat(ScriptedHttp([said]))
    await run_for(1, beating)
    assert beating.reachable is reachable
    assert (beating.status().rtt_s is not None) is reachable


async def test_no_failure_ends_it_and_only_changes_are_logged(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[HttpResponse | CloudError] = []
    said += [answer(200), answer(200), REFUSED, REFUSED, answer(503), answer(503), answer(200), answer(200)]
    await run_for(30 * len(said) - 1, heartbeat(ScriptedHttp(said.copy())))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "the service can be reached: its heartbeat answers"),
        ("WARNING", "the service cannot be reached: api.example.com port 443 refused the connection"),
        ("WARNING", "the service cannot be reached: it answered HTTP 503"),
        ("INFO", "the service can be reached: its heartbeat answers"),
    ]
