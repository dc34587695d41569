"""Walks the chain from the configuration to the agent, each step by the adapters that the daemon uses."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gatewayd.configuration.model import AgentConfiguration, HeartbeatConfiguration
from gatewayd.diagnosis import by_daemon
from gatewayd.diagnosis.clock import read_clock
from gatewayd.diagnosis.configured import CredentialReader, installed_profiles, open_doors, read_configuration
from gatewayd.diagnosis.results import Step, skipped
from gatewayd.diagnosis.running import Daemon, ask_daemon
from gatewayd.diagnosis.service import SessionTrial, ask_heartbeat, fetch_token
from gatewayd.diagnosis.sound import find_card, listen, try_speaker
from gatewayd.diagnosis.walk import Found, Taken, Walk, because_of
from gatewayd.diagnosis.ways import Way, address_of, connect_all, resolve_all, secure_all, ways_of
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.lean import dataclass
from gatewayd.session.machine import AGENT_READY_LIMIT_S, CLOSE_LIMIT_S, CONNECTED_LIMIT_S
from gatewayd.station.finder import StationFinder, look_at
from gatewayd.system.clock import SystemClock
from gatewayd.system.logs import StationLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from gatewayd.cloud.dial import Resolver
    from gatewayd.diagnosis.configured import Admitted, Configured
    from gatewayd.diagnosis.results import Outcome, Result
    from gatewayd.diagnosis.sound import SoundAccess
    from gatewayd.diagnosis.walk import Display
    from gatewayd.hardware.profile import Profile
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.clock import Clock
    from gatewayd.session.tokens import Token

T = TypeVar("T")

DAEMON_LIMIT_S = 12.0
"""Beyond what the control socket's client allows itself."""
SOUND_LIMIT_S = 20.0
"""For opening a sound device and 2.5 s of sound; a USB device that does not answer takes 5 s a request."""
DNS_LIMIT_S = 12.0
"""The system's resolver tries each server twice for 5 s (resolv.conf(5)); longer is a third one."""
SLACK_S = 2.0
"""What a step gets beyond the limits that its parts keep and can explain."""


@dataclass(frozen=True)
class Scope:
    """What is to be looked at."""

    config: Path
    station: str | None = None
    """Only this one; None: all."""
    network: bool = True
    """Whether anything may leave this device."""
    session: bool = True
    """Whether a token may be asked for and a session held: both cost the service something."""

    def left_out(self, step: Step) -> str | None:
        """Why a step over the network is not wanted; None where it is."""
        if not self.network:
            return "left out by --offline"
        if not self.session and step in (Step.TOKEN, Step.SESSION):
            return "left out by --no-session"
        return None


@dataclass(frozen=True)
class Outside:
    """What the doctor looks at, and tests replace."""

    sound: SoundAccess
    default_socket: Path
    """The control socket where the configuration cannot be read."""
    clock: Clock = field(default_factory=SystemClock)
    now_s: Callable[[], float] = time.time
    resolver: Resolver = socket.getaddrinfo
    credentials: CredentialReader = field(default_factory=CredentialReader)
    profiles: Callable[[Path], Mapping[str, Profile]] = installed_profiles
    """Reads them, given the root; raises `ConfigurationInvalid`."""


