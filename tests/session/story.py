"""Tests of the session machine read as a transcript: at a time, an event, and the commands it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.configuration.model import Activation, AgentConfiguration, BackoffConfiguration
from gatewayd.session import events
from gatewayd.session.machine import SessionMachine
from gatewayd.session.tokens import Token

if TYPE_CHECKING:
    from gatewayd.session.transitions import Phase

TOKEN = Token("t0ken", requested_at_s=1000.0)
BACKOFF = BackoffConfiguration(startup_spread_s=4.0)
AGENT = AgentConfiguration(url="wss://voice.example/ws", backoff=BACKOFF)


class Chance:
    """Draws a fixed fraction of every range, and keeps the ranges."""

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction
        self.ranges: list[tuple[float, float]] = []

    def __call__(self, low: float, high: float) -> float:
        self.ranges.append((low, high))
        return low + self.fraction * (high - low)


class Story:
    """A machine and the time it is told; reports to people are kept apart from what is carried out."""

    def __init__(
        self,
        *,
        agent: AgentConfiguration = AGENT,
        activation: Activation = Activation.ALWAYS,
        fraction: float = 0.5,
    ) -> None:
        self.chance = Chance(fraction)
        self.machine = SessionMachine(agent, activation, self.chance)
        self.now_s = 0.0
        self.reports: list[events.Report] = []

    def on(self, event: events.Event, *, at_s: float | None = None) -> list[events.Command]:
        if at_s is not None:
            self.now_s = at_s
        commands = self.machine.handle(event, self.now_s)
        self.reports += [command for command in commands if isinstance(command, events.Report)]
        return [command for command in commands if not isinstance(command, events.Report)]

    def on_deadline(self, *, at_s: float) -> list[events.Command]:
        """Let the machine's own deadline come, which must be exactly `at_s`."""
        assert self.machine.next_deadline_s == at_s
        return self.on(events.DeadlinePassed(), at_s=at_s)

    def shows(self, state: str) -> bool:
        return self.machine.state.value == state

    def waits_for(self, what: str) -> bool:
        return self.machine.waiting_for is not None and self.machine.waiting_for.value == what

    def to(self, phase: Phase) -> Story:
        """Live through the happy path, without time passing but where a deadline asks for it, up to a phase."""
        for event in (
            events.Booted(),
            events.DeviceAppeared(),
            events.DeadlinePassed(),
            events.TokenFetched(TOKEN),
            events.LinkOpened(boottime_s=1001.0),
            events.ServerConnected(),
            events.AgentReadied(),
        ):
            if self.machine.phase is phase:
                break
            if isinstance(event, events.DeadlinePassed):
                self.now_s = self.machine.next_deadline_s or self.now_s
            self.on(event)
        assert self.machine.phase is phase
        return self
