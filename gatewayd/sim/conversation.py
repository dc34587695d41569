"""The service's side of one session, without I/O: what came in and what time it is, to what is to be done.

Every method takes `now` in seconds and returns commands in the order in which they are to be carried out. Whoever
drives it calls `advance` no later than `due`.
"""

from __future__ import annotations

import heapq
from enum import Enum, auto
from typing import TYPE_CHECKING

from gatewayd.audio.formats import FRAME_BYTES
from gatewayd.lean import dataclass
from gatewayd.sim import messages, wire
from gatewayd.sim import script as scripted
from gatewayd.sim.agents import NEVER, Agent
from gatewayd.sim.commands import Command, HangUp, Hold, Say, Send
from gatewayd.sim.outcome import LIVE, EndedBy, Outcome, Phase, Tally
from gatewayd.sim.script import CLOSE_CODES, Action, ErrorCode, Place, Quiet, Script, Step
from gatewayd.sim.tokens import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

AUTH_TIMEOUT_S = 10.0
"""The protocol's limit from the open to the first message."""
CLOSE_TIMEOUT_S = 5.0
"""How long the answer to a close frame is waited for before TCP is closed all the same."""
NORMAL_CLOSURE, POLICY_VIOLATED, UNSUPPORTED_DATA = 1000, 1008, 1003


class _Timer(Enum):
    AUTH = auto()
    CLOSE = auto()
    READY = auto()
    RESUME = auto()


@dataclass(frozen=True)
class _Default:
    place: Place


_Due = Action | _Timer | _Default


