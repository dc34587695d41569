"""A random walk of a session machine through everything that can happen to it, and what must hold all along.

`SessionWalk` is the whole outside of a machine: the driver with its one link, the service, the microphone, the people,
the heartbeat, and two clocks. At each step hypothesis picks one of the things that can happen at that point, between
them any time may pass, from none at all to a year, and the device may sleep. Nothing is told that the driver could not
tell; whatever the machine asks for is checked against what it may ask for.
"""

from __future__ import annotations

import json
import random
from enum import Enum, auto

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gatewayd.configuration.model import Activation, AgentConfiguration
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.machine import CLOSE_LIMIT_S, RELEASE_LIMIT_S, SERVICE_PATIENCE_S, LinkStuck, SessionMachine
from gatewayd.session.policy import RETRY_AFTER_CEILING_S
from gatewayd.session.tokens import TOKEN_USABLE_S, Token
from gatewayd.session.transitions import Phase

YEAR_S = 365 * 86_400.0
URL = "wss://voice.example/ws"
ROUNDING_S = 1e-3
"""Of sums of seconds after many years."""
LONGEST_WAIT_S = RETRY_AFTER_CEILING_S + AgentConfiguration().backoff.cap_s
LONGEST_SILENCE_S = LONGEST_WAIT_S + SERVICE_PATIENCE_S[1] + 60.0
"""Until the next attempt, whatever came before: a link's limits, the longest wait, the patience with the heartbeat."""

TALKING = (Phase.CONNECTED, Phase.AGENT_READY)
GOALS = (Phase.FETCHING, Phase.OPENING, Phase.OPENING, *3 * (Phase.AUTHENTICATING,), *2 * TALKING)
"""The shorter a phase is, the more often a walk is brought to it."""
WITHOUT_LINK = (Phase.IDLE, Phase.NO_DEVICE, Phase.WAITING, Phase.AWAITING_SERVICE, Phase.STOPPED)
WITHOUT_DEADLINE = (Phase.IDLE, Phase.NO_DEVICE, Phase.STOPPED)

OWN_CAUSES = (Cause.DEVICE_LOST, Cause.STOPPED, Cause.SHUT_DOWN)
FAILURES = st.builds(
    events.LinkFailed,
    cause=st.sampled_from([cause for cause in Cause if cause not in OWN_CAUSES]),
    detail=st.just("it failed"),
    close_code=st.none() | st.sampled_from([1000, 1006, 1011, 1012, 4001, 4003, 4500]),
    http_status=st.none() | st.sampled_from([302, 401, 403, 404, 429, 500, 503]),
    retry_after_s=st.none() | st.sampled_from([0.0, 30.0, 3600.0, 1e9]),
)
ERRORS = (
    (Cause.AUTH_TIMED_OUT, "AUTH_TIMEOUT"),
    (Cause.AUTH_MALFORMED, "INVALID_AUTH"),
    (Cause.AUTH_REJECTED, "AUTH_FAILED"),
    (Cause.SESSION_SETUP_FAILED, "SESSION_SETUP_FAILED"),
    (Cause.SERVER_ERROR, "TEAPOT"),
)
SPANS_S = st.floats(0.0, 1.0) | st.floats(0.0, 300.0) | st.floats(0.0, YEAR_S)


class Stage(Enum):
    """How far the driver is with the one link it may have."""

    NONE = auto()
    FETCHING = auto()
    FETCHED = auto()
    DIALING = auto()
    OPEN = auto()
    FAILED = auto()


