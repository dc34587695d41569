"""A station that dies is started anew by itself: the others on the same device do not notice.

    Daemon ── SupervisedStation ── Station (built anew after each death)

The only station of a daemon is not started anew here: what ended it ends the process, and systemd starts a clean one,
which is sure to hear again. With several that would cut the others off in the middle of a sentence, so the dead one
alone is replaced, after a wait that grows while it keeps dying. Once all are dead the process ends all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import StationDied, StationRestarted, publish_nowhere
from gatewayd.control.schema import SessionState
from gatewayd.failures import told
from gatewayd.message_ids import MessageId
from gatewayd.progress import LATENESS_S, Progress

if TYPE_CHECKING:
    import logging
    import random
    from collections.abc import Callable, Iterable

    from gatewayd.control.events import Publish
    from gatewayd.control.schema import StationStatus
    from gatewayd.station.station import Station

RESTART_MIN_S = 1.0
"""Longest wait before a dead station's first restart; it doubles with each death."""
RESTART_MAX_S = 60.0
"""Longest wait before a restart: a bug that kills a station each time must not fill the log."""
STABLE_AFTER_S = 600.0
"""A station that lived for so long starts from `RESTART_MIN_S` again."""
START_LIMIT_S = 45.0
"""For a station to have tried its sound devices: they are given up sooner."""
_DOUBLINGS_MAX = 6


class Companions:
    """Which of a daemon's stations are alive: all that they know of each other. One not yet started counts as alive."""

    def __init__(self, names: Iterable[str]) -> None:
        self._alive = set(names)

    def note_alive(self, name: str) -> None:
        """This one runs."""
        self._alive.add(name)

    def note_dead(self, name: str) -> None:
        """This one died, and waits for its restart."""
        self._alive.discard(name)

    @property
    def any_alive(self) -> bool:
        """Whether there is one that must not be disturbed."""
        return bool(self._alive)


class SupervisedStation:
    """Runs the stations that `make` builds, one after the other, as if they were one.

    `make` must give the session of a new station a start of its own; what people asked of the dead one is told to it.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Station],
        companions: Companions,
        *,
        chance: random.Random,
        log: logging.LoggerAdapter[logging.Logger],
        publish: Publish = publish_nowhere,
    ) -> None:
        self.name = name
        self._publish = publish
        self._make = make
        self._companions = companions
        self._chance = chance
        self._log = log
        self._station = make()
        self._deaths = 0
        self._deaths_in_a_row = 0
        self._failure: str | None = None
        self._wanted: bool | None = None
        self._reachable: bool | None = None
        self._shutdown = trio.Event()
        self._restart = Progress("restart")
        self._succeeds = False

    async def run(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run until `shut_down` was called and carried out; starts as its first station does, or once that died.

        Raises what ended a station when no other station is alive. Cancelling drops everything at once.
        """
        started = _Started(task_status)
        while True:
            began_s = trio.current_time()
            try:
                await self._run_station(started)
            except Exception as error:
                self._companions.note_dead(self.name)
                if not self._companions.any_alive:
                    raise
                self._note_death(error, lived_s=trio.current_time() - began_s)
                started.tell()
            else:
                started.tell()
                return
            delay_s = self._restart_delay_s()
            self._restart.note(trio.current_time(), delay_s + LATENESS_S)
            with trio.move_on_after(delay_s):
                await self._shutdown.wait()
                return
            self._station = self._make()

    async def shut_down(self) -> None:
        """Ask the session to end; `run` returns once it has."""
        self._shutdown.set()
        if self._failure is None:
            await self._station.shut_down()

    async def request_session(self) -> None:
        """Want a session from now on."""
        self._wanted = True
        if self._failure is None:
            await self._station.request_session()

    async def dismiss_session(self) -> None:
        """Want no session until the next request."""
        self._wanted = False
        if self._failure is None:
            await self._station.dismiss_session()

    async def mute(self) -> None:
        """Close the microphone. Raises `Unavailable`, as `Station.mute` does.

        A dead station's is closed already; the one that follows it goes by the same switch.
        """
        await self._station.mute()

    async def unmute(self) -> None:
        """Let the microphone be opened again."""
        await self._station.unmute()

    async def note_service(self, reachable: bool) -> None:
        """Take word of the service: its heartbeat answers, or does not."""
        self._reachable = reachable
        if self._failure is None:
            await self._station.note_service(reachable)

    def note_asked(self, before: SupervisedStation | None, *, reachable: bool | None) -> None:
        """Be asked, once it runs, for what people asked of the one `before` it; and take word of the service."""
        self._wanted = before._wanted if before is not None else None  # noqa: SLF001 - another of the same class
        self._reachable = reachable
        self._succeeds = True

    def parts(self) -> tuple[Progress, ...]:
        """The signs of life of the station's parts; of one that died, of what starts it anew."""
        return self._station.parts() if self._failure is None else (self._restart,)

    def status(self) -> StationStatus:
        """Where things stand; of a station that died, where it last stood, as `ended` and with what ended it."""
        status = self._station.status()
        if self._failure is None:
            return replace(status, restarts=self._deaths)
        return replace(status, state=SessionState.ENDED, restarts=self._deaths, failure=self._failure)

    async def _run_station(self, started: _Started) -> None:
        async with trio.open_nursery() as nursery:
            self._restart.note(trio.current_time(), START_LIMIT_S)
            await nursery.start(self._station.run)
            if self._failure is not None:
                self._publish(StationRestarted())
            self._failure = None
            self._companions.note_alive(self.name)
            started.tell()
            await self._tell_again()

    async def _tell_again(self) -> None:
        """Tell a station that was built anew what it has missed."""
        if self._shutdown.is_set():
            await self._station.shut_down()
        elif self._deaths or self._succeeds:
            if self._reachable is not None:
                await self._station.note_service(self._reachable)
            if self._wanted is not None:
                await (self._station.request_session() if self._wanted else self._station.dismiss_session())

    def _note_death(self, error: Exception, *, lived_s: float) -> None:
        self._deaths += 1
        self._deaths_in_a_row = 1 if lived_s >= STABLE_AFTER_S else self._deaths_in_a_row + 1
        self._failure = told(error)
        self._publish(StationDied(self._failure))
        self._log.error(
            "this station died and is started anew, the others go on: %s",
            self._failure,
            exc_info=error,
            extra={"message_id": MessageId.STATION_DIED},
        )

    def _restart_delay_s(self) -> float:
        longest_s = min(RESTART_MAX_S, RESTART_MIN_S * 2.0 ** min(self._deaths_in_a_row - 1, _DOUBLINGS_MAX))
        return longest_s * self._chance.uniform(0.5, 1.0)


class _Started:
    """Tells `task_status` once."""

    def __init__(self, task_status: trio.TaskStatus[None]) -> None:
        self._task_status = task_status
        self._told = False

    def tell(self) -> None:
        if not self._told:
            self._told = True
            self._task_status.started()
