from __future__ import annotations

from dataclasses import replace

import trio
import trio.testing

from gatewayd.control.schema import DaemonStatus, SessionState
from gatewayd.status_report import StatusReport
from tests.control.statuses import STATION


class Daemon:
    """Something with a state, and what systemd was told of it."""

    def __init__(self) -> None:
        self.state = SessionState.AGENT_READY
        self.since_s = 0.0
        self.level_dbfs = -38.0
        self.told: list[tuple[float, str]] = []

    def status(self) -> DaemonStatus:
        station = replace(
            STATION,
            state=self.state,
            since_s=trio.current_time() - self.since_s,
            capture=replace(STATION.capture, level_dbfs=self.level_dbfs),
        )
        return DaemonStatus("1", 0.0, ready=True, stations={"main": station})

    def tell(self, line: str) -> None:
        self.told.append((trio.current_time(), line))


async def test_what_happens_is_told_soon_and_what_is_measured_seldom(autojump_clock: trio.testing.MockClock) -> None:
    daemon = Daemon()
    with trio.move_on_after(42):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(StatusReport(daemon.status, daemon.tell).run)
            await trio.sleep(12)
            daemon.level_dbfs = -20.0
            await trio.sleep(21)
            daemon.state, daemon.since_s = SessionState.CONNECTING, 33
    assert daemon.told == [
        (0, "agent ready 0 s · 41 ms · mic -38 dBFS · 0 xruns"),
        (30, "agent ready 30 s · 41 ms · mic -20 dBFS · 0 xruns"),
        (34, "connecting 1 s · 41 ms · mic -20 dBFS · 0 xruns"),
    ]


async def test_nothing_is_told_twice(autojump_clock: trio.testing.MockClock) -> None:
    told: list[str] = []
    status = DaemonStatus("1", 0.0, ready=True, stations={"main": STATION})
    with trio.move_on_after(3600):
        await StatusReport(lambda: status, told.append).run()
    assert told == ["agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns"]
