from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import trio

from gatewayd.control.answers import Answers
from gatewayd.control.protocol import Command, Refusal, Request, RequestRefused
from gatewayd.control.schema import DaemonStatus

if TYPE_CHECKING:
    from gatewayd.station.supervised import SupervisedStation

STATUS = DaemonStatus(version="0.1.0", uptime_s=1.0, ready=True)


class Noting:
    """A station that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def _note(self, what: str) -> None:
        await trio.lowlevel.checkpoint()
        self.told.append(what)

    async def request_session(self) -> None:
        await self._note("start")

    async def dismiss_session(self) -> None:
        await self._note("stop")

    async def mute(self) -> None:
        await self._note("mute")

    async def unmute(self) -> None:
        await self._note("unmute")


class House:
    """A daemon's stations, which may come and go."""

    def __init__(self) -> None:
        self.stations = {"lobby": Noting(), "desk": Noting()}
        self.answers = Answers(
            lambda: {name: cast("SupervisedStation", station) for name, station in self.stations.items()},
            lambda: STATUS,
            lambda: {"frames": 3},
        )


@pytest.mark.parametrize("command", [Command.START, Command.STOP, Command.MUTE, Command.UNMUTE])
async def test_a_station_or_all_are_told(command: Command) -> None:
    house = House()
    assert await house.answers.answer(Request(command, "lobby")) == STATUS.as_json()
    await house.answers.answer(Request(command))
    assert house.stations["lobby"].told == [command.value, command.value]
    assert house.stations["desk"].told == [command.value]


@pytest.mark.parametrize("command", [Command.STATUS, Command.EVENTS])
async def test_who_only_asks_changes_nothing(command: Command) -> None:
    house = House()
    assert await house.answers.answer(Request(command)) == STATUS.as_json()
    assert house.stations["lobby"].told == []


async def test_metrics_are_the_status_and_what_was_measured() -> None:
    assert await House().answers.answer(Request(Command.METRICS)) == {
        "status": STATUS.as_json(),
        "measurements": {"frames": 3},
    }


async def test_a_station_that_is_not_there_is_told_with_those_that_are_and_nothing_is_done() -> None:
    house = House()
    with pytest.raises(RequestRefused) as caught:
        await house.answers.answer(Request(Command.MUTE, "lob\nby"))
    assert caught.value.refusal is Refusal.UNKNOWN_STATION
    assert str(caught.value) == "there is no station 'lob\\nby'; gatewayd runs with these: lobby, desk"
    assert house.stations["lobby"].told == []


async def test_a_station_that_came_with_a_reload_is_known() -> None:
    house = House()
    house.stations = {"hall": Noting()}
    await house.answers.answer(Request(Command.MUTE))
    assert house.stations["hall"].told == ["mute"]
