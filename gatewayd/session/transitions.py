"""The session as one table: what may happen in each phase, what is done then, and where that may lead.

A station's session is a loop with one link at a time. A *link* is everything that reaches out: first the token request,
then the WebSocket. The theory of the table:

* **One link, one release.** From FETCHING to RELEASING there is exactly one link; in the other phases there is none,
  and so no event of a link can come. Whatever goes wrong, the way out leads through RELEASING, which is left only when
  the driver says that nothing of the link is left (`LinkReleased`). Nothing late can disturb the next attempt.
* **ENDING waits, briefly, for the server's close** after the server said that it ends the session, so that the close
  code is known; it has a deadline, because a server may say so and then stay.
* **The heartbeat steers, and does not rule.** While it says that the service cannot be reached, an attempt that is due
  waits in AWAITING_SERVICE instead of burning a token; but not for ever, because a heartbeat can be wrong.
* **Wishes are remembered, not queued.** A request, a dismissal, a shutdown or a device that comes and goes while a link
  is being released only sets what the next phase is chosen by.
* **Every phase that waits for the outside has a deadline**; the only ones without are those in which nothing is wanted
  (IDLE), nothing can be done (NO_DEVICE), all is well (AGENT_READY, once proved stable) or all is over (STOPPED).

A pair of phase and event that is not in the table is a bug in the driver, and raises. The diagram in
docs/architecture.md is drawn from this table.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.control.schema import SessionState
from gatewayd.lean import dataclass
from gatewayd.session import events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Phase(Enum):
    """Where a station's session stands."""

    IDLE = "idle"
    NO_DEVICE = "no_device"
    WAITING = "waiting"
    AWAITING_SERVICE = "awaiting_service"
    FETCHING = "fetching"
    OPENING = "opening"
    AUTHENTICATING = "authenticating"
    CONNECTED = "connected"
    AGENT_READY = "agent_ready"
    ENDING = "ending"
    RELEASING = "releasing"
    STOPPED = "stopped"

    @property
    def state(self) -> SessionState:
        """The phase as people see it, after the states that the service documents."""
        return _STATES[self]


_STATES = {
    Phase.IDLE: SessionState.IDLE,
    Phase.NO_DEVICE: SessionState.NO_DEVICE,
    Phase.WAITING: SessionState.WAITING,
    Phase.AWAITING_SERVICE: SessionState.WAITING,
    Phase.FETCHING: SessionState.CONNECTING,
    Phase.OPENING: SessionState.CONNECTING,
    Phase.AUTHENTICATING: SessionState.CONNECTING,
    Phase.CONNECTED: SessionState.CONNECTED,
    Phase.AGENT_READY: SessionState.AGENT_READY,
    Phase.ENDING: SessionState.ENDED,
    Phase.RELEASING: SessionState.ENDED,
    Phase.STOPPED: SessionState.ENDED,
}


class Action(Enum):
    """What the machine does on a transition; each is one method of it."""

    IGNORE = "ignore"
    BEGIN_SERVICE = "begin service"
    WANT = "want a session"
    NOT_WANT = "want none"
    STOP = "stop"
    NOTE_DEVICE = "note the device"
    NOTE_NO_DEVICE = "note that there is none"
    NOTE_SERVICE = "note the service"
    NOTE_NO_SERVICE = "note that there is no service"
    RESUME_SPREAD = "resume, not all at once"
    RESUME = "resume"
    SUSPEND = "suspend"
    BEGIN_IF_REACHABLE = "begin an attempt, if the service can be reached"
    BEGIN_ATTEMPT = "begin an attempt"
    OPEN = "open the link"
    AUTHENTICATE = "authenticate"
    CONNECT = "start the audio"
    BECOME_READY = "become ready"
    PROVE_STABLE = "prove stable"
    FAIL = "note the failure"
    TIME_OUT = "time out"
    ABANDON = "abandon the link"
    NOTE_SESSION_END = "note the end"
    NOTE_ERROR = "note the error"
    NOTE_CLOSE = "note the close"
    STOP_WAITING = "stop waiting for the close"
    SETTLE = "settle"
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Transition:
    """What happens for one pair of phase and event."""

    action: Action
    targets: frozenset[Phase]


P = Phase
A = Action

_LIVE = (P.AUTHENTICATING, P.CONNECTED, P.AGENT_READY)
_LINKED = (P.FETCHING, P.OPENING, *_LIVE)
_DUE = (P.WAITING, P.AWAITING_SERVICE)
_RESTING = (P.IDLE, P.NO_DEVICE, *_DUE)
_STAY: tuple[Phase, ...] = ()

_MESSAGES = (
    events.ServerConnected,
    events.AgentReadied,
    events.SessionEndAnnounced,
    events.ErrorReported,
    events.MessageIgnored,
)
_WISHES = (
    events.SessionRequested,
    events.SessionDismissed,
    events.DeviceAppeared,
    events.DeviceDisappeared,
    events.ServiceReached,
    events.ServiceUnreached,
    events.ShutdownRequested,
)

Row = tuple["Iterable[Phase]", "type[events.Event] | tuple[type[events.Event], ...]", Action, "Iterable[Phase]"]

