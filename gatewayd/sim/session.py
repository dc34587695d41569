"""One voice session over a stream: drives a `Conversation`, keeps what was heard, and takes orders from tests."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import trio

from gatewayd.sim import script as scripted
from gatewayd.sim.commands import Command, HangUp, Hold, Say
from gatewayd.sim.conversation import CLOSE_TIMEOUT_S, Conversation
from gatewayd.sim.hangup import hang_up
from gatewayd.sim.outbox import Outbox
from gatewayd.sim.outcome import Phase
from gatewayd.sim.script import Action, Hangup
from gatewayd.sim.wire import OP_BINARY, BinaryReceived, TextReceived, WireReader, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.sim.outcome import Outcome, Tally
    from gatewayd.sim.recording import Recording

log = logging.getLogger(__name__)

READ_BYTES = 65_536
SEND_TIMEOUT_S = 30.0
"""A client that takes nothing for so long, while there is something for it, is given up."""
CUT_GRACE_S = 1.0
"""How long a cut waits for what was to be sent before it."""
TEXTS_KEPT = 100


class Frame(NamedTuple):
    """A binary message, and when it passed the socket on CLOCK_MONOTONIC, comparable between processes."""

    monotonic_ns: int
    data: bytes


class Session:
    """A voice session, running or ended. Its orders (`send_text`, `close`, ...) may be given from any trio task."""

    def __init__(
        self, number: int, attempt: int, conversation: Conversation, *, recording: Recording | None, keep_frames: int
    ) -> None:
        self.number = number
        """Counted from 1 over the service's life."""
        self.attempt = attempt
        self.heard: deque[Frame] = deque(maxlen=keep_frames)
        """The last binary messages from the client."""
        self.said: deque[Frame] = deque(maxlen=keep_frames)
        """The last frames of the agent's that were sent."""
        self.texts: deque[str] = deque(maxlen=TEXTS_KEPT)
        """Text messages from the client; the first one holds its token."""
        self._conversation = conversation
        self._recording = recording
        self._reader = WireReader()
        self._outbox = Outbox()
        self._held = Hold(reading=False, sending=False)
        self._work = trio.lowlevel.ParkingLot()
        self._resumed = trio.lowlevel.ParkingLot()
        self._retimed = trio.lowlevel.ParkingLot()
        self._watchers = trio.lowlevel.ParkingLot()
        self._asleep_until = 0.0
        self._hang_up: Hangup | None = None
        self._scope = trio.CancelScope()
        self._started_ns = 0

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return self._conversation.phase

    @property
    def tally(self) -> Tally:
        """Counts so far."""
        return self._conversation.tally

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        return self._conversation.outcome

    async def wait_until(self, condition: Callable[[Session], bool]) -> None:
        """Wait until the condition holds, looked at whenever something happens. The caller bounds the wait."""
        while not condition(self):
            await self._watchers.park()

    async def wait_heard(self, frames: int) -> None:
        """Wait until so many binary messages were heard. The caller bounds the wait."""
        await self.wait_until(lambda session: session.tally.frames_heard >= frames)

    async def wait_agent_ready(self) -> None:
        """Wait until `agent_ready` was said. The caller bounds the wait; a session that ends before never is."""
        await self.wait_until(lambda session: session.phase is Phase.AGENT_READY)

    async def wait_ended(self) -> Outcome:
        """Wait for the end. The caller bounds the wait."""
        await self.wait_until(lambda session: session.outcome is not None)
        assert self.outcome is not None  # noqa: S101 - just waited for
        return self.outcome

    # orders

    def perform(self, action: Action) -> None:
        """Do what a step of a scenario does, now. After the end nothing happens."""
        self._carry_out(self._conversation.perform(action, trio.current_time()))

    def send_text(self, text: str) -> None:
        """Send a text message of any content."""
        self.perform(scripted.SendText(text))

    def send_binary(self, data: bytes) -> None:
        """Send a binary message of any size."""
        self.perform(scripted.SendBinary(data))

    def send_raw(self, data: bytes) -> None:
        """Put bytes on the stream as they are."""
        self.perform(scripted.SendRaw(data))

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping; answers are counted in `tally.pongs`."""
        self.perform(scripted.SendPing(payload=payload))

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame, and close TCP once it is answered."""
        self.perform(scripted.Close(code, reason))

    def end(self, reason: str = "agent_disconnected") -> None:
        """Send `session_ended`, then close 1000."""
        self.perform(scripted.EndSession(reason))

    def fail(self, code: str) -> None:
        """Send an error message and its close code."""
        self.perform(scripted.Fail(code))

    def cut(self, how: Hangup = Hangup.RST) -> None:
        """End TCP without a close frame."""
        self.perform(scripted.Cut(how))

    def shut_down(self) -> None:
        """Say `server_shutdown` and close 1000."""
        self._carry_out(self._conversation.shut_down(trio.current_time()))

    # driving

    async def run(self, stream: trio.abc.Stream, first: bytes = b"") -> None:
        """Hold the session on a stream whose handshake is done, and end the stream; `first` came with the handshake.

        Cancelling ends the session at once, without a word; recordings are finished all the same.
        """
        self._started_ns = time.monotonic_ns()
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._carry_out(self._conversation.open(trio.current_time()))
                    nursery.start_soon(self._read, stream, first)
                    nursery.start_soon(self._write, stream)
                    nursery.start_soon(self._keep_time)
        finally:
            self._conversation.lose("the service was stopped")
            self._finish()
        await hang_up(stream, self._hang_up)

    async def _read(self, stream: trio.abc.Stream, first: bytes) -> None:
        try:
            if first:
                self._take(first, time.monotonic_ns())
            while True:
                while self._held.reading:
                    await self._resumed.park()
                data = await stream.receive_some(READ_BYTES)
                arrived_ns = time.monotonic_ns()
                if not data:
                    break
                self._take(bytes(data), arrived_ns)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._lose(f"TCP failed: {error.__cause__ or error}")
        else:
            self._lose("TCP ended")

    async def _write(self, stream: trio.abc.Stream) -> None:
        try:
            while True:
                while not self._outbox or self._held.sending:
                    await self._work.park()
                item = self._outbox.take()
                if isinstance(item, HangUp):
                    self._scope.cancel()
                    return
                data = encode_frame(OP_BINARY, item.frame) if isinstance(item, Say) else item.data
                with trio.fail_after(SEND_TIMEOUT_S):
                    sent_ns = time.monotonic_ns()
                    if isinstance(item, Say):
                        self.tally.frames_said += 1
                        self.said.append(Frame(sent_ns, item.frame))
                    await stream.send_all(data)
                if isinstance(item, Say) and self._recording is not None:
                    self._recording.said(sent_ns, item.frame)
                self._watchers.unpark_all()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._lose(f"TCP failed: {error.__cause__ or error}")
        except trio.TooSlowError:
            self._lose(f"the client took nothing for {SEND_TIMEOUT_S:g} s")

    async def _keep_time(self) -> None:
        while True:
            self._asleep_until = self._conversation.due
            with trio.move_on_at(self._asleep_until):
                await self._retimed.park()
            self._carry_out(self._conversation.advance(trio.current_time()))

    def _take(self, data: bytes, arrived_ns: int) -> None:
        for event in self._reader.receive(data):
            self._carry_out(self._conversation.receive(event, trio.current_time()))
            if isinstance(event, BinaryReceived):
                self.heard.append(Frame(arrived_ns, event.data))
                if self._recording is not None:
                    self._recording.heard(arrived_ns, event.data)
            elif isinstance(event, TextReceived):
                self.texts.append(event.text)
        self._watchers.unpark_all()

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Hold):
                self._held = command
                self._resumed.unpark_all()
            else:
                self.tally.frames_unsaid += self._outbox.put(command)
                if isinstance(command, HangUp):
                    self._bound_hang_up(command.how)
        if commands:
            self._work.unpark()
            self._watchers.unpark_all()
        if self._outbox.overrun:
            self._lose("the client does not read what it asks for")
        if self._conversation.due < self._asleep_until:
            self._retimed.unpark()

    def _bound_hang_up(self, how: Hangup | None) -> None:
        self._hang_up = how
        patience_s = CLOSE_TIMEOUT_S if how is None else 0.0 if self._held.sending else CUT_GRACE_S
        self._scope.deadline = trio.current_time() + patience_s

    def _lose(self, detail: str) -> None:
        if self.outcome is None:
            self._conversation.lose(detail)
            self._scope.cancel()
        # Otherwise the last words and the hang-up are in the outbox, under the scope's deadline.

    def _finish(self) -> None:
        outcome = self.outcome
        assert outcome is not None  # noqa: S101 - `run` has just seen to it
        if self._recording is not None:
            self._recording.summarize(self.summary())
        log.info("session %d ended by the %s: %s", self.number, outcome.by.value, outcome.detail)
        for what, count in self.tally.violations.items():
            log.warning("session %d: the client sent %s, %d times", self.number, what, count)
        self._watchers.unpark_all()

    def summary(self) -> dict[str, object]:
        """What `NNNN-session.json` holds: plain values, no secrets."""
        outcome = asdict(self.outcome) if self.outcome is not None else None
        plain: dict[str, object] = json.loads(json.dumps({"outcome": outcome, "tally": asdict(self.tally)}))
        return {
            "session": self.number,
            "attempt": self.attempt,
            "started_monotonic_ns": self._started_ns,
            "duration_s": round((time.monotonic_ns() - self._started_ns) / 1e9, 3),
            **plain,
        }