class Doctor:
    """One walk along the whole chain; never raises for what is wrong with the device."""

    def __init__(self, scope: Scope, outside: Outside, display: Display) -> None:
        self._scope = scope
        self._outside = outside
        self._walk = Walk(display)

    async def run(self) -> Sequence[Result]:
        """Take every step, one after the other. Cancelling leaves at once, and leaves nothing open."""
        scope, outside = self._scope, self._outside
        read = partial(read_configuration, scope.config, partial(outside.profiles, outside.sound.root))
        configured = await self._walk.look(Step.CONFIGURATION, read)
        admitted = await self._open_doors(configured)
        daemon = await self._ask_daemon(configured)
        for name in self._names(configured):
            await self._examine_sound(name, configured, daemon)
        await self._walk.look(Step.CLOCK, partial(read_clock, outside.clock, outside.now_s))
        ways = await self._walk_to_hosts(configured, admitted)
        await self._ask_heartbeat(configured, admitted, ways)
        await self._hold_sessions(configured, admitted, daemon, ways)
        return self._walk.results

    def _names(self, configured: Taken[Configured]) -> Sequence[str | None]:
        """The stations to look at; a single None where the configuration does not say which there are."""
        if configured.value is None:
            return [self._scope.station]
        names = [station.name for station in configured.got.configuration.stations]
        return [name for name in names if self._scope.station in (None, name)]

    async def _open_doors(self, configured: Taken[Configured]) -> Taken[Admitted]:
        outside, source = self._outside, str(self._scope.config)

        def work() -> Found[Admitted]:
            return open_doors(_agent(configured), outside.clock, outside.credentials, source)

        return await self._walk.look(Step.CREDENTIALS, work, needs=[configured])

    async def _ask_daemon(self, configured: Taken[Configured]) -> Daemon:
        known = configured.value
        path = Path(known.configuration.control.socket) if known else self._outside.default_socket
        taken = await self._walk.take(Step.DAEMON, partial(ask_daemon, path), limit_s=DAEMON_LIMIT_S)
        return taken.value or Daemon()

    # a station's sound

    async def _examine_sound(self, name: str | None, configured: Taken[Configured], daemon: Daemon) -> None:
        sound = self._outside.sound

        def find() -> Found[StationSettings]:
            return find_card(_finder(name, configured.got, sound.root), sound.root, held=daemon.runs)

        async def hear() -> Found[bool]:
            return await listen(card.got, sound)

        async def play() -> Found[bool]:
            return await try_speaker(card.got, sound)

        card = await self._walk.look(Step.CARD, find, station=name, needs=[configured])
        if daemon.runs and configured.value is not None and name is not None:
            tone = sound.play is not None
            await self._by_daemon(Step.LEVELS, name, daemon, by_daemon.levels)
            await self._by_daemon(Step.SPEAKER, name, daemon, partial(by_daemon.speaker, tone=tone))
            return
        await self._walk.take(Step.LEVELS, hear, limit_s=SOUND_LIMIT_S, station=name, needs=[card])
        await self._walk.take(Step.SPEAKER, play, limit_s=SOUND_LIMIT_S, station=name, needs=[card])

    async def _by_daemon(
        self, step: Step, name: str, daemon: Daemon, judge: Callable[[Mapping[str, object]], Outcome]
    ) -> None:
        station = daemon.station(name)

        def work() -> Found[bool]:
            return Found(by_daemon.unknown_station(name) if station is None else judge(station))

        await self._walk.look(step, work, station=name)

    # the service

    async def _walk_to_hosts(
        self, configured: Taken[Configured], admitted: Taken[Admitted]
    ) -> Mapping[Step, Taken[tuple[Way, ...]]]:
        outside = self._outside
        timeout_s = _agent(configured).connect_timeout_s if configured.value else 0.0

        async def resolve() -> Found[tuple[Way, ...]]:
            agent = _agent(configured)
            return await resolve_all(ways_of(agent), agent, outside.resolver)

        async def connect() -> Found[tuple[Way, ...]]:
            return await connect_all(resolved.got, admitted.got.access.dialer, timeout_s=timeout_s)

        async def secure() -> Found[tuple[Way, ...]]:
            return await secure_all(connected.got, admitted.got.access.dialer, outside.now_s, timeout_s=timeout_s)

        limit_s = timeout_s + SLACK_S
        resolved = await self._online(Step.DNS, resolve, DNS_LIMIT_S, [configured])
        connected = await self._online(Step.CONNECT, connect, limit_s, [resolved, admitted])
        secured = await self._online(Step.TLS, secure, limit_s, [connected])
        return {Step.DNS: resolved, Step.CONNECT: connected, Step.TLS: secured}

    async def _ask_heartbeat(
        self, configured: Taken[Configured], admitted: Taken[Admitted], ways: Mapping[Step, Taken[tuple[Way, ...]]]
    ) -> None:
        heartbeat = _agent(configured).heartbeat if configured.value else HeartbeatConfiguration()

        async def ask() -> Found[bool]:
            if not heartbeat.url:
                return Found(skipped("none is configured"))
            return await ask_heartbeat(admitted.got.access.http, heartbeat)

        blocked = _blocked(heartbeat.url, ways)
        needs = [configured, admitted]
        await self._online(Step.HEARTBEAT, ask, heartbeat.timeout_s + SLACK_S, needs, blocked=blocked)

    async def _hold_sessions(
        self,
        configured: Taken[Configured],
        admitted: Taken[Admitted],
        daemon: Daemon,
        ways: Mapping[Step, Taken[tuple[Way, ...]]],
    ) -> None:
        names = self._names(configured)
        agent = _agent(configured) if configured.value else AgentConfiguration()

        async def fetch() -> Found[Token]:
            if not admitted.got.token_credential:
                return Found(by_daemon.token(daemon, [name for name in names if name is not None]))
            return await fetch_token(admitted.got.access.tokens)

        async def hold() -> Found[bool]:
            # A token is good for one session: of several stations each gets one of its own.
            fresh = token.got if first else (await fetch_token(admitted.got.access.tokens)).value
            trial = SessionTrial(admitted.got.access.transport, agent.url)
            return await trial.run(fresh or token.got)

        limit_s = agent.token.timeout_s + SLACK_S
        token = await self._online(
            Step.TOKEN, fetch, limit_s, [configured, admitted], blocked=_blocked(agent.token.url, ways)
        )
        session_limit_s = agent.connect_timeout_s + CONNECTED_LIMIT_S + AGENT_READY_LIMIT_S + CLOSE_LIMIT_S + SLACK_S
        for name in names:
            first = name == names[0]
            if daemon.runs and configured.value is not None and name is not None:
                await self._by_daemon(Step.SESSION, name, daemon, by_daemon.session)
                continue
            blocked = _blocked(agent.url, ways)
            await self._online(
                Step.SESSION, hold, session_limit_s + limit_s, [configured, token], station=name, blocked=blocked
            )

    async def _online(
        self,
        step: Step,
        work: Callable[[], Awaitable[Found[T]]],
        limit_s: float,
        needs: Sequence[Taken[object]],
        *,
        station: str | None = None,
        blocked: str | None = None,
    ) -> Taken[T]:
        """Take a step over the network, unless that is left out, or `blocked` says why it makes no sense."""
        left_out = self._scope.left_out(step)
        if left_out is not None:
            return self._walk.skip(step, left_out, station=station)
        if blocked is not None and all(need.value is not None for need in needs):
            return self._walk.skip(step, blocked, station=station)
        return await self._walk.take(step, work, limit_s=limit_s, station=station, needs=needs)


def _agent(configured: Taken[Configured]) -> AgentConfiguration:
    return configured.got.configuration.agent


def _blocked(url: str, ways: Mapping[Step, Taken[tuple[Way, ...]]]) -> str | None:
    """Which step towards the host of `url` failed; None where its way is open, or not known beforehand."""
    if not url:
        return None
    way = Way.to(address_of(url))
    for taken in ways.values():
        if way not in (taken.value or ()):
            return f"{because_of(taken.result)} for {way.host}"
    return None


def _finder(name: str | None, configured: Configured, root: Path) -> StationFinder:
    stations = configured.configuration.stations
    station = next(station for station in stations if station.name == name)
    look = look_at(root, controls=AlsaMixer(root).controls)
    silent = logging.getLogger("gatewayd.diagnosis.silent")
    silent.propagate = False  # what it would log is told as the step's outcome
    silent.addHandler(logging.NullHandler())
    return StationFinder(station, stations, configured.profiles, look, log=StationLog(silent, station.name))
