"""The daemon: runs every part under one roof, from the first sound device to the last goodbye.

    run
    ├── services: control socket, hotplug, heartbeat              cancelled once the stations are gone
    ├── signals, reload, watchdog, status line                    as well
    └── stations: one each; `run` returns when all have ended

Whatever ends a part that was not asked to end is raised, and ends the process: a new one is sure to hear again. Of
several stations a dead one is started anew by itself (station/supervised.py).
"""

from __future__ import annotations

import gc
import logging
import signal
from typing import TYPE_CHECKING

import trio

from gatewayd import __version__
from gatewayd.control.answers import Answers
from gatewayd.control.events import Readied, Stopping
from gatewayd.control.schema import DaemonStatus
from gatewayd.loss_report import LossReport
from gatewayd.message_ids import MessageId
from gatewayd.metrics.process import process_figures
from gatewayd.reloading import Reloading
from gatewayd.running import Running
from gatewayd.status_report import StatusReport
from gatewayd.system.logs import lost_records
from gatewayd.system.notify import Notifier, watchdog_limit_s
from gatewayd.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from gatewayd.assembly import Assembly
    from gatewayd.plan import Plan

STOP_LIMIT_S = 2.5
"""From the signal until whatever is left is dropped; a stop is to be over in 3 s."""

_log = logging.getLogger(__name__)


class Daemon:
    """Runs what `plan` says, built by `assembly`; `load` makes a plan of the files as they are when it is called."""

    def __init__(self, plan: Plan, assembly: Assembly, load: Callable[[], Plan]) -> None:
        self._clock = assembly.clock
        self._notifier = Notifier()
        self._publish = assembly.events.publish
        self._events = assembly.events
        self._measurements = assembly.measurements
        answers = Answers(lambda: self._running.stations, self.status, self._measured)
        self._running = Running(plan, assembly, answers.answer)
        self._report = StatusReport(self.status, self._notifier.status)
        self._reloading = Reloading(
            load, self._running.adopt, self._notifier, show=self._report.look, publish=self._publish
        )
        self._watchdog = Watchdog(
            self._running.parts, self._notifier.alive, limit_s=watchdog_limit_s(), lag_s=self._measurements.loop_lag_s
        )
        self._started_s = 0.0
        self._ready = False

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; a second one, or `STOP_LIMIT_S`, drops what is still to be said. SIGHUP has the
        configuration read anew.

        Raises `Unavailable` when the control socket cannot be had.
        """
        self._started_s = self._clock.monotonic_s()
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with trio.open_nursery() as services:
                await services.start(self._running.run_services)
                patience, reloads = trio.CancelScope(), trio.CancelScope()
                services.start_soon(self._heed_signals, signals, patience, reloads)
                with patience:
                    async with trio.open_nursery() as stations:
                        await stations.start(self._running.run_stations)
                        self._note_ready()
                        services.start_soon(self._reload_when_asked, reloads)
                        services.start_soon(self._watchdog.run)
                        services.start_soon(LossReport(self._publish).run)
                        services.start_soon(self._report.run)
                services.cancel_scope.cancel()
        _log.info("stopped")

    def status(self) -> DaemonStatus:
        """Where everything stands."""
        heartbeat = self._running.heartbeat
        return DaemonStatus(
            version=__version__,
            uptime_s=self._clock.monotonic_s() - self._started_s,
            ready=self._ready,
            stations={name: station.status() for name, station in self._running.stations.items()},
            heartbeat=heartbeat.status() if heartbeat is not None else None,
            problems=(*self._watchdog.problems, *self._reloading.problems),
        )

    def _measured(self) -> Mapping[str, object]:
        return self._measurements.as_json(
            process=process_figures(), records_lost=lost_records(), followers=self._events.followers
        )

    def _note_ready(self) -> None:
        self._ready = True
        # What stands now stays: full collections need not look at it again (29 ms down to 0.2 ms).
        gc.collect()
        gc.freeze()
        self._notifier.ready()
        self._publish(Readied(__version__))
        extra = {"message_id": MessageId.DAEMON_READY, "version": __version__}
        _log.info("gatewayd %s is ready: %s", __version__, ", ".join(self._running.stations), extra=extra)

    async def _reload_when_asked(self, reloads: trio.CancelScope) -> None:
        with reloads:
            await self._reloading.run()

    async def _heed_signals(
        self, signals: AsyncIterator[int], patience: trio.CancelScope, reloads: trio.CancelScope
    ) -> None:
        async for number in signals:
            if number != signal.SIGHUP:
                extra = {"message_id": MessageId.DAEMON_STOPPING, "signal": signal.Signals(number).name}
                _log.info("%s: stopping", signal.Signals(number).name, extra=extra)
                self._publish(Stopping(signal.Signals(number).name))
                break
            self._reloading.request()
        self._notifier.stopping()
        reloads.cancel()
        patience.deadline = trio.current_time() + STOP_LIMIT_S
        await self._running.shut_down()
        async for number in signals:
            if number != signal.SIGHUP:
                _log.warning("%s again: leaving at once", signal.Signals(number).name)
                patience.cancel()
