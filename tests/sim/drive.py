"""Drives a conversation on a clock of its own, without I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewayd.sim.agents import Agent, Echo
from gatewayd.sim.commands import Command, HangUp, Hold, Say
from gatewayd.sim.conversation import Conversation
from gatewayd.sim.script import (
    Script,
)
from gatewayd.sim.tokens import Verdict
from gatewayd.sim.wire import TextReceived, WireEvent

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = bytes(range(256)) * 2 + bytes(128)
TOKEN = TextReceived('{"token": "good"}')


def told(command: Command) -> str:
    """A command as a transcript shows it."""
    if isinstance(command, Say):
        return "frame"
    if isinstance(command, HangUp):
        return f"hang up {command.how.value if command.how else 'politely'}"
    if isinstance(command, Hold):
        return f"hold reading={command.reading} sending={command.sending}"
    first, payload = command.data[0], command.data[2:]
    if first == 0x81:
        message = json.loads(payload if command.data[1] < 126 else command.data[4:])
        return " ".join(str(message[key]) for key in ("type", "code", "reason") if key in message)
    if first == 0x88:
        return f"close {int.from_bytes(payload[:2], 'big')}"
    return {0x8A: "pong", 0x89: "ping", 0x82: "binary"}[first]


class Drive:
    """Runs a conversation on a clock of its own and writes down what it says when."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        agent: Callable[[], Agent] = Echo,
        strict: bool = False,
        setup_s: float = 0.05,
    ) -> None:
        self.now = 1000.0
        self.said: list[tuple[float, str]] = []
        self.conversation = Conversation(
            script=script or Script(), agent=agent(), redeem=self._redeem, setup_s=setup_s, strict=strict
        )
        self._note(self.conversation.open(self.now))

    def _redeem(self, token: str, now: float) -> Verdict:
        return Verdict.GOOD if token == "good" else Verdict.UNKNOWN

    def _note(self, commands: list[Command]) -> None:
        self.said.extend((round(self.now - 1000.0, 6), told(command)) for command in commands)

    def at(self, elapsed_s: float, event: WireEvent | None = None) -> None:
        """Let time pass to `elapsed_s` after the open, waking as the driver does, then let `event` happen."""
        while self.conversation.due <= 1000.0 + elapsed_s:
            self.now = max(self.now, self.conversation.due)
            self._note(self.conversation.advance(self.now))
        self.now = 1000.0 + elapsed_s
        if event is not None:
            self._note(self.conversation.receive(event, self.now))

    def ready(self) -> None:
        self.at(0.0, TOKEN)
        self.at(0.05)
        self.said.clear()
