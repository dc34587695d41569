"""Which adapter stands behind which seam: builds the parts of a daemon from its configuration, and starts none."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.tls import make_tls_context
from gatewayd.cloud.token import CommandTokenSource, HttpTokenSource
from gatewayd.cloud.tunnel import Proxy
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.hardware.alsa.devices import AlsaDevices
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.hardware.hotplug import KernelNews
from gatewayd.hardware.usb import UsbPorts
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.duplex import Duplex
from gatewayd.station.finder import HOST, StationFinder, look_at
from gatewayd.station.playback import PlaybackSupervisor
from gatewayd.station.station import Station
from gatewayd.station.supervised import Companions, SupervisedStation
from gatewayd.system.clock import SystemClock
from gatewayd.system.credentials import read_credential
from gatewayd.system.logs import StationLog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewayd.configuration.model import Configuration, StationConfiguration
    from gatewayd.hardware.profile import Profile
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.hardware import HardwareSource, Mixer, SoundDevices, UsbPort
    from gatewayd.seams.http import HttpClient
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Transport


@dataclass(frozen=True)
class Parts:
    """What a daemon runs."""

    clock: Clock
    stations: Mapping[str, SupervisedStation]
    heartbeat: Heartbeat | None
    """None where none is configured."""
    hotplug: KernelNews


@dataclass(frozen=True)
class _Hardware:
    """The way to the sound cards; all stations share it."""

    devices: SoundDevices
    mixer: Mixer
    hotplug: KernelNews
    usb: UsbPort


@dataclass(frozen=True)
class _Cloud:
    """The way to the service; all stations share it."""

    http: HttpClient
    transport: Transport
    tokens: TokenSource


def assemble(
    configuration: Configuration, profiles: Mapping[str, Profile], *, source: str, sysroot: Path = HOST
) -> Parts:
    """Build everything. Cards are looked for under `sysroot`, with the hardware `profiles` by their names.

    Raises `ConfigurationInvalid`, naming `source`, when a certificate or key cannot be used.
    """
    clock = SystemClock()
    cloud = _cloud(configuration, clock, source)
    mixer = AlsaMixer(sysroot)
    hardware = _Hardware(AlsaDevices(sysroot), mixer, KernelNews(), UsbPorts(sysroot))
    look = look_at(sysroot, controls=mixer.controls)
    companions = Companions(station.name for station in configuration.stations)
    stations = {}
    for station in configuration.stations:
        finder = StationFinder(station, configuration.stations, profiles, look, log=_log(station))
        make = partial(_station, station, configuration, finder=finder, hardware=hardware, cloud=cloud, clock=clock)
        stations[station.name] = SupervisedStation(
            station.name, make, companions, chance=random.SystemRandom(), log=_log(station)
        )

    async def tell_stations(reachable: bool) -> None:
        for station in stations.values():
            await station.note_service(reachable)

    heartbeat = configuration.agent.heartbeat
    return Parts(
        clock=clock,
        stations=stations,
        heartbeat=Heartbeat(cloud.http, heartbeat, clock, report=tell_stations) if heartbeat.url else None,
        hotplug=hardware.hotplug,
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
    *,
    finder: HardwareSource,
    hardware: _Hardware,
    cloud: _Cloud,
    clock: Clock,
) -> Station:
    chance = random.SystemRandom()
    log = _log(station)
    duplex = Duplex()
    playback = PlaybackSupervisor(
        hardware=finder, devices=hardware.devices, hotplug=hardware.hotplug, duplex=duplex, chance=chance, log=log
    )
    machine = SessionMachine(configuration.agent, station.activation, chance.uniform)
    driver = SessionDriver(
        machine=machine,
        transport=cloud.transport,
        tokens=cloud.tokens,
        clock=clock,
        play=playback.offer,
        clear_playback=playback.clear,
        log=log,
    )
    capture = CaptureSupervisor(
        hardware=finder,
        devices=hardware.devices,
        mixer=hardware.mixer,
        hotplug=hardware.hotplug,
        usb=hardware.usb,
        duplex=duplex,
        clock=clock,
        offer_frame=driver.offer_frame,
        report_presence=driver.note_device,
        chance=chance,
        log=log,
    )
    return Station(name=station.name, machine=machine, driver=driver, capture=capture, playback=playback, clock=clock)


def _log(station: StationConfiguration) -> StationLog:
    return StationLog(logging.getLogger("gatewayd.station"), station.name)
