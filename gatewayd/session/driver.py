"""Runs one station's session machine: feeds it what happens, carries out what it says.

Two tasks for as long as the station lives: the *owner* feeds the machine and never awaits the network; the *link
worker* does, one order after the other; an open connection is a `Conversation`, below the worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import SessionEnded, StateChanged, publish_nowhere
from gatewayd.control.schema import SessionState, SessionStatus
from gatewayd.errors import CloudError
from gatewayd.metrics.measurements import StationMeasurements
from gatewayd.progress import LATENESS_S, Progress
from gatewayd.redaction import remember_secret
from gatewayd.seams.outbox import Outbox
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.conversation import Conversation, Traffic
from gatewayd.session.digest import Digest
from gatewayd.session.transitions import Phase

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from gatewayd.control.events import Publish
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Connection, Transport
    from gatewayd.session.machine import SessionMachine

EVENT_CAPACITY = 16
"""Events in flight to the owner. When it is full, those who tell wait, the reader among them: a flood of messages is
held back in the peer's own socket."""
LINK_LIMIT_S = 10.0
"""For a token, or for a connection; the defaults of what is configured for either."""

_LEVELS = {None: 10, events.Severity.INFO: 20, events.Severity.WARNING: 30, events.Severity.ERROR: 40}


class SessionDriver:
    """One station's session.

    `play` and `clear_playback` are called on the event loop and must not block. `link_limit_s` is the longest that
    `tokens` and `transport` take by their own limits.
    """

    def __init__(
        self,
        *,
        machine: SessionMachine,
        transport: Transport,
        tokens: TokenSource,
        clock: Clock,
        play: Callable[[bytes], None],
        clear_playback: Callable[[], None],
        log: logging.LoggerAdapter[logging.Logger],
        link_limit_s: float = LINK_LIMIT_S,
        measurements: StationMeasurements | None = None,
        publish: Publish = publish_nowhere,
    ) -> None:
        self._publish = publish
        self._machine = machine
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._play = play
        self._clear_playback = clear_playback
        self._log = log
        self._link_limit_s = link_limit_s
        self._owner_progress = Progress("session")
        self._link_progress = Progress("link")
        self._measurements = measurements or StationMeasurements()
        self._events_in, self._events = trio.open_memory_channel[events.Event](EVENT_CAPACITY)
        # an order and the release that follows it are all that can ever wait
        self._orders_in, self._orders = trio.open_memory_channel[tuple[events.Command, trio.CancelScope]](2)
        self._link_scope = trio.CancelScope()
        self._conversation: Conversation | None = None
        self._outbox = Outbox(self._measurements.frame_age_s)
        self._measurements.queue_age_s = self._outbox.oldest_age_s
        self._audio_open = False
        self._frames_without_session = 0
        self._digest = Digest()
        self._traffic = Traffic(self._measurements.ping_s)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold sessions until `ShutdownRequested` was told and carried out.

        Cancelling drops whatever link there is, at once and without a goodbye.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work_links)
            task_status.started()
            await self._own_machine()
            nursery.cancel_scope.cancel()

    @property
    def parts(self) -> tuple[Progress, ...]:
        """The signs of life of owner and link worker."""
        return self._owner_progress, self._link_progress

    async def tell(self, event: events.Event) -> None:
        """Pass on what happened; waits only while `EVENT_CAPACITY` others are on their way."""
        await self._events_in.send(event)

    async def note_device(self, present: bool) -> None:
        """Take word of the microphone: sound flows, or it has been gone for longer than a glitch."""
        await self.tell(events.DeviceAppeared() if present else events.DeviceDisappeared())

    async def note_service(self, reachable: bool) -> None:
        """Take word of the service: its heartbeat answers, or does not."""
        await self.tell(events.ServiceReached() if reachable else events.ServiceUnreached())

    def offer_frame(self, frame: bytes) -> None:
        """Take a captured wire frame: sent if a session wants it, else dropped and counted."""
        if self._audio_open:
            self._outbox.put_audio(frame, self._clock.monotonic_s())
        else:
            self._frames_without_session += 1

    async def hush(self) -> None:
        """Throw away captured frames that were not yet sent. Returns once none is on its way to the kernel, in
        `HUSH_LIMIT_S`; the caller offers no more.
        """
        self._outbox.clear_audio()
        if self._conversation is not None:
            await self._conversation.frame_sent()

    def status(self, now_s: float) -> SessionStatus:
        """Where things stand."""
        machine = self._machine
        waiting = machine.waiting_for is not None and machine.next_deadline_s is not None
        return SessionStatus(
            attempt=machine.attempt,
            connects=machine.connects,
            next_attempt_s=max(0.0, (machine.next_deadline_s or 0.0) - now_s) if waiting else None,
            waiting_for=machine.waiting_for,
            frames_sent=self._traffic.frames_sent,
            frames_received=self._traffic.frames_received,
            frames_dropped={
                "stalled": self._outbox.frames_dropped + self._traffic.frames_cut_off,
                "no_session": self._frames_without_session,
                "muted": self._outbox.frames_muted,
            },
            last_end=machine.last_end,
            time_to_ready_s=machine.time_to_ready_s,
            rtt_s=self._traffic.rtt_s,
        )

    # the owner

    async def _own_machine(self) -> None:
        self._handle(events.Booted())
        while self._machine.phase is not Phase.STOPPED:
            self._handle(await self._next_event())

    async def _next_event(self) -> events.Event:
        now_s, deadline_s = self._clock.monotonic_s(), self._machine.next_deadline_s
        if deadline_s is None:
            self._owner_progress.rest(now_s)
        else:
            self._owner_progress.note(now_s, max(0.0, deadline_s - now_s) + LATENESS_S)
        with trio.CancelScope(deadline=float("inf") if deadline_s is None else deadline_s):
            return await self._events.receive()
        return events.DeadlinePassed()

    def _handle(self, event: events.Event) -> None:
        if isinstance(event, events.MessageIgnored):
            self._log.debug("ignored %s", event.why)
        before, end_before = self._machine.state, self._machine.last_end
        for command in self._machine.handle(event, self._clock.monotonic_s()):
            self._carry_out(command)
        end = self._machine.last_end
        if end is not None and end is not end_before:
            self._measurements.count_end(end.cause)
            self._publish(SessionEnded(end.cause, end.detail, end.close_code, end.error_code))
        if self._machine.state is not before:
            self._log.debug("%s", self._machine.state.value)
            self._measure_ready()
            self._tell_state(before)

    def _tell_state(self, before: SessionState) -> None:
        state = self._machine.state
        because = self._machine.cause if SessionState.ENDED in (state, before) else None
        self._publish(StateChanged(state, before, because))

    def _measure_ready(self) -> None:
        machine = self._machine
        if machine.state is SessionState.AGENT_READY and machine.time_to_ready_s is not None:
            self._measurements.ready_s.observe(machine.time_to_ready_s)

    def _carry_out(self, command: events.Command) -> None:
        if isinstance(command, (events.FetchToken, events.OpenLink)):
            self._order(command)
        elif isinstance(command, events.SendText):
            self._outbox.put_text(command.text)
        elif isinstance(command, events.StartAudio):
            self._audio_open = True
        elif isinstance(command, events.StopAudio):
            self._audio_open = False
            self._outbox.clear()
            self._clear_playback()
        elif isinstance(command, events.ReleaseLink):
            self._call_off(command.close_code)
            self._order(command)
        else:
            for line in self._digest.note(command, self._clock.monotonic_s()):
                extra = {**line.fields, "state": self._machine.state.value}
                self._log.log(_LEVELS[line.severity], "%s", line.text, extra=extra)

    def _call_off(self, close_code: int | None) -> None:
        if self._conversation is not None:
            self._conversation.release(close_code)
        else:
            self._link_scope.cancel()

    def _order(self, command: events.Command) -> None:
        """Queue work for the link worker, with the scope that a later release cancels it by: made here, so that an
        order can be called off before the worker has begun it.
        """
        scope = trio.CancelScope()
        if not isinstance(command, events.ReleaseLink):
            self._link_scope = scope
        self._orders_in.send_nowait((command, scope))

    # the link worker

    async def _work_links(self) -> None:
        self._link_progress.rest(self._clock.monotonic_s())
        async for order, scope in self._orders:
            self._link_progress.note(self._clock.monotonic_s(), self._link_limit_s + LATENESS_S)
            if isinstance(order, events.ReleaseLink):
                await self.tell(events.LinkReleased())
            else:
                with scope:
                    await self._try(order)
            self._link_progress.rest(self._clock.monotonic_s())

    async def _try(self, order: events.Command) -> None:
        try:
            await self._perform(order)
        except CloudError as error:
            await self.tell(self._failure(error))

    async def _perform(self, order: events.Command) -> None:
        if isinstance(order, events.OpenLink):
            async with self._transport.connect(order.url) as connection:
                await self._hold(connection)
        else:
            began_s = self._clock.monotonic_s()
            token = await self._tokens.fetch()
            remember_secret(token.value)
            self._measurements.token_s.observe(self._clock.monotonic_s() - began_s)
            await self.tell(events.TokenFetched(token))

    async def _hold(self, connection: Connection) -> None:
        await self.tell(events.LinkOpened(self._clock.boottime_s()))
        conversation = Conversation(
            connection, self._outbox, self._traffic, progress=self._link_progress, tell=self.tell, play=self._hear
        )
        self._conversation = conversation
        try:
            await conversation.run()
        finally:
            self._conversation = None

    def _hear(self, frame: bytes) -> None:
        if self._audio_open:
            self._traffic.frames_received += 1
            self._play(frame)

    def _failure(self, error: CloudError) -> events.LinkFailed:
        cause = error.cause
        if cause is Cause.CERTIFICATE_NOT_YET_VALID and not self._clock.synchronised():
            cause = Cause.CLOCK_NOT_SET
        return events.LinkFailed(
            cause=cause,
            detail=error.detail,
            close_code=error.close_code,
            http_status=error.http_status,
            retry_after_s=error.retry_after_s,
        )
