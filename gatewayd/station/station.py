"""One microphone and speaker with their session: three supervised tasks that live and die together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.control.schema import StationStatus
from gatewayd.session import events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatewayd.progress import Progress
    from gatewayd.seams.clock import Clock
    from gatewayd.session.driver import SessionDriver
    from gatewayd.session.machine import SessionMachine
    from gatewayd.station.capture import CaptureSupervisor
    from gatewayd.station.playback import PlaybackSupervisor


class TaskReturned(RuntimeError):
    """A task that must run for as long as its station returned unasked: a bug that would leave the station deaf."""


class Station:
    """Runs what it is given."""

    def __init__(
        self,
        *,
        name: str,
        machine: SessionMachine,
        driver: SessionDriver,
        capture: CaptureSupervisor,
        playback: PlaybackSupervisor,
        clock: Clock,
    ) -> None:
        self.name = name
        self._machine = machine
        self._driver = driver
        self._capture = capture
        self._playback = playback
        self._clock = clock
        self._shutting_down = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Capture, converse and play until `shut_down` was called and carried out.

        Starts once the sound devices have been tried, whether they are there or not. Whatever ends one of the tasks
        ends the station, and is raised: a station never goes on without one of its parts. Cancelling drops everything
        at once.
        """
        running = False
        async with trio.open_nursery() as nursery:
            await nursery.start(self._supervise, self._playback.run)
            await nursery.start(self._converse, nursery.cancel_scope)
            await nursery.start(self._supervise, self._capture.run)
            running = True
            task_status.started()
        if not running:  # shut down before it was up
            task_status.started()

    async def shut_down(self) -> None:
        """Ask the session to end; `run` returns once it has."""
        self._shutting_down = True
        await self._driver.tell(events.ShutdownRequested())

    async def request_session(self) -> None:
        """Want a session from now on."""
        await self._driver.tell(events.SessionRequested())

    async def dismiss_session(self) -> None:
        """Want no session until the next request."""
        await self._driver.tell(events.SessionDismissed())

    async def mute(self) -> None:
        """Close the microphone, and throw away what it gave and was not yet sent; the session goes on.

        Raises `Unavailable` where it did not close in time, in which case nothing of it is sent all the same.
        """
        mute = self._capture.mute
        mute.turn_on()
        await self._driver.hush()
        await mute.closed()
        await mute.keep()

    async def unmute(self) -> None:
        """Let the microphone be opened again."""
        self._capture.mute.turn_off()
        await self._capture.mute.keep()

    async def note_service(self, reachable: bool) -> None:
        """Take word of the service: its heartbeat answers, or does not."""
        await self._driver.note_service(reachable)

    def parts(self) -> tuple[Progress, ...]:
        """The signs of life of all its parts."""
        return self._capture.progress, self._playback.progress, *self._driver.parts

    def status(self) -> StationStatus:
        """Where things stand."""
        now_s = self._clock.monotonic_s()
        since_s = self._machine.state_since_s
        return StationStatus(
            state=self._machine.state,
            since_s=0.0 if since_s is None else now_s - since_s,
            muted=self._capture.mute.on,
            profile=self._capture.profile,
            capture=self._capture.status(),
            session=self._driver.status(now_s),
            playback=self._playback.status(),
        )

    async def _converse(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self, whole: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        await self._driver.run(task_status=task_status)
        if not self._shutting_down:
            raise TaskReturned(f"{self.name}: the session driver returned unasked")
        whole.cancel()

    async def _supervise(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self,
        run: Callable[..., Awaitable[None]],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        await run(task_status=task_status)
        raise TaskReturned(f"{self.name}: {run.__qualname__} returned unasked")
