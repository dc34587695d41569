"""The session of one station: events in, commands out, no I/O, no clock, no chance but what it is given.

    commands = machine.handle(event, now_s)
    if machine.next_deadline_s is not None: ... handle(DeadlinePassed(), now_s) once that time has come

What may happen when is in `session.transitions`; how long to wait before the next attempt is in `session.policy`; this
file is what is done on each transition. All times are seconds on one monotonic clock, which the caller owns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatewayd.configuration.model import Activation
from gatewayd.control.schema import WaitingFor
from gatewayd.message_ids import MessageId
from gatewayd.session import events, messages
from gatewayd.session.causes import Cause
from gatewayd.session.ends import End, report_end
from gatewayd.session.events import Command, Event, Report, ReportKind, Severity
from gatewayd.session.policy import Streak, next_attempt
from gatewayd.session.transitions import TABLE, Action, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.configuration.model import AgentConfiguration
    from gatewayd.control.schema import SessionEnd, SessionState
    from gatewayd.session.tokens import Token

CONNECTED_LIMIT_S = 10.0
"""From the token to `connected`. The service itself gives a client 10 s for its half of the same step."""
AGENT_READY_LIMIT_S = 15.0
"""From `connected` to `agent_ready`; an agent that takes longer is not coming."""
CLOSE_LIMIT_S = 1.0
"""From the server's word that the session ends to its close; the session is over either way."""
OVERDUE_S = 5.0
"""What driver and adapters get beyond the limits they keep themselves, before the machine takes them for stuck."""
RELEASE_LIMIT_S = 10.0
"""For a link to be released; releasing is done by force and takes 2 s at most, so more means a stuck driver."""
SERVICE_PATIENCE_S = (10.0, 300.0)
"""How long an attempt waits for the heartbeat, which may be wrong: drawn anew from this range each time, a wide one
because a whole street begins to wait at the same moment."""

_CONVERSATION_OVER = (Cause.SESSION_ENDED, Cause.SERVER_SHUT_DOWN, Cause.CLOSED_NORMALLY)
"""Ends after which an on-demand station goes idle: the conversation ran its course."""


class UndefinedTransition(RuntimeError):
    """The driver told the machine something that cannot happen in its phase: a bug, not a fault of the outside."""


class LinkStuck(RuntimeError):
    """The driver did not release a link in time: a bug; only a new process is sure to hear again."""