# phases, events, what is done, where it may lead (nothing: the phase stays)
ROWS: tuple[Row, ...] = (
    # at rest: nothing reaches out
    ([P.IDLE], events.Booted, A.BEGIN_SERVICE, [P.IDLE, P.NO_DEVICE]),
    ([P.IDLE], events.SessionRequested, A.WANT, [P.NO_DEVICE, P.WAITING]),
    ([P.NO_DEVICE, *_DUE], events.SessionRequested, A.IGNORE, _STAY),
    ([P.IDLE], events.SessionDismissed, A.IGNORE, _STAY),
    ([P.NO_DEVICE, *_DUE], events.SessionDismissed, A.NOT_WANT, [P.IDLE]),
    ([P.IDLE], events.DeviceAppeared, A.NOTE_DEVICE, _STAY),
    ([P.NO_DEVICE], events.DeviceAppeared, A.RESUME, [P.WAITING]),
    (_DUE, events.DeviceAppeared, A.IGNORE, _STAY),
    ([P.IDLE], events.DeviceDisappeared, A.NOTE_NO_DEVICE, _STAY),
    ([P.NO_DEVICE], events.DeviceDisappeared, A.IGNORE, _STAY),
    (_DUE, events.DeviceDisappeared, A.SUSPEND, [P.NO_DEVICE]),
    ([P.WAITING], events.DeadlinePassed, A.BEGIN_IF_REACHABLE, [P.FETCHING, P.AWAITING_SERVICE]),
    ([P.AWAITING_SERVICE], events.ServiceReached, A.RESUME_SPREAD, [P.WAITING]),
    ([P.AWAITING_SERVICE], events.DeadlinePassed, A.BEGIN_ATTEMPT, [P.FETCHING]),
    (_RESTING, events.ShutdownRequested, A.STOP, [P.STOPPED]),
    # an attempt, and the session it leads to
    ([P.FETCHING], events.TokenFetched, A.OPEN, [P.OPENING, P.RELEASING]),
    ([P.OPENING], events.LinkOpened, A.AUTHENTICATE, [P.AUTHENTICATING, P.RELEASING]),
    ([P.AUTHENTICATING], events.ServerConnected, A.CONNECT, [P.CONNECTED]),
    ([P.AUTHENTICATING], events.AgentReadied, A.IGNORE, _STAY),
    ([P.CONNECTED], events.AgentReadied, A.BECOME_READY, [P.AGENT_READY]),
    ([P.CONNECTED, P.AGENT_READY], events.ServerConnected, A.IGNORE, _STAY),
    ([P.AGENT_READY], events.AgentReadied, A.IGNORE, _STAY),
    ([P.AGENT_READY], events.DeadlinePassed, A.PROVE_STABLE, _STAY),
    (_LIVE, events.MessageIgnored, A.IGNORE, _STAY),
    (_LIVE, events.SessionEndAnnounced, A.NOTE_SESSION_END, [P.ENDING]),
    (_LIVE, events.ErrorReported, A.NOTE_ERROR, [P.ENDING]),
    (_LINKED, events.LinkFailed, A.FAIL, [P.RELEASING]),
    ([P.FETCHING, P.OPENING, P.AUTHENTICATING, P.CONNECTED], events.DeadlinePassed, A.TIME_OUT, [P.RELEASING]),
    (_LINKED, events.SessionRequested, A.IGNORE, _STAY),
    (_LINKED, events.DeviceAppeared, A.IGNORE, _STAY),
    (
        _LINKED,
        (events.SessionDismissed, events.DeviceDisappeared, events.ShutdownRequested),
        A.ABANDON,
        [P.RELEASING],
    ),
    # the end of a link
    ([P.ENDING], events.LinkFailed, A.NOTE_CLOSE, [P.RELEASING]),
    ([P.ENDING], events.DeadlinePassed, A.STOP_WAITING, [P.RELEASING]),
    ([P.RELEASING], events.LinkReleased, A.SETTLE, [P.IDLE, P.NO_DEVICE, P.WAITING, P.STOPPED]),
    ([P.RELEASING], events.DeadlinePassed, A.GIVE_UP, _STAY),
    ([P.RELEASING], (events.TokenFetched, events.LinkOpened, events.LinkFailed), A.IGNORE, _STAY),
    ([P.ENDING, P.RELEASING], _MESSAGES, A.IGNORE, _STAY),
    ([P.ENDING, P.RELEASING], events.SessionRequested, A.WANT, _STAY),
    ([P.ENDING, P.RELEASING], events.SessionDismissed, A.NOT_WANT, _STAY),
    ([P.ENDING, P.RELEASING], events.DeviceAppeared, A.NOTE_DEVICE, _STAY),
    ([P.ENDING, P.RELEASING], events.DeviceDisappeared, A.NOTE_NO_DEVICE, _STAY),
    ([P.ENDING, P.RELEASING], events.ShutdownRequested, A.STOP, _STAY),
    # the heartbeat only steers when an attempt begins
    (set(P) - {P.AWAITING_SERVICE, P.STOPPED}, events.ServiceReached, A.NOTE_SERVICE, _STAY),
    (set(P) - {P.STOPPED}, events.ServiceUnreached, A.NOTE_NO_SERVICE, _STAY),
    # over
    ([P.STOPPED], _WISHES, A.IGNORE, _STAY),
)


def build_table(rows: Iterable[Row]) -> Mapping[tuple[Phase, type[events.Event]], Transition]:
    """Spread rows to one entry for each pair. Raises `ValueError` for a pair that two rows claim."""
    table: dict[tuple[Phase, type[events.Event]], Transition] = {}
    for phases, kinds, action, targets in rows:
        for phase in phases:
            for kind in kinds if isinstance(kinds, tuple) else (kinds,):
                if (phase, kind) in table:
                    raise ValueError(f"two rows for {kind.__name__} in {phase.name}")
                table[phase, kind] = Transition(action, frozenset(targets) or frozenset([phase]))
    return table


TABLE = build_table(ROWS)
