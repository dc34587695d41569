"""Which parts the watchdog finds out, and when; and that whoever only waits is never taken for stuck."""

from __future__ import annotations

from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.configuration.model import HeartbeatConfiguration
from gatewayd.errors import CloudError, DeviceAmbiguous, DeviceMissing
from gatewayd.progress import LATENESS_S, Progress
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.driver import LINK_LIMIT_S
from gatewayd.session.machine import LinkStuck
from gatewayd.station.reopening import OPENING_LIMIT_S, SOUND_LIMIT_S
from gatewayd.watchdog import FEEDS, Watchdog
from tests.session.fakes import LoopClock
from tests.session.test_driver import Outside
from tests.station.bench import Bench
from tests.station.fakes import NOISE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trio.testing import MockClock

    from gatewayd.errors import DeviceError
    from gatewayd.seams.http import HttpRequest, HttpResponse
    from gatewayd.session.tokens import Token

DAY_S = 86_400.0
HOUR_S = 3600.0


class Look:
    """Whether anybody was found stuck, by looking every so often."""

    def __init__(self, parts: Sequence[Progress], every_s: float) -> None:
        self._every_s = every_s
        self._parts = {part.part: part for part in parts}
        self.feedings = 0
        self.stuck_s: dict[str, float] = {}
        """When each part was first seen to be stuck."""
        self._watchdog = Watchdog(lambda: self._parts, self._note_fed, limit_s=FEEDS * every_s)

    def _note_fed(self) -> None:
        self.feedings += 1

    async def go_on(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watchdog.run)
            while True:
                await trio.sleep(self._every_s)
                for problem in self._watchdog.problems:
                    self.stuck_s.setdefault(problem.removesuffix(" is stuck"), trio.current_time())


@asynccontextmanager
async def looking(*parts: Progress, every_s: float = 1.0) -> AsyncIterator[Look]:
    look = Look(parts, every_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look.go_on)
        yield look
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def station(bench: Bench, *, every_s: float = 1.0) -> AsyncIterator[Look]:
    """Capture and playback run, and are looked at."""
    parts = bench.supervisor.progress, bench.playback.progress
    async with looking(*parts, every_s=every_s) as look, trio.open_nursery() as nursery:
        await nursery.start(bench.playback.run)
        await nursery.start(bench.supervisor.run)
        yield look
        nursery.cancel_scope.cancel()


