"""The daemon: runs every part under one roof, from the first sound device to the last goodbye.

    run
    ├── services: control socket, hotplug, heartbeat, signals     cancelled once the stations are gone
    └── stations: one each; `run` returns when all have ended

Whatever ends a part that was not asked to end is raised, and ends the process: a new one is sure to hear again. Of
several stations a dead one is started anew by itself (station/supervised.py).
"""

from __future__ import annotations

import gc
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd import __version__
from gatewayd.control.protocol import Command, Refusal, Request, RequestRefused
from gatewayd.control.schema import DaemonStatus
from gatewayd.control.server import serve as serve_control
from gatewayd.system.notify import Notifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from gatewayd.assembly import Parts
    from gatewayd.station.supervised import SupervisedStation

STOP_LIMIT_S = 2.5
"""From the signal until whatever is left is dropped; a stop is to be over in 3 s."""

_log = logging.getLogger(__name__)


class Daemon:
    """Runs `parts` and answers for them on `control_socket`."""

    def __init__(self, parts: Parts, control_socket: str) -> None:
        self._clock = parts.clock
        self._stations = parts.stations
        self._heartbeat = parts.heartbeat
        self._hotplug = parts.hotplug
        self._control_socket = Path(control_socket)
        self._notifier = Notifier()
        self._started_s = 0.0
        self._ready = False

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; a second one, or `STOP_LIMIT_S`, drops what is still to be said.

        Raises `Unavailable` when the control socket cannot be had.
        """
        self._started_s = self._clock.monotonic_s()
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as services:
                await services.start(serve_control, self._control_socket, self._answer)
                await services.start(self._hotplug.run)
                if self._heartbeat is not None:
                    await services.start(self._heartbeat.run)
                patience = trio.CancelScope()
                services.start_soon(self._stop_on_signal, signals, patience)
                with patience:
                    await self._run_stations()
                services.cancel_scope.cancel()
        _log.info("stopped")

    async def _run_stations(self) -> None:
        async with trio.open_nursery() as stations:
            for station in self._stations.values():
                await stations.start(station.run)
            self._note_ready()

    def status(self) -> DaemonStatus:
        """Where everything stands."""
        return DaemonStatus(
            version=__version__,
            uptime_s=self._clock.monotonic_s() - self._started_s,
            ready=self._ready,
            stations={name: station.status() for name, station in self._stations.items()},
            heartbeat=self._heartbeat.status() if self._heartbeat is not None else None,
        )

    def _note_ready(self) -> None:
        self._ready = True
        # What stands now stays: full collections need not look at it again (29 ms down to 0.2 ms).
        gc.collect()
        gc.freeze()
        self._notifier.ready()
        _log.info("gatewayd %s is ready: %s", __version__, ", ".join(self._stations))

    async def _stop_on_signal(self, signals: AsyncIterator[int], patience: trio.CancelScope) -> None:
        number = await anext(signals)
        _log.info("%s: stopping", signal.Signals(number).name)
        self._notifier.stopping()
        patience.deadline = trio.current_time() + STOP_LIMIT_S
        for station in self._stations.values():
            await station.shut_down()
        number = await anext(signals)
        _log.warning("%s again: leaving at once", signal.Signals(number).name)
        patience.cancel()

    async def _answer(self, request: Request) -> Mapping[str, object]:
        chosen = self._chosen(request.station)
        if request.command is Command.START:
            for station in chosen:
                await station.request_session()
        elif request.command is Command.STOP:
            for station in chosen:
                await station.dismiss_session()
        return self.status().as_json()

    def _chosen(self, name: str | None) -> Sequence[SupervisedStation]:
        if name is None:
            return list(self._stations.values())
        if name not in self._stations:
            known = ", ".join(self._stations)
            raise RequestRefused(Refusal.UNKNOWN_STATION, f"no station is named {name!r}; there are: {known}")
        return [self._stations[name]]
