"""Which script an attempt follows, and which attempt a request belongs to."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.sim.script import Scenario, Script, Step

ATTEMPTS_WAITING = 256
"""Attempts with a token and no upgrade yet that are remembered; over it the oldest is forgotten."""


@dataclass(frozen=True)
class Attempt:
    """A token request and the WebSocket that follows it, counted from 1."""

    number: int
    script: Script


class Director:
    """Hands out attempts in the order of a scenario (see `Scenario`)."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._attempts = 0
        self._accepts = 0
        self._next: deque[Script] = deque()
        self._awaiting_upgrade: deque[Attempt] = deque(maxlen=ATTEMPTS_WAITING)

    def script_next(self, *scripts: Script) -> None:
        """Let the next attempts follow these scripts, whatever the scenario has for their numbers."""
        self._next.extend(scripts)

    def accept(self) -> Step | None:
        """A TCP connection: what is scripted for it, if anything."""
        self._accepts += 1
        accepts = self._scenario.accepts
        return accepts[self._accepts - 1] if self._accepts <= len(accepts) else None

    def begin(self) -> Attempt:
        """A token request: a new attempt."""
        self._attempts += 1
        script = self._next.popleft() if self._next else self._scenario.script_for(self._attempts)
        return Attempt(self._attempts, script)

    def token_issued(self, attempt: Attempt) -> None:
        """The attempt got its token, so that an upgrade may follow."""
        self._awaiting_upgrade.append(attempt)

    def upgrade(self) -> Attempt:
        """An upgrade: of the youngest attempt that has a token and had no upgrade, or of a new one."""
        return self._awaiting_upgrade.pop() if self._awaiting_upgrade else self.begin()