class Conversation:
    """One session after its upgrade. `redeem` judges a token at the time it is given and uses it up."""

    def __init__(
        self,
        *,
        script: Script,
        agent: Agent,
        redeem: Callable[[str, float], Verdict],
        setup_s: float,
        strict: bool = False,
    ) -> None:
        self.phase = Phase.AWAITING_AUTH
        self.tally = Tally()
        self.outcome: Outcome | None = None
        self._agent = agent
        self._redeem = redeem
        self._setup_s = setup_s
        self._strict = strict
        self._verdict: ErrorCode | None = None
        self._quiet: set[Quiet] = set()
        self._reached = Phase.AWAITING_AUTH
        self._answer_code: int | None = None
        self._closed_first: EndedBy | None = None
        self._steps: dict[tuple[Place, int], tuple[Step, ...]] = {}
        for step in script.steps:
            key = (step.on.place, step.on.frames)
            self._steps[key] = (*self._steps.get(key, ()), step)
        self._error_code: str | None = None
        self._order = 0
        self._schedule: list[tuple[float, int, _Due]] = []
        self._commands: list[Command] = []

    @property
    def due(self) -> float:
        """When `advance` must be called next; infinity for never."""
        scheduled = self._schedule[0][0] if self._schedule else NEVER
        return min(scheduled, self._agent.due) if self.phase is Phase.AGENT_READY else scheduled

    def open(self, now: float) -> list[Command]:
        """The handshake is done."""
        if not any(isinstance(step.action, scripted.Skip) for step in self._steps.get((Place.OPEN, 0), ())):
            self._at(now + AUTH_TIMEOUT_S, _Timer.AUTH)
        self._reach(Place.OPEN, now)
        return self.advance(now)

    def receive(self, event: wire.WireEvent, now: float) -> list[Command]:
        """Something came from the client."""
        if self.phase is Phase.ENDED:
            return []
        if isinstance(event, wire.BinaryReceived):
            self._hear(event.data, now)
        elif isinstance(event, wire.TextReceived):
            self._read(event.text, now)
        elif isinstance(event, wire.PingReceived):
            self.tally.pings += 1
            if self.phase in LIVE and Quiet.PONGS not in self._quiet:
                self._commands.append(Send(wire.encode_frame(wire.OP_PONG, event.payload)))
        elif isinstance(event, wire.PongReceived):
            self.tally.pongs += 1
        elif isinstance(event, wire.CloseReceived):
            self._closed_by_client(event, now)
        else:
            self.tally.misbehaved(f"not a WebSocket: {event.detail}")
            if self.phase in LIVE:
                self._close(event.close_code, event.detail, now)
                self._commands.append(HangUp(None))
                self._end(EndedBy.SERVICE, f"the client broke the WebSocket protocol: {event.detail}")
        return self.advance(now)

    def lose(self, detail: str) -> None:
        """TCP ended, or failed, under the session."""
        if self.phase is Phase.ENDED:
            return
        if self._closed_first is None:
            self._end(EndedBy.NETWORK, detail)
        else:
            self._end(self._closed_first, f"the {self._closed_first.value} closed, then: {detail}")

    def perform(self, action: Action, now: float) -> list[Command]:
        """Do what a test or a person asks for, now."""
        self._at(now, action)
        return self.advance(now)

    def shut_down(self, now: float) -> list[Command]:
        """The service stops: say so and close, unless a script has the session play dead."""
        if self.phase in LIVE:
            self._at(now, scripted.EndSession("server_shutdown"))
        return self.advance(now)

    def advance(self, now: float) -> list[Command]:
        """Do everything that is due by `now`."""
        while self._schedule and self._schedule[0][0] <= now:
            due_at, _, what = heapq.heappop(self._schedule)
            self._do(what, due_at)
        if self.phase is Phase.AGENT_READY:
            frames = self._agent.speak(now)
            if Quiet.AGENT not in self._quiet:
                self._commands.extend(Say(frame) for frame in frames)
        commands, self._commands = self._commands, []
        return commands

    # points

    def _reach(self, place: Place, now: float, frames: int = 0) -> None:
        due_at, replaced = now, False
        for step in self._steps.get((place, frames), ()):
            due_at += step.after_s
            action = step.action
            replaced |= isinstance(action, (scripted.Skip, scripted.Proceed, scripted.Accept))
            self._at(due_at, _Default(place) if isinstance(action, scripted.Proceed) else action)
        if not replaced and place not in (Place.OPEN, Place.FRAMES):
            self._at(due_at, _Default(place))

    def _at(self, due_at: float, what: _Due) -> None:
        self._order += 1
        heapq.heappush(self._schedule, (due_at, self._order, what))

    def _default(self, place: Place, now: float) -> None:
        if place is Place.AUTH and self.phase is Phase.AUTHENTICATING:
            if self._verdict is None:
                self._connect(now)
            else:
                self._fail(scripted.Fail(self._verdict.value), now)
        elif place is Place.CONNECTED and self.phase is Phase.CONNECTED:
            self._at(now + self._setup_s, _Timer.READY)
        elif place is Place.AGENT_READY and self.phase is Phase.AGENT_READY:
            self._agent.start(now)
        elif place is Place.CLOSE and self._answer_code is not None:
            self._close(self._answer_code, "", now)

    # what the client sends

    def _hear(self, data: bytes, now: float) -> None:
        self.tally.frames_heard += 1
        if self.phase is Phase.AWAITING_AUTH:
            self.tally.misbehaved("binary before the token")
            self._authenticate(ErrorCode.INVALID_AUTH, now)
        elif self.phase is Phase.AUTHENTICATING:
            self._misbehaved("binary before connected", POLICY_VIOLATED, now)
        elif self.phase in (Phase.CONNECTED, Phase.AGENT_READY):
            if len(data) != FRAME_BYTES:
                self._misbehaved(f"a frame of {len(data)} bytes, not {FRAME_BYTES}", UNSUPPORTED_DATA, now)
            elif self.phase is Phase.AGENT_READY:
                self._agent.hear(data, now)
        self._reach(Place.FRAMES, now, self.tally.frames_heard)

    def _read(self, text: str, now: float) -> None:
        self.tally.texts_heard += 1
        if self.phase is Phase.AWAITING_AUTH:
            token = messages.token_in(text)
            if token is None:
                self._authenticate(ErrorCode.INVALID_AUTH, now)
            else:
                good = self._redeem(token, now) is Verdict.GOOD
                self._authenticate(None if good else ErrorCode.AUTH_FAILED, now)
        elif self.phase in LIVE:
            self._misbehaved("text after the token", POLICY_VIOLATED, now)

    def _authenticate(self, verdict: ErrorCode | None, now: float) -> None:
        self._enter(Phase.AUTHENTICATING)
        self._verdict = verdict
        self._reach(Place.AUTH, now)

    def _misbehaved(self, what: str, close_code: int, now: float) -> None:
        self.tally.misbehaved(what)
        if self._strict:
            self._close(close_code, what, now)

    def _closed_by_client(self, event: wire.CloseReceived, now: float) -> None:
        self.tally.close_received = event.code
        self._closed_first = self._closed_first or EndedBy.CLIENT
        if self.phase is Phase.CLOSING:
            self._commands.append(HangUp(None))
            self._end(EndedBy.SERVICE, "the service closed")
        elif self.phase in LIVE:
            self._answer_code = event.code if event.code != wire.NO_STATUS else NORMAL_CLOSURE
            self.phase = Phase.ABANDONED
            self._reach(Place.CLOSE, now)

    # what the service does

    def _do(self, what: _Due, now: float) -> None:
        if self.phase is Phase.ENDED:
            return
        if isinstance(what, _Default):
            self._default(what.place, now)
        elif isinstance(what, _Timer):
            self._time_out(what, now)
        else:
            self._act(what, now)

    def _time_out(self, timer: _Timer, now: float) -> None:
        if timer is _Timer.RESUME:
            self._commands.append(Hold(reading=False, sending=False))
        elif timer is _Timer.AUTH and self.phase is Phase.AWAITING_AUTH:
            self._fail(scripted.Fail(ErrorCode.AUTH_TIMEOUT.value), now)
        elif timer is _Timer.READY and self.phase is Phase.CONNECTED:
            self._enter(Phase.AGENT_READY)
            self._send(messages.agent_ready())
            self._reach(Place.AGENT_READY, now)
        elif timer is _Timer.CLOSE and self.phase is Phase.CLOSING:
            self._commands.append(HangUp(None))
            self._end(EndedBy.SERVICE, f"the service closed; no answer within {CLOSE_TIMEOUT_S:g} s")

    def _act(self, action: Action, now: float) -> None:  # noqa: C901, PLR0912 - one arm per action
        if isinstance(action, scripted.SendText):
            self._send(wire.encode_message(wire.OP_TEXT, action.text.encode(), action.fragments))
        elif isinstance(action, scripted.SendBinary):
            self._send(wire.encode_message(wire.OP_BINARY, action.data, action.fragments) * action.count)
        elif isinstance(action, scripted.SendRaw):
            self._send(action.data)
        elif isinstance(action, scripted.SendPing):
            self._send(wire.encode_frame(wire.OP_PING, action.payload) * action.count)
        elif isinstance(action, scripted.SendError):
            self._send_error(action)
        elif isinstance(action, scripted.Fail):
            self._fail(action, now)
        elif isinstance(action, scripted.EndSession):
            self._send(messages.session_ended(action.reason))
            self._close(NORMAL_CLOSURE, action.reason, now)
        elif isinstance(action, scripted.Close):
            self._close(action.code, action.reason, now, half_open=action.half_open)
        elif isinstance(action, scripted.Cut):
            self._commands.append(HangUp(action.how))
            self._end(EndedBy.SERVICE, f"cut with {action.how.name}")
        elif isinstance(action, scripted.Stall):
            self._stall(action, now)
        elif isinstance(action, scripted.Hush):
            self._quiet.add(action.what)
            if action.what is Quiet.ALL:
                self.phase, self._answer_code = Phase.ABANDONED, None
        elif isinstance(action, scripted.Accept):
            self._verdict = None
            self._default(Place.AUTH, now)

    def _connect(self, now: float) -> None:
        self._enter(Phase.CONNECTED)
        self._send(messages.connected())
        self._reach(Place.CONNECTED, now)

    def _fail(self, failure: scripted.Fail, now: float) -> None:
        self._send_error(scripted.SendError(failure.code, failure.message))
        code = failure.close_code if failure.close_code is not None else CLOSE_CODES.get(failure.code, 1011)
        self._close(code, failure.code, now)

    def _close(self, code: int | None, reason: str, now: float, *, half_open: bool = False) -> None:
        self._send(wire.encode_close(code, reason))
        self.tally.close_sent = code if code is not None else wire.NO_STATUS
        self._closed_first = self._closed_first or EndedBy.SERVICE
        if half_open:
            self.phase, self._answer_code = Phase.ABANDONED, None
        elif self._answer_code is not None:
            self._commands.append(HangUp(None))
            self._end(EndedBy.CLIENT, "the client closed")
        elif self.phase in LIVE:
            self.phase = Phase.CLOSING
            self._at(now + CLOSE_TIMEOUT_S, _Timer.CLOSE)

    def _stall(self, stall: scripted.Stall, now: float) -> None:
        what = stall.what
        self._commands.append(
            Hold(reading=what is not scripted.Direction.SENDING, sending=what is not scripted.Direction.READING)
        )
        if stall.for_s is not None:
            self._at(now + stall.for_s, _Timer.RESUME)

    def _send(self, data: bytes) -> None:
        self._commands.append(Send(data))

    def _send_error(self, error: scripted.SendError) -> None:
        self._error_code = error.code
        self._send(messages.error(error.code, error.message, typed=error.typed))

    def _enter(self, phase: Phase) -> None:
        self.phase = self._reached = phase

    def _end(self, by: EndedBy, detail: str) -> None:
        self.phase = Phase.ENDED
        self.outcome = Outcome(
            by=by,
            detail=detail,
            reached=self._reached.name.lower(),
            close_sent=self.tally.close_sent,
            close_received=self.tally.close_received,
            error_code=self._error_code,
        )