class SessionMachine:
    """See the module. `uniform(a, b)` draws from [a, b] and is its only source of chance."""

    def __init__(
        self, agent: AgentConfiguration, activation: Activation, uniform: Callable[[float, float], float]
    ) -> None:
        self._agent = agent
        self._activation = activation
        self._uniform = uniform
        self.phase = Phase.IDLE
        self.state_since_s: float | None = None
        """None before `Booted`."""
        self.next_deadline_s: float | None = None
        self.connects = 0
        self.time_to_ready_s: float | None = None
        self.last_end: SessionEnd | None = None
        self._wanted = False
        self._device_present = False
        self._shutting_down = False
        self._not_before_s = 0.0
        self._streak = Streak()
        self._token: Token | None = None
        self._attempt_began_s = 0.0
        self._service_reachable: bool | None = None
        self._stable = False
        self._secret = ""
        self._end = End(Phase.IDLE, Cause.STOPPED, "no session yet")
        # the method of each action; it takes the events that the table pairs the action with
        self._actions: dict[Action, Callable[[Any, float], list[Command]]] = {
            action: getattr(self, f"_{action.name.lower()}") for action in Action
        }

    @property
    def state(self) -> SessionState:
        """The phase as people see it."""
        return self.phase.state

    @property
    def attempt(self) -> int:
        """Failures in a row; 0 again once a session proved stable."""
        return self._streak.failures

    @property
    def cause(self) -> Cause:
        """Of the last end, or of the one that is coming about."""
        return self._end.cause

    @property
    def waiting_for(self) -> WaitingFor | None:
        """What the next attempt waits for, if one is waited for."""
        if self.phase is Phase.AWAITING_SERVICE:
            return WaitingFor.SERVICE
        if self.phase is not Phase.WAITING:
            return None
        return WaitingFor.CLOCK if self._end.cause is Cause.CLOCK_NOT_SET else WaitingFor.BACKOFF

    def handle(self, event: Event, now_s: float) -> list[Command]:
        """Take an event, and say what is to be done, in this order.

        Raises `UndefinedTransition` for an event that cannot come in the present phase, and `LinkStuck` when a link
        was not released in time.
        """
        transition = TABLE.get((self.phase, type(event)))
        if transition is None:
            raise UndefinedTransition(f"{type(event).__name__} in {self.phase.name}")
        before = self.phase
        state_before = self.state
        commands = self._actions[transition.action](event, now_s)
        if self.phase not in transition.targets:
            raise UndefinedTransition(f"{type(event).__name__} led from {before.name} to {self.phase.name}")
        if self.state is not state_before:
            self.state_since_s = now_s
        return commands

    def _ignore(self, _event: Event, _now_s: float) -> list[Command]:
        return []

    # at rest

    def _begin_service(self, _event: Event, now_s: float) -> list[Command]:
        self.state_since_s = now_s
        if self._activation is Activation.ALWAYS:
            self._wanted = True
            self._not_before_s = now_s + self._uniform(0.0, self._agent.backoff.startup_spread_s)
            self._rest(now_s)
        return []

    def _want(self, _event: Event, now_s: float) -> list[Command]:
        self._wanted = True
        if self.phase is Phase.IDLE:
            self._rest(now_s)
        return []

    def _not_want(self, _event: Event, now_s: float) -> list[Command]:
        self._wanted = False
        if self.phase not in (Phase.ENDING, Phase.RELEASING):
            self._rest(now_s)
        return []

    def _stop(self, _event: Event, now_s: float) -> list[Command]:
        self._shutting_down = True
        if self.phase not in (Phase.ENDING, Phase.RELEASING):
            self._rest(now_s)
        return []

    def _note_device(self, _event: Event, _now_s: float) -> list[Command]:
        self._device_present = True
        return []

    def _note_no_device(self, _event: Event, _now_s: float) -> list[Command]:
        self._device_present = False
        return []

    def _note_service(self, _event: Event, _now_s: float) -> list[Command]:
        self._service_reachable = True
        return []

    def _note_no_service(self, _event: Event, _now_s: float) -> list[Command]:
        self._service_reachable = False
        return []

    def _resume(self, _event: Event, now_s: float) -> list[Command]:
        self._device_present = True
        self._rest(now_s)
        return []

    def _resume_spread(self, _event: Event, now_s: float) -> list[Command]:
        """Everybody's heartbeat begins to answer at the same time."""
        self._service_reachable = True
        self._not_before_s = now_s + self._uniform(0.0, self._agent.backoff.startup_spread_s)
        self._rest(now_s)
        return []

    def _suspend(self, _event: Event, now_s: float) -> list[Command]:
        self._device_present = False
        self._rest(now_s)
        return []

    def _rest(self, now_s: float) -> None:
        """Choose where to rest, by what is wanted and what can be done."""
        if self._shutting_down:
            self._enter(Phase.STOPPED, None)
        elif not self._wanted:
            self._enter(Phase.IDLE, None)
        elif not self._device_present:
            self._enter(Phase.NO_DEVICE, None)
        else:
            self._enter(Phase.WAITING, max(now_s, self._not_before_s))

    # an attempt

    def _begin_if_reachable(self, event: Event, now_s: float) -> list[Command]:
        if self._service_reachable is False:
            patience_s = self._uniform(*SERVICE_PATIENCE_S)
            self._enter(Phase.AWAITING_SERVICE, now_s + patience_s)
            text = "the service's heartbeat does not answer; the next attempt waits for it"
            return [Report(ReportKind.WAITING, Severity.INFO, text)]
        return self._begin_attempt(event, now_s)

    def _begin_attempt(self, _event: Event, now_s: float) -> list[Command]:
        self._attempt_began_s = now_s
        self._stable = False
        self._enter(Phase.FETCHING, now_s + self._agent.token.timeout_s + OVERDUE_S)
        return [events.FetchToken()]

    def _open(self, event: events.TokenFetched, now_s: float) -> list[Command]:
        url = event.token.url or self._agent.url
        if not url:
            return self._release(
                self._ends(
                    Cause.TOKEN_UNUSABLE, "the token's answer carries no WebSocket address, nor is agent.url set"
                ),
                now_s,
            )
        self._token = event.token
        self._secret = event.token.value
        self._enter(Phase.OPENING, now_s + self._agent.connect_timeout_s + OVERDUE_S)
        return [events.OpenLink(url)]

    def _authenticate(self, event: events.LinkOpened, now_s: float) -> list[Command]:
        self.connects += 1
        token, self._token = self._token, None
        if token is None or not token.usable_at(event.boottime_s):
            return self._release(self._ends(Cause.TOKEN_EXPIRED, "the token grew too old while connecting"), now_s)
        self._enter(Phase.AUTHENTICATING, now_s + CONNECTED_LIMIT_S)
        return [events.SendText(messages.authenticate(token.value))]

    def _connect(self, _event: Event, now_s: float) -> list[Command]:
        self._enter(Phase.CONNECTED, now_s + AGENT_READY_LIMIT_S)
        return [events.StartAudio()]

    def _become_ready(self, _event: Event, now_s: float) -> list[Command]:
        self.time_to_ready_s = now_s - self._attempt_began_s
        self._enter(Phase.AGENT_READY, now_s + self._agent.backoff.stable_after_s)
        text = f"agent ready after {self.time_to_ready_s:.2f} s"
        return [Report(ReportKind.READIED, Severity.INFO, text, message_id=MessageId.AGENT_READY)]

    def _prove_stable(self, _event: Event, _now_s: float) -> list[Command]:
        self._stable = True
        self._streak = Streak()
        self._enter(Phase.AGENT_READY, None)
        text = f"the agent has been ready for {self._agent.backoff.stable_after_s:.0f} s"
        return [Report(ReportKind.PROVED_STABLE, Severity.INFO, text, message_id=MessageId.AGENT_READY)]

    # its end

    def _fail(self, event: events.LinkFailed, now_s: float) -> list[Command]:
        return self._release(End.of_failure(self.phase, event), now_s)

    def _time_out(self, _event: Event, now_s: float) -> list[Command]:
        cause, detail = {
            Phase.FETCHING: (Cause.DRIVER_OVERDUE, "the token request overran its own limit"),
            Phase.OPENING: (Cause.DRIVER_OVERDUE, "connecting overran its own limit"),
            Phase.AUTHENTICATING: (
                Cause.CONNECTED_TIMED_OUT,
                f"the service did not answer the token within {CONNECTED_LIMIT_S:.0f} s",
            ),
            Phase.CONNECTED: (
                Cause.AGENT_READY_TIMED_OUT,
                f"no agent became ready within {AGENT_READY_LIMIT_S:.0f} s",
            ),
        }[self.phase]
        return self._release(self._ends(cause, detail), now_s)

    def _abandon(self, event: Event, now_s: float) -> list[Command]:
        if isinstance(event, events.DeviceDisappeared):
            self._device_present = False
            end = self._ends(Cause.DEVICE_LOST, "the microphone is gone")
        elif isinstance(event, events.SessionDismissed):
            self._wanted = False
            end = self._ends(Cause.STOPPED, "stopped on request")
        else:
            self._shutting_down = True
            end = self._ends(Cause.SHUT_DOWN, "the daemon is leaving")
        return self._release(end, now_s, close_code=messages.CLOSE_NORMAL)

    def _note_session_end(self, event: events.SessionEndAnnounced, now_s: float) -> list[Command]:
        detail = f"the service ended the session: {event.reason or 'no reason given'}"
        cause = Cause.SERVER_SHUT_DOWN if event.reason == messages.SERVER_SHUTDOWN else Cause.SESSION_ENDED
        return self._await_close(self._ends(cause, detail), now_s)

    def _note_error(self, event: events.ErrorReported, now_s: float) -> list[Command]:
        detail = f"the service reported {event.code or 'an error without a code'}: {event.message or 'no message'}"
        return self._await_close(self._ends(event.cause, detail, error_code=event.code or None), now_s)

    def _await_close(self, end: End, now_s: float) -> list[Command]:
        self._end = end.fit_to_show(self._secret)
        self._enter(Phase.ENDING, now_s + CLOSE_LIMIT_S)
        return [events.StopAudio()]

    def _note_close(self, event: events.LinkFailed, now_s: float) -> list[Command]:
        return self._release(replace(self._end, close_code=event.close_code), now_s)

    def _stop_waiting(self, _event: Event, now_s: float) -> list[Command]:
        return self._release(self._end, now_s, close_code=messages.CLOSE_NORMAL)

    def _release(self, end: End, now_s: float, *, close_code: int | None = None) -> list[Command]:
        self._end = end.fit_to_show(self._secret)
        self._token = None
        self._enter(Phase.RELEASING, now_s + RELEASE_LIMIT_S)
        return [events.StopAudio(), events.ReleaseLink(close_code)]

    def _settle(self, _event: Event, now_s: float) -> list[Command]:
        end = self._end
        repeated = self.last_end is not None and self.last_end.cause is end.cause is Cause.CLOCK_NOT_SET
        ended = end.ended(was_stable=self._stable)
        following = next_attempt(ended, self._streak, self._agent.backoff, self._uniform)
        self._streak = following.streak
        self._not_before_s = now_s + following.delay_s
        self._secret = ""
        self.last_end = end.status()
        if self._activation is Activation.ON_DEMAND and end.cause in _CONVERSATION_OVER:
            self._wanted = False
        self._rest(now_s)
        waits = self.phase is Phase.WAITING
        report = report_end(end, ended, following, waits=waits, service_reachable=self._service_reachable)
        return [] if repeated else [report]

    def _give_up(self, _event: Event, _now_s: float) -> list[Command]:
        raise LinkStuck(f"a link was not released within {RELEASE_LIMIT_S:.0f} s")

    def _ends(self, cause: Cause, detail: str, *, error_code: str | None = None) -> End:
        return End(self.phase, cause, detail, error_code=error_code)

    def _enter(self, phase: Phase, deadline_s: float | None) -> None:
        self.phase = phase
        self.next_deadline_s = deadline_s
