"""All that runs after a plan, and how it becomes what another plan says while the rest goes on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import ServiceReachable, ServiceUnreachable
from gatewayd.control.server import serve as serve_control
from gatewayd.fleet import Fleet, Member
from gatewayd.plan import changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.assembly import Assembly
    from gatewayd.cloud.heartbeat import Heartbeat
    from gatewayd.control.server import Handler
    from gatewayd.plan import Changes, Plan
    from gatewayd.progress import Progress
    from gatewayd.station.supervised import SupervisedStation

_HEARTBEAT = "heartbeat"


class Running:
    """Stations, and the services around them. `answer` carries out what comes over the control socket."""

    def __init__(self, plan: Plan, assembly: Assembly, answer: Handler) -> None:
        self._plan = plan
        self._assembly = assembly
        self._answer = answer
        self._services = Fleet()
        self._fleet = Fleet()
        self.stations: dict[str, SupervisedStation] = {name: assembly.station(name) for name in plan.stations}
        self.heartbeat: Heartbeat | None = assembly.heartbeat(self._tell_reachable)

    async def run_services(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run all but the stations until cancelled. Raises `Unavailable` when the control socket cannot be had."""
        services = [self._control(self._plan), Member("hotplug", self._assembly.hotplug.run)]
        if self.heartbeat is not None:
            services.append(Member(_HEARTBEAT, self.heartbeat.run))
        await self._services.run(services, task_status=task_status)

    async def run_stations(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run the stations until `shut_down` was called and all have ended; started once their sound was tried."""
        await self._fleet.run([_member(station) for station in self.stations.values()], task_status=task_status)

    async def shut_down(self) -> None:
        """Ask the stations to end."""
        await self._fleet.shut_down()

    def parts(self) -> Mapping[str, Progress]:
        """What gives signs of life, by the names that people know it by."""
        parts = {f"{name}: {part.part}": part for name, station in self.stations.items() for part in station.parts()}
        if self.heartbeat is not None:
            parts[_HEARTBEAT] = self.heartbeat.progress
        return parts

    async def adopt(self, plan: Plan) -> Changes:
        """Run after this plan from now on; what it leaves as it is goes on without a gap. Not to be called twice at a
        time.

        Raises `Unavailable` when the control socket cannot move to where it should; then nothing has changed.
        """
        todo = changes(self._plan, plan)
        left = self._plan.configuration.control.socket
        moves = plan.configuration.control.socket != left
        if moves:  # first, as it is all that can fail
            await self._services.start(self._control(plan))
        await self._stop((*todo.removed, *todo.changed))
        self._assembly.adopt(plan)
        self._plan = plan
        if todo.heartbeat:
            await self._replace_heartbeat()
        await self._start(todo)
        if moves:
            await self._services.stop(left)
        return todo

    def _control(self, plan: Plan) -> Member:
        control = plan.configuration.control
        serve = partial(
            serve_control, Path(control.socket), self._answer, events=self._assembly.events, group=control.group
        )
        return Member(control.socket, serve)

    async def _stop(self, names: tuple[str, ...]) -> None:
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(self._fleet.stop, name)

    async def _start(self, todo: Changes) -> None:
        """Start what is new or changed. What people asked of a station holds for the one that replaces it."""
        before = self.stations
        # one that is not started yet is shown as it will be: starting waits for the sound devices
        self.stations = {name: self._station(name, before, todo) for name in self._plan.stations}
        for name in (*todo.changed, *todo.added):
            await self._fleet.start(_member(self.stations[name]))

    def _station(self, name: str, before: Mapping[str, SupervisedStation], todo: Changes) -> SupervisedStation:
        if name in todo.untouched:
            return before[name]
        station = self._assembly.station(name)
        station.note_asked(before.get(name), reachable=self.heartbeat.reachable if self.heartbeat else None)
        return station

    async def _replace_heartbeat(self) -> None:
        if self.heartbeat is not None:
            await self._services.stop(_HEARTBEAT)
        self.heartbeat = self._assembly.heartbeat(self._tell_reachable)
        if self.heartbeat is not None:
            await self._services.start(Member(_HEARTBEAT, self.heartbeat.run))
        else:
            await self._tell_stations(True)  # nobody knows better any more, and nobody is to wait for its word

    async def _tell_reachable(self, reachable: bool) -> None:
        self._assembly.events.publish(ServiceReachable() if reachable else ServiceUnreachable())
        await self._tell_stations(reachable)

    async def _tell_stations(self, reachable: bool) -> None:
        for station in list(self.stations.values()):
            await station.note_service(reachable)


def _member(station: SupervisedStation) -> Member:
    return Member(station.name, station.run, station.shut_down)
