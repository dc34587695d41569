"""Which adapter stands behind which seam: builds the parts of a daemon after a plan, and starts none."""

from __future__ import annotations

import logging
import random
from functools import partial
from typing import TYPE_CHECKING

from gatewayd.cloud.access import access_by
from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.control.bus import EventBus
from gatewayd.hardware.alsa.devices import AlsaDevices
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.hardware.hotplug import KernelNews
from gatewayd.hardware.usb import UsbPorts
from gatewayd.metrics.measurements import Measurements
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.duplex import Duplex
from gatewayd.station.finder import HOST, StationFinder, look_at
from gatewayd.station.mute import MuteSwitch
from gatewayd.station.playback import PlaybackSupervisor
from gatewayd.station.station import Station
from gatewayd.station.supervised import Companions, SupervisedStation
from gatewayd.system.clock import SystemClock
from gatewayd.system.logs import StationLog
from gatewayd.system.mute_file import MuteFile, state_directory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatewayd.cloud.access import CloudAccess
    from gatewayd.configuration.model import AgentConfiguration, StationConfiguration
    from gatewayd.plan import Plan
    from gatewayd.seams.clock import Clock


class Assembly:
    """Builds parts after a plan, and keeps what outlives all plans: the clock, the way to the sound cards, those who
    follow events, what is measured, and who is muted.
    """

    def __init__(self, plan: Plan, sysroot: Path = HOST) -> None:
        self.clock: Clock = SystemClock()
        self.hotplug = KernelNews()
        self.events = EventBus()
        self.measurements = Measurements()
        self._mutes: dict[str, MuteSwitch] = {}
        self._devices = AlsaDevices(sysroot)
        self._mixer = AlsaMixer(sysroot)
        self._usb = UsbPorts(sysroot)
        self._look = look_at(sysroot, controls=self._mixer.controls)
        self._plan = plan
        # Finders see which cards other stations claim. These two stay the same objects, for the stations that outlive
        # a plan to see the next one's.
        self._stations = list(plan.configuration.stations)
        self._profiles = dict(plan.profiles)
        self._companions = Companions(())
        self._cloud = access_by(plan.configuration.agent, self.clock, plan.tls_context)

    def adopt(self, plan: Plan) -> None:
        """Build after this plan from now on."""
        if plan.link != self._plan.link:
            self._cloud = access_by(plan.configuration.agent, self.clock, plan.tls_context)
        for name in set(self._plan.stations) - set(plan.stations):
            self._companions.note_dead(name)
        self._stations[:] = plan.configuration.stations
        self._profiles.clear()
        self._profiles.update(plan.profiles)
        self._plan = plan

    def station(self, name: str) -> SupervisedStation:
        """One of the plan's stations, not yet running."""
        station = self._plan.stations[name]
        self._companions.note_alive(name)
        finder = StationFinder(station, self._stations, self._profiles, self._look, log=_log(station))
        make = partial(self._make, station, self._plan.configuration.agent, self._cloud, finder, self._mute(station))
        return SupervisedStation(
            station.name,
            make,
            self._companions,
            chance=random.SystemRandom(),
            log=_log(station),
            publish=self.events.of(name),
        )

    def heartbeat(self, report: Callable[[bool], Awaitable[None]]) -> Heartbeat | None:
        """What asks whether the service can be reached; None where the plan has no heartbeat."""
        heartbeat = self._plan.configuration.agent.heartbeat
        return Heartbeat(self._cloud.http, heartbeat, self.clock, report=report) if heartbeat.url else None

    def _mute(self, station: StationConfiguration) -> MuteSwitch:
        """The station's switch, which is where somebody left it, whatever became of the station since."""
        name = station.name
        is_new = name not in self._mutes
        if is_new:
            self._mutes[name] = MuteSwitch(log=_log(station), publish=self.events.of(name))
        store = MuteFile(state_directory(), name) if station.mute_persists else None
        self._mutes[name].keep_in(store, restore=is_new)
        return self._mutes[name]

    def _make(
        self,
        station: StationConfiguration,
        agent: AgentConfiguration,
        cloud: CloudAccess,
        finder: StationFinder,
        mute: MuteSwitch,
    ) -> Station:
        chance = random.SystemRandom()
        log = _log(station)
        publish = self.events.of(station.name)
        measurements = self.measurements.station(station.name)
        duplex = Duplex()
        playback = PlaybackSupervisor(
            hardware=finder, devices=self._devices, hotplug=self.hotplug, duplex=duplex, chance=chance, log=log
        )
        machine = SessionMachine(agent, station.activation, chance.uniform)
        driver = SessionDriver(
            machine=machine,
            transport=cloud.transport,
            tokens=cloud.tokens,
            clock=self.clock,
            play=playback.offer,
            clear_playback=playback.clear,
            log=log,
            link_limit_s=max(agent.token.timeout_s, agent.connect_timeout_s),
            publish=publish,
            measurements=measurements,
        )
        capture = CaptureSupervisor(
            hardware=finder,
            devices=self._devices,
            mixer=self._mixer,
            hotplug=self.hotplug,
            usb=self._usb,
            duplex=duplex,
            clock=self.clock,
            offer_frame=driver.offer_frame,
            report_presence=driver.note_device,
            chance=chance,
            log=log,
            measurements=measurements,
            publish=publish,
            mute=mute,
        )
        return Station(
            name=station.name, machine=machine, driver=driver, capture=capture, playback=playback, clock=self.clock
        )


def _log(station: StationConfiguration) -> StationLog:
    return StationLog(logging.getLogger("gatewayd.station"), station.name)
