"""A station lives and dies whole: a part that ends unasked ends it, loudly."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest
import trio
import trio.testing

from gatewayd.configuration.model import Activation
from gatewayd.errors import DeviceMissing
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import LinkStuck, SessionMachine
from gatewayd.station.station import Station, TaskReturned
from tests.session.fakes import LoopClock, ScriptedTokens, ScriptedTransport
from tests.session.story import AGENT
from tests.station.bench import Bench
from tests.station.fakes import STATION_LOG

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gatewayd.station.capture import CaptureSupervisor
    from gatewayd.station.playback import PlaybackSupervisor

PARTS = ("capture", "playback", "driver")


class Ending:
    """A part that starts when it is told, and ends by itself."""

    def __init__(self, *, starts_after_s: float = 0.0, error: BaseException | None = None) -> None:
        self._starts_after_s = starts_after_s
        self._error = error

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await trio.sleep(self._starts_after_s)
        task_status.started()
        await trio.sleep(5)
        if self._error is not None:
            raise self._error


def station(**parts: Ending) -> Station:
    """A station with nothing plugged in, and `parts` in the place of its own."""
    machine = SessionMachine(AGENT, Activation.ALWAYS, random.Random(1).uniform)
    driver = SessionDriver(
        machine=machine,
        transport=ScriptedTransport(),
        tokens=ScriptedTokens(),
        clock=LoopClock(),
        play=lambda _frame: None,
        clear_playback=lambda: None,
        log=STATION_LOG,
    )
    bench = Bench(report_presence=driver.note_device)
    bench.hardware.fails = DeviceMissing("hw:CARD=None", "no such device")
    return Station(
        name="main",
        machine=machine,
        driver=cast("SessionDriver", parts.get("driver", driver)),
        capture=cast("CaptureSupervisor", parts.get("capture", bench.supervisor)),
        playback=cast("PlaybackSupervisor", parts.get("playback", bench.playback)),
        clock=LoopClock(),
    )


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_returns_unasked_ends_the_station_as_a_bug(part: str, autojump_clock: MockClock) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(TaskReturned, match="^main: "), flatten_subgroups=True):
        await station(**{part: Ending()}).run()
    assert trio.current_time() == 5


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_dies_ends_the_station_with_its_own_error(part: str, autojump_clock: MockClock) -> None:
    with pytest.RaisesGroup(LinkStuck, flatten_subgroups=True):
        await station(**{part: Ending(error=LinkStuck("a link was not released"))}).run()


async def test_a_station_without_any_device_runs_and_stops_when_asked(autojump_clock: MockClock) -> None:
    whole = station()
    async with trio.open_nursery() as nursery:
        await nursery.start(whole.run)
        await trio.sleep(60)
        status = whole.status()
        assert (status.state.value, status.since_s) == ("no_device", 60.0)
        assert status.capture.health.value == "missing"
        await whole.shut_down()
    assert whole.status().state.value == "ended"


async def test_a_stop_before_every_device_was_tried(autojump_clock: MockClock) -> None:
    whole = station(capture=Ending(starts_after_s=30))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(whole.shut_down)
        await nursery.start(whole.run)
    assert trio.current_time() == 0