async def test_nobody_is_stuck_while_sound_flows_and_the_agent_is_silent(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    async with station(bench) as look:
        await trio.sleep(120)
    assert look.stuck_s == {}
    assert look.feedings == pytest.approx(120, abs=1)


@pytest.mark.parametrize(
    ("error", "for_s"),
    [
        (DeviceMissing("hw:CARD=Fake", "no such device"), HOUR_S / 2),  # tried every 2 s
        (DeviceAmbiguous("hw:CARD=Fake", "two could be meant"), DAY_S / 4),
    ],
)
async def test_nobody_is_stuck_without_a_device(autojump_clock: MockClock, error: DeviceError, for_s: float) -> None:
    bench = Bench()
    bench.hardware.fails = error
    async with station(bench, every_s=10.0) as look:
        await trio.sleep(for_s)
    assert look.stuck_s == {}


async def test_nobody_is_stuck_on_a_card_that_stalls_and_says_so(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound, bench.device.stalls = NOISE, True
    async with station(bench) as look:
        await trio.sleep(HOUR_S / 6)
    assert look.stuck_s == {}
    assert len(bench.device.attempts_s) > 100


async def test_nobody_is_stuck_while_muted(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    async with station(bench) as look:
        await trio.sleep(1)
        bench.supervisor.mute.turn_on()
        await trio.sleep(HOUR_S / 6)
        bench.supervisor.mute.turn_off()
        await trio.sleep(10)
        assert bench.device.is_open
    assert look.stuck_s == {}


async def test_a_microphone_that_neither_gives_sound_nor_fails(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    async with station(bench) as look:
        await trio.sleep(100.25)
        bench.device.sound = None  # from now on it only waits
        await trio.sleep(100)
    assert look.stuck_s == {"capture": pytest.approx(100 + SOUND_LIMIT_S + 1, abs=1)}


async def test_an_opening_that_never_ends(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    async with station(bench) as look:
        await trio.sleep(100.25)
        bench.device.opening_takes_s = inf
        bench.device.fail(DeviceMissing("hw:CARD=Fake", "it is gone"))
        await trio.sleep(100)
    assert look.stuck_s == {"capture": pytest.approx(100 + OPENING_LIMIT_S + 1, abs=1.25)}


async def test_a_loudspeaker_that_hangs(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    async with station(bench) as look:
        await trio.sleep(100.25)
        bench.speaker.stream.stopping_takes_s = inf
        await bench.say(1, 2, 3, 4)
        await trio.sleep(100)
    assert look.stuck_s == {"playback": pytest.approx(101 + SOUND_LIMIT_S + 1, abs=1)}


# The session


@asynccontextmanager
async def session(outside: Outside, *, every_s: float = 1.0) -> AsyncIterator[Look]:
    async with looking(*outside.driver.parts, every_s=every_s) as look, trio.open_nursery() as nursery:
        await nursery.start(outside.driver.run)
        await outside.driver.tell(events.DeviceAppeared())
        yield look
        nursery.cancel_scope.cancel()


async def test_nobody_is_stuck_in_a_day_offline(autojump_clock: MockClock) -> None:
    outside = Outside()
    outside.tokens.failures.extend(CloudError(Cause.DNS_FAILED, "no name") for _ in range(10_000))
    async with session(outside, every_s=10.0) as look:
        await trio.sleep(DAY_S)
    assert look.stuck_s == {}
    assert len(outside.tokens.requested_at_s) > DAY_S / 60 - 10


async def test_nobody_is_stuck_in_a_quiet_conversation(autojump_clock: MockClock) -> None:
    outside = Outside()
    async with session(outside) as look:
        connection = await outside.agent_ready()
        await trio.sleep(HOUR_S / 2)
        assert len(connection.pings_at_s) > 150
    assert look.stuck_s == {}


async def test_nobody_is_stuck_before_a_session_is_wanted(autojump_clock: MockClock) -> None:
    outside = Outside()
    async with session(outside) as look:
        await outside.driver.tell(events.SessionDismissed())
        await trio.sleep(HOUR_S / 2)
    assert look.stuck_s == {}


class Deaf:
    """A token source that cannot be called off, and never answers."""

    async def fetch(self) -> Token:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 60):
            await trio.sleep_forever()
        raise CloudError(Cause.TOKEN_TIMED_OUT, "much too late")


async def test_a_link_worker_that_cannot_be_called_off(autojump_clock: MockClock) -> None:
    outside = Outside()
    outside.driver._tokens = Deaf()
    seen_s: list[float] = []
    with pytest.RaisesGroup(LinkStuck, flatten_subgroups=True):  # the station dies of it, but cannot end
        async with session(outside) as look:
            await trio.sleep(40)
            seen_s.append(look.stuck_s["link"])
    assert seen_s == [pytest.approx(LINK_LIMIT_S + LATENESS_S + 1, abs=1)]


# The heartbeat


class HangingHttp:
    """Answers the first request, and then never again, whatever limit it is given."""

    def __init__(self) -> None:
        self.requests = 0

    async def request(self, request: HttpRequest, *, timeout_s: float, body_limit_bytes: int) -> HttpResponse:
        self.requests += 1
        if self.requests == 1:
            raise CloudError(Cause.CONNECT_REFUSED, "refused")
        await trio.sleep_forever()
        raise AssertionError


async def test_a_heartbeat_that_hangs(autojump_clock: MockClock) -> None:
    configuration = HeartbeatConfiguration(url="https://voice.example/heartbeat", interval_s=30.0, timeout_s=5.0)
    beating = Heartbeat(HangingHttp(), configuration, LoopClock(), uniform=max)
    async with looking(beating.progress) as look, trio.open_nursery() as nursery:
        nursery.start_soon(beating.run)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    asked_again_s = 11  # after a failure, spread by a tenth
    assert look.stuck_s == {"heartbeat": pytest.approx(asked_again_s + 5 + LATENESS_S + 1, abs=1)}
