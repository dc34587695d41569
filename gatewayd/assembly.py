"""Which adapter stands behind which seam: builds the parts of a daemon from its configuration, and starts none."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.tls import make_tls_context
from gatewayd.cloud.token import CommandTokenSource, HttpTokenSource
from gatewayd.cloud.tunnel import Proxy
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice, AlsaPlaybackDevice
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.playback import PlaybackSupervisor
from gatewayd.station.station import Station
from gatewayd.system.clock import SystemClock
from gatewayd.system.credentials import read_credential
from gatewayd.system.logs import StationLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.configuration.model import Configuration, StationConfiguration
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.http import HttpClient
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Transport


@dataclass(frozen=True)
class Parts:
    """What a daemon runs."""

    clock: Clock
    stations: Mapping[str, Station]
    heartbeat: Heartbeat | None
    """None where none is configured."""


@dataclass(frozen=True)
class _Cloud:
    """The way to the service; all stations share it."""

    http: HttpClient
    transport: Transport
    tokens: TokenSource


def assemble(configuration: Configuration, settings: Mapping[str, StationSettings], *, source: str) -> Parts:
    """Build everything, with the hardware `settings` of each station by its name.

    Raises `ConfigurationInvalid`, naming `source`, when a certificate or key cannot be used.
    """
    clock = SystemClock()
    cloud = _cloud(configuration, clock, source)
    stations = {
        station.name: _station(station, configuration, settings[station.name], cloud, clock)
        for station in configuration.stations
    }

    async def tell_stations(reachable: bool) -> None:
        for station in stations.values():
            await station.note_service(reachable)

    heartbeat = configuration.agent.heartbeat
    return Parts(
        clock=clock,
        stations=stations,
        heartbeat=Heartbeat(cloud.http, heartbeat, clock, report=tell_stations) if heartbeat.url else None,
    )


def _cloud(configuration: Configuration, clock: Clock, source: str) -> _Cloud:
    agent = configuration.agent
    plaintext = agent.allow_plaintext
    context = make_tls_context(agent.ca_file, agent.client_cert, agent.client_key, source=source)
    proxy = Proxy(agent.proxy, agent.proxy_credential, read_credential) if agent.proxy else None
    dialer = TcpDialer(tls_context=context, proxy=proxy)
    http = H11Client(dialer, allow_plaintext=plaintext)
    tokens: TokenSource
    if agent.token.command:
        tokens = CommandTokenSource(clock, agent.token, allow_plaintext=plaintext)
    else:
        tokens = HttpTokenSource(http, clock, agent.token, read_credential, allow_plaintext=plaintext)
    transport = WebSocketTransport(dialer, connect_timeout_s=agent.connect_timeout_s, allow_plaintext=plaintext)
    return _Cloud(http, transport, tokens)


def _station(
    station: StationConfiguration,
    configuration: Configuration,
    settings: StationSettings,
    cloud: _Cloud,
    clock: Clock,
) -> Station:
    chance = random.SystemRandom()
    log = StationLog(logging.getLogger("gatewayd.station"), station.name)
    playback = None
    if settings.playback is not None:
        playback = PlaybackSupervisor(
            device=AlsaPlaybackDevice(settings.playback), settings=settings.playback, chance=chance, log=log
        )
    machine = SessionMachine(configuration.agent, station.activation, chance.uniform)
    driver = SessionDriver(
        machine=machine,
        transport=cloud.transport,
        tokens=cloud.tokens,
        clock=clock,
        play=playback.offer if playback else _unheard,
        clear_playback=playback.clear if playback else _nothing_to_clear,
        log=log,
    )
    capture = CaptureSupervisor(
        device=AlsaCaptureDevice(settings.capture),
        settings=settings.capture,
        offer_frame=driver.offer_frame,
        report_presence=driver.note_device,
        chance=chance,
        log=log,
    )
    return Station(
        name=station.name,
        profile=settings.profile,
        machine=machine,
        driver=driver,
        capture=capture,
        playback=playback,
        clock=clock,
    )


def _unheard(_frame: bytes) -> None:
    """A station without a speaker: what the agent says is counted by the session, and not heard."""


def _nothing_to_clear() -> None:
    """A station without a speaker has nothing waiting to be played."""