class SessionWalk(RuleBasedStateMachine):
    """See the module."""

    visited: set[tuple[Phase, type[events.Event]]] = set()  # noqa: RUF012 - counted over all walks of a test
    """Every event that was told, with the phase it was told in."""

    @initialize(activation=st.sampled_from(Activation), url=st.sampled_from(["", URL]), seed=st.integers(0, 2**32))
    def start(self, activation: Activation, url: str, seed: int) -> None:
        self.now_s = 1000.0
        self.boottime_s = 5000.0
        self.activation = activation
        self.agent = AgentConfiguration(url=url)
        self.uniform = random.Random(seed).uniform
        self.tokens = 0
        self.boot()

    def boot(self) -> None:
        self.machine = SessionMachine(self.agent, self.activation, self.uniform)
        self.stage = Stage.NONE
        self.releasing_since_s: float | None = None
        self.said_token = False
        self.audio = False
        self.leaving = False
        self.ready_since_s: float | None = None
        self.tell(events.Booted())

    # what the machine is told, and what it may ask for

    def tell(self, event: events.Event) -> list[events.Command]:
        phase, deadline_s = self.machine.phase, self.machine.next_deadline_s
        self.visited.add((phase, type(event)))
        commands = self.machine.handle(event, self.now_s)
        for command in commands:
            self.permit(command)
        assert "t0ken" not in repr(self.machine.last_end)
        self.check_deadline(unchanged_s=deadline_s)
        if self.machine.phase is not Phase.AGENT_READY:
            self.ready_since_s = None
        elif self.ready_since_s is None:
            self.ready_since_s = self.now_s
        return commands

    def permit(self, command: events.Command) -> None:
        if isinstance(command, events.FetchToken):
            assert self.stage is Stage.NONE, "one link at a time"
            assert not self.leaving
            self.stage = Stage.FETCHING
            self.tokens += 1
            self.requested_at_s = self.boottime_s
        elif isinstance(command, events.OpenLink):
            assert self.stage is Stage.FETCHED
            assert not self.leaving
            assert self.releasing_since_s is None
            self.stage = Stage.DIALING
        elif isinstance(command, events.SendText):
            assert self.stage is Stage.OPEN
            assert not self.said_token, "a token is good for one connect, and said once"
            assert json.loads(command.text) == {"token": self.token}
            assert self.boottime_s - self.requested_at_s < TOKEN_USABLE_S
            self.said_token = True
        elif isinstance(command, events.StartAudio):
            assert not self.audio
            assert self.said_token
            assert not self.leaving
            self.audio = True
        elif isinstance(command, events.StopAudio):
            self.audio = False
        elif isinstance(command, events.ReleaseLink):
            assert self.stage is not Stage.NONE
            assert self.releasing_since_s is None, "one release for each link"
            self.releasing_since_s = self.now_s
        else:
            assert self.token not in command.text

    def check_deadline(self, *, unchanged_s: float | None) -> None:
        phase, deadline_s = self.machine.phase, self.machine.next_deadline_s
        if deadline_s is None:
            return
        # one that is overdue already stays due, and is told next
        assert deadline_s >= self.now_s or deadline_s == unchanged_s
        longest_s = SERVICE_PATIENCE_S[1] if phase is Phase.AWAITING_SERVICE else LONGEST_WAIT_S
        assert deadline_s - self.now_s <= longest_s + ROUNDING_S

    @property
    def token(self) -> str:
        return f"t0ken-{self.tokens}"

    # time

    @precondition(lambda self: self.machine.phase is not Phase.STOPPED)
    @rule(span_s=SPANS_S)
    def time_passes(self, span_s: float) -> None:
        self.now_s += span_s
        self.boottime_s += span_s

    @precondition(lambda self: self.machine.phase is not Phase.STOPPED)
    @rule(span_s=SPANS_S)
    def the_device_sleeps(self, span_s: float) -> None:
        self.boottime_s += span_s

    @precondition(lambda self: self.machine.next_deadline_s is not None and self.releasing_since_s is None)
    @rule()
    def the_deadline_comes(self) -> None:
        self.pass_deadline()

    @precondition(lambda self: self.releasing_since_s is not None)
    @rule()
    def the_link_is_not_released_in_time(self) -> None:
        assert self.machine.next_deadline_s == (self.releasing_since_s or 0.0) + RELEASE_LIMIT_S
        with pytest.raises(LinkStuck):
            self.pass_deadline()
        self.boot()  # as systemd does with a process that failed

    def pass_deadline(self) -> list[events.Command]:
        assert self.machine.next_deadline_s is not None
        span_s = max(0.0, self.machine.next_deadline_s - self.now_s)
        self.boottime_s += span_s
        self.now_s = max(self.now_s, self.machine.next_deadline_s)
        return self.tell(events.DeadlinePassed())

    # the link; what comes between ReleaseLink and LinkReleased was on its way already

    @precondition(lambda self: self.stage is Stage.FETCHING)
    @rule(url=st.sampled_from([None, URL]))
    def the_token_comes(self, url: str | None) -> None:
        self.stage = Stage.FETCHED
        self.tell(events.TokenFetched(Token(self.token, self.requested_at_s, url)))

    @precondition(lambda self: self.stage is Stage.DIALING)
    @rule()
    def the_link_opens(self) -> None:
        self.stage = Stage.OPEN
        self.tell(events.LinkOpened(self.boottime_s))

    @precondition(lambda self: self.stage is Stage.DIALING)
    @rule(age_s=st.floats(TOKEN_USABLE_S - 10.0, TOKEN_USABLE_S + 60.0))
    def the_device_sleeps_while_the_link_opens(self, age_s: float) -> None:
        self.boottime_s = max(self.boottime_s, self.requested_at_s + age_s)
        self.the_link_opens()

    @precondition(lambda self: self.stage in (Stage.FETCHING, Stage.DIALING, Stage.OPEN))
    @rule(failure=FAILURES)
    def the_link_fails(self, failure: events.LinkFailed) -> None:
        self.stage = Stage.FAILED
        self.tell(failure)

    @precondition(lambda self: self.releasing_since_s is not None)
    @rule()
    def the_link_is_released(self) -> None:
        self.release()

    def release(self) -> list[events.Command]:
        self.stage = Stage.NONE
        self.releasing_since_s = None
        self.said_token = False
        return self.tell(events.LinkReleased())

    # the service

    @precondition(lambda self: self.stage is Stage.OPEN)
    @rule(message=st.sampled_from([events.ServerConnected(), events.AgentReadied(), events.MessageIgnored("?")]))
    def the_service_says(self, message: events.Event) -> None:
        self.tell(message)

    @precondition(lambda self: self.stage is Stage.OPEN)
    @rule(reason=st.sampled_from(["", "agent_disconnected", "room_closed", "server_shutdown"]), repeats=st.booleans())
    def the_service_ends_the_session(self, reason: str, repeats: bool) -> None:
        self.tell(events.SessionEndAnnounced(reason + self.token * repeats))

    @precondition(lambda self: self.stage is Stage.OPEN)
    @rule(error=st.sampled_from(ERRORS), repeats=st.booleans())
    def the_service_reports_an_error(self, error: tuple[Cause, str], repeats: bool) -> None:
        cause, code = error
        self.tell(events.ErrorReported(cause, code + self.token * repeats, f"because {self.token * repeats}"))

    @precondition(lambda self: not self.leaving and self.machine.phase not in (Phase.ENDING, Phase.RELEASING))
    @rule(goal=st.sampled_from(GOALS))
    def all_goes_well(self, goal: Phase) -> None:
        """For a while; without it few walks would ever get far."""
        self.a_session_becomes_possible()
        while self.machine.phase not in (goal, Phase.AGENT_READY, Phase.RELEASING):
            if self.stage is Stage.NONE:
                self.pass_deadline()
            elif self.stage is Stage.FETCHING:
                self.the_token_comes(URL)
            elif self.stage is Stage.DIALING:
                self.the_link_opens()
            else:
                connected = self.machine.phase is Phase.CONNECTED
                self.tell(events.AgentReadied() if connected else events.ServerConnected())

    # people, microphone, heartbeat: at any time

    @rule(event=st.sampled_from([events.SessionRequested(), events.SessionDismissed()]))
    def a_person_asks(self, event: events.Event) -> None:
        self.tell(event)

    @rule(event=st.sampled_from([events.DeviceAppeared(), events.DeviceDisappeared()]))
    def the_microphone_comes_or_goes(self, event: events.Event) -> None:
        self.tell(event)

    @rule(event=st.sampled_from([events.ServiceReached(), events.ServiceUnreached()]))
    def the_heartbeat_tells(self, event: events.Event) -> None:
        self.tell(event)

    @precondition(lambda self: self.stage is Stage.NONE and not self.leaving)
    @rule()
    def an_attempt_waits_for_the_heartbeat(self) -> None:
        self.a_session_becomes_possible()
        self.tell(events.ServiceUnreached())
        if self.machine.phase is Phase.WAITING:
            self.pass_deadline()
        assert self.machine.phase is Phase.AWAITING_SERVICE

    @rule()
    def a_session_becomes_possible(self) -> None:
        self.tell(events.SessionRequested())
        self.tell(events.DeviceAppeared())

    # what must come of it

    @precondition(lambda self: not self.leaving)
    @rule()
    def the_outside_falls_silent(self) -> None:
        """Wanted, and with a microphone: even if nothing else happens, an agent is there or the next attempt begins."""
        self.a_session_becomes_possible()
        began_s = self.now_s
        fetched = False
        while not fetched and (self.machine.phase is not Phase.AGENT_READY or self.machine.next_deadline_s is not None):
            commands = self.release() if self.releasing_since_s is not None else self.pass_deadline()
            fetched = any(isinstance(command, events.FetchToken) for command in commands)
            if self.machine.phase is Phase.IDLE:  # an on-demand conversation had run its course
                self.a_session_becomes_possible()
        assert self.now_s - began_s <= LONGEST_SILENCE_S

    @precondition(lambda self: not self.leaving or self.machine.phase is Phase.STOPPED)
    @rule(sure=st.sampled_from((False, False, True)))
    def somebody_stops_the_daemon(self, sure: bool) -> None:
        if sure:  # now and then, so that walks get far
            self.the_daemon_is_to_leave()

    def the_daemon_is_to_leave(self) -> None:
        self.leaving = True
        self.tell(events.ShutdownRequested())

    @precondition(lambda self: self.machine.phase is Phase.STOPPED)
    @rule()
    def the_daemon_is_started_again(self) -> None:
        self.boot()

    @invariant()
    def every_phase_that_waits_has_a_deadline(self) -> None:
        if self.machine.next_deadline_s is None and self.machine.phase not in WITHOUT_DEADLINE:
            assert self.machine.phase is Phase.AGENT_READY
            assert self.ready_since_s is not None
            assert self.now_s - self.ready_since_s >= self.agent.backoff.stable_after_s - ROUNDING_S

    @invariant()
    def sound_flows_exactly_while_there_is_somebody_to_hear_it(self) -> None:
        assert self.audio is (self.machine.phase in TALKING)

    @invariant()
    def there_is_a_link_exactly_where_the_table_says_so(self) -> None:
        assert (self.stage is Stage.NONE) is (self.machine.phase in WITHOUT_LINK)
        assert (self.releasing_since_s is not None) is (self.machine.phase is Phase.RELEASING)

    def teardown(self) -> None:
        """From wherever the walk has led, a stop is over in time."""
        if not hasattr(self, "machine"):
            return
        if not self.leaving:
            self.the_daemon_is_to_leave()
        asked_s = self.now_s
        while self.machine.phase is not Phase.STOPPED:
            if self.releasing_since_s is not None:
                self.release()
            else:
                assert self.machine.phase is Phase.ENDING
                self.pass_deadline()
        assert self.now_s - asked_s <= CLOSE_LIMIT_S + ROUNDING_S
