"""Several stations on one device: one that dies is started anew, and the others do not notice."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
import trio
import trio.testing

from gatewayd.control.events import StationDied, StationRestarted
from gatewayd.control.schema import CaptureStatus, MicrophoneHealth, SessionState, SessionStatus, StationStatus
from gatewayd.errors import DeviceLost
from gatewayd.station.supervised import RESTART_MAX_S, RESTART_MIN_S, STABLE_AFTER_S, Companions, SupervisedStation
from tests.station.fakes import STATION_LOG, LongestWait

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gatewayd.control.events import Event
    from gatewayd.station.station import Station

STATUS = StationStatus(
    state=SessionState.AGENT_READY,
    since_s=1.0,
    muted=False,
    profile=None,
    capture=CaptureStatus("hw:CARD=A,DEV=0", 16_000, "S16_LE", 1, MicrophoneHealth.OK, -40.0, 1, 0, 0),
    session=SessionStatus(0, 1, None, None, 1, 1, {}, None, 0.1, 0.01),
    playback=None,
)


class Bug(Exception):
    """What nobody has thought of."""


class ScriptedStation:
    """A station that lives for a given time, then dies of a bug; with no time, until it is shut down."""

    def __init__(self, lives_s: float | None) -> None:
        self._lives_s = lives_s
        self._shut_down = trio.Event()
        self.told: list[str] = []

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        if self._lives_s == 0:
            raise Bug("the token is s3cret")
        task_status.started()
        with trio.move_on_after(float("inf") if self._lives_s is None else self._lives_s):
            await self._shut_down.wait()
            return
        raise Bug("the token is s3cret")

    async def shut_down(self) -> None:
        self._shut_down.set()

    async def request_session(self) -> None:
        self.told.append("request")

    async def dismiss_session(self) -> None:
        self.told.append("dismiss")

    async def note_service(self, reachable: bool) -> None:
        self.told.append(f"reachable {reachable}")

    def status(self) -> StationStatus:
        return STATUS


class Stage:
    """Stations of one daemon, and when each was built."""

    def __init__(self, *names: str) -> None:
        self.companions = Companions(names)
        self.built_s: list[float] = []
        self.stations: list[ScriptedStation] = []
        self.events: list[Event] = []

    def station(self, name: str, *lives_s: float | None) -> SupervisedStation:
        """A supervised station whose lives take so long, the last one again and again."""
        lives = deque(lives_s)

        def make() -> Station:
            made = ScriptedStation(lives.popleft() if len(lives) > 1 else lives[0])
            self.stations.append(made)
            self.built_s.append(trio.current_time())
            return cast("Station", made)

        return SupervisedStation(
            name, make, self.companions, chance=LongestWait(), log=STATION_LOG, publish=self.events.append
        )


async def test_the_only_station_takes_the_process_with_it(autojump_clock: MockClock) -> None:
    alone = Stage("main").station("main", 5.0)
    with pytest.RaisesGroup(Bug):
        await alone.run()
    assert trio.current_time() == 5


async def test_one_of_two_is_started_anew_and_the_other_goes_on(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage("door", "desk")
    door, desk = stage.station("door", 5.0, None), stage.station("desk", None)
    async with trio.open_nursery() as nursery:
        for station in (door, desk):
            await nursery.start(station.run)
        await trio.sleep(5.5)
        dead = door.status()
        assert dead.state is SessionState.ENDED
        assert dead.failure is not None
        assert dead.failure.startswith("Bug at ")
        assert "s3cret" not in dead.failure, "a bug's text may hold anything"
        assert desk.status() == STATUS
        await trio.sleep(5.5)
        assert door.status() == replace(STATUS, restarts=1)
        assert stage.built_s == [0, 0, 6]
        for station in (door, desk):
            await station.shut_down()
    assert trio.current_time() == 11
    assert stage.events == [StationDied(str(dead.failure)), StationRestarted()]
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.levelno == logging.ERROR
    assert "this station died and is started anew, the others go on: Bug at " in record.getMessage()
    assert "s3cret" not in record.getMessage()


async def test_what_was_asked_of_the_dead_one_is_told_to_the_next(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    door = stage.station("door", 5.0, 5.0, None)
    async with trio.open_nursery() as nursery:
        await nursery.start(door.run)
        await door.note_service(False)
        await door.request_session()
        await trio.sleep(5.5)  # dead
        await door.note_service(True)
        await trio.sleep(2)
        await door.dismiss_session()
        await trio.sleep(60)
        assert [station.told for station in stage.stations] == [
            ["reachable False", "request"],
            ["reachable True", "request", "dismiss"],
            ["reachable True", "dismiss"],
        ]
        await door.shut_down()


async def test_dying_again_and_again_it_is_started_less_and_less_often(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    with trio.move_on_after(300):
        await stage.station("door", 0).run()
    waits = [later - sooner for sooner, later in zip(stage.built_s, stage.built_s[1:], strict=False)]
    assert waits[:8] == [RESTART_MIN_S, 2, 4, 8, 16, 32, RESTART_MAX_S, RESTART_MAX_S]


async def test_after_a_long_life_it_is_started_anew_soon(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    with trio.move_on_after(1000):
        await stage.station("door", 1.0, 1.0, STABLE_AFTER_S, None).run()
    assert stage.built_s == [0, 2, 5, 5 + STABLE_AFTER_S + RESTART_MIN_S]


async def test_once_all_are_dead_so_is_the_process(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    with pytest.RaisesGroup(Bug, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(stage.station("door", 10.0, 60.0, None).run)
            nursery.start_soon(stage.station("desk", 3.5, 10.0, 10.0).run)
    # door lived until 10 and from 11 to 71; desk died at 3.5, 14.5, 26.5, 40.5 and 58.5, and would be back at 74.5
    assert trio.current_time() == 71


async def test_one_that_cannot_even_start_keeps_nobody_from_starting(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    async with trio.open_nursery() as nursery:
        door, desk = stage.station("door", 0), stage.station("desk", None)
        await nursery.start(door.run)
        await nursery.start(desk.run)
        assert trio.current_time() == 0
        await trio.sleep(100)
        assert desk.status() == STATUS
        for station in (door, desk):
            await station.shut_down()
    assert trio.current_time() == 100, "a stop waits for no restart"


async def test_a_stop_that_comes_while_it_starts_anew_is_carried_out(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")
    door = stage.station("door", 1.0, None)
    async with trio.open_nursery() as nursery:
        await nursery.start(door.run)
        await trio.sleep(1.5)
        await door.shut_down()
    assert trio.current_time() == 1.5


async def test_an_expected_error_is_told_in_its_own_words(autojump_clock: MockClock) -> None:
    stage = Stage("door", "desk")

    class Unlucky(ScriptedStation):
        async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            raise DeviceLost("hw:CARD=A,DEV=0", "it was unplugged")

    door = SupervisedStation(
        "door", lambda: cast("Station", Unlucky(None)), stage.companions, chance=LongestWait(), log=STATION_LOG
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(door.run)
        assert door.status().failure == "hw:CARD=A,DEV=0: it was unplugged"
        await door.shut_down()
