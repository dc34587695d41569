"""Two thousand reconnects over real sockets with TLS: nothing is left behind by any of them."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from gatewayd.configuration.model import AgentConfiguration, TokenConfiguration
from gatewayd.session import events
from tests.tiers.endurance.show import show
from tests.tiers.endurance.stack import AT_ONCE, SessionStack, dialer_for
from tests.tiers.endurance.usage import Usage, usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

STATIONS, PATIENT_STATIONS = 60, 8
"""The service of the patient ones only says that a session is over, and leaves it to them to end it, with a goodbye.
That takes them a second longer, so that they have half as many.
"""
ROUNDS = (4, 21, 38)
"""Sessions per station after which all rest and are measured; the first is the warm-up."""
POLL_S = 0.05
REST_LIMIT_S = 10.0
RUN_LIMIT_S = 150.0
"""On a machine that does other things too."""
GROWTH_BYTES = 1 << 20
"""From halfway to the end, a thousand sessions; before that the allocator is still finding its size."""
GROWTH_OBJECTS = 100
"""Of any type, after the warm-up; what every session left behind would come to two thousand."""
SCENARIO = """
then = "repeat"
[[connections]]
steps = [{{ on = "agent_ready", do = "{how}", code = "SESSION_SETUP_FAILED" }}]
"""


@dataclass(frozen=True)
class Held:
    """What all stations together hold on to while they rest."""

    usage: Usage
    tasks: int

    @classmethod
    def now(cls) -> Held:
        return cls(usage(), trio.lowlevel.current_statistics().tasks_living)


@asynccontextmanager
async def hasty_service(folder: Path, how: str) -> AsyncIterator[AgentConfiguration]:
    """A voice service in a process of its own, which ends every session as soon as its agent is ready."""
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO.format(how=how))
    command = [sys.executable, "-m", "gatewayd", "sim", "--tls", "--listen", "127.0.0.1:0", "--log-level", "error"]
    command += ["--scenario", str(scenario), "--state-dir", str(folder)]
    process = await trio.lowlevel.open_process(command, stdout=-1, env=dict(os.environ))
    assert process.stdout is not None
    try:
        addresses = json.loads(await process.stdout.receive_some(65536))
        token = TokenConfiguration(url=addresses["token_url"])
        yield AgentConfiguration(url=addresses["ws_url"], ca_file=addresses["ca_file"], backoff=AT_ONCE, token=token)
    finally:
        process.terminate()
        with trio.CancelScope(shield=True):
            await process.wait()
            await process.stdout.aclose()


def stations_of(agent: AgentConfiguration, count: int) -> list[SessionStack]:
    dialer = dialer_for(agent)
    return [SessionStack(agent, dialer, name=f"station-{number}") for number in range(count)]


async def live(station: SessionStack, sessions: int) -> None:
    """Let a station have so many sessions in all, then rest."""
    await station.driver.tell(events.SessionRequested())
    while station.machine.connects < sessions:
        station.driver.offer_frame(bytes(640))
        await trio.sleep(POLL_S)
    await station.driver.tell(events.SessionDismissed())
    with trio.fail_after(REST_LIMIT_S):
        while station.machine.state.value != "idle":  # noqa: ASYNC110 - the machine tells nobody
            await trio.sleep(POLL_S)


async def test_two_thousand_reconnects_leave_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("CRITICAL", "gatewayd.station")  # pytest would keep what is logged
    held: list[Held] = []
    began_s = time.monotonic()
    folders = [tmp_path_factory.mktemp("service") for _ in range(2)]
    async with (
        hasty_service(folders[0], "fail") as agent,
        hasty_service(folders[1], "send_error") as other,
        trio.open_nursery() as nursery,
    ):
        hasty, patient = stations_of(agent, STATIONS), stations_of(other, PATIENT_STATIONS)
        stations = hasty + patient
        for station in stations:
            await nursery.start(station.driver.run)
            await station.driver.tell(events.DeviceAppeared())
        with trio.fail_after(RUN_LIMIT_S):
            for sessions in ROUNDS:
                async with trio.open_nursery() as living:
                    for station in hasty:
                        living.start_soon(live, station, sessions)
                    for station in patient:
                        living.start_soon(live, station, sessions // 2)
                held.append(Held.now())
        readied = [station.machine.time_to_ready_s for station in stations]
        connects = sum(station.machine.connects for station in stations)
        for station in stations:
            await station.driver.tell(events.ShutdownRequested())
    warm, halfway, ended = held
    grown = ended.usage.resident_bytes - halfway.usage.resident_bytes
    took_s = time.monotonic() - began_s
    sizes = " > ".join(f"{each.usage.resident_bytes / 1048576:.1f}" for each in held)
    show(capsys, f"{connects} sessions in {took_s:.0f} s; resident MiB after warm-up, halfway and at the end: {sizes}")
    assert all(readied), "a station whose agent was never ready"
    assert connects - len(stations) * ROUNDS[0] >= 2000
    assert {each.tasks for each in held} == {warm.tasks}
    assert {each.usage.descriptors for each in held} == {warm.usage.descriptors}
    assert ended.usage.grown_types(warm.usage, GROWTH_OBJECTS) == {}
    assert grown < GROWTH_BYTES
