"""Hostile messages through the codec and the session machine: nothing raises, nothing grows, nothing odd is told.

FUZZ_MESSAGES says how many (a million, unless set), FUZZ_SEED which; a failure names both.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from gatewayd.configuration.model import Activation, AgentConfiguration, BackoffConfiguration
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.machine import SessionMachine
from gatewayd.session.messages import parse
from gatewayd.session.tokens import Token
from gatewayd.session.transitions import Phase
from tests.tiers.endurance.hostile import HostileMessages
from tests.tiers.endurance.show import show
from tests.tiers.endurance.usage import Usage, usage

if TYPE_CHECKING:
    import pytest

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "1000000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
REPORT_CHARACTERS = 800
"""More than any report needs: 200 of the server's for a code, 200 for a message, and our own words."""
GROWTH_BYTES, GROWTH_OBJECTS = 2 << 20, 200
"""After the first fifth; a leak of one byte a message would be more in a long run."""
TOKEN = "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4c1dyRjVtRGIyeFV5R2hL"
AGENT = AgentConfiguration(url="wss://voice.example/ws", backoff=BackoffConfiguration())
STEP_CHANCE = {
    Phase.AUTHENTICATING: 0.5,
    Phase.CONNECTED: 0.5,
    Phase.AGENT_READY: 0.02,
    Phase.ENDING: 0.5,
    Phase.RELEASING: 0.8,
}
"""In which phases a message may come, and how likely the session goes on before it: so that each hears its share."""
LOST = events.LinkFailed(Cause.CONNECTION_LOST, "the connection broke: Connection reset by peer")


class Victim:
    """A machine led through its phases as the driver would, and everything it tells people."""

    def __init__(self, chance: random.Random) -> None:
        self.machine = SessionMachine(AGENT, Activation.ALWAYS, chance.uniform)
        self.heard_in: dict[Phase, int] = dict.fromkeys(STEP_CHANCE, 0)
        self._chance = chance
        self._now_s = 0.0
        self._tell(events.Booted())
        self._tell(events.DeviceAppeared())

    def hear(self, text: str) -> None:
        """Let a message come in whatever phase is reached by then."""
        while self._chance.random() < STEP_CHANCE.get(self.machine.phase, 1.0):
            self._step()
        self.heard_in[self.machine.phase] += 1
        message = parse(text)
        if isinstance(message, events.MessageIgnored):
            _check_told(message.why)
        self._tell(message)

    def _step(self) -> None:
        """What happens next if the service says nothing."""
        phase = self.machine.phase
        if phase is Phase.FETCHING:
            self._tell(events.TokenFetched(Token(TOKEN, requested_at_s=self._now_s)))
        elif phase is Phase.OPENING:
            self._tell(events.LinkOpened(boottime_s=self._now_s))
        elif phase is Phase.AUTHENTICATING:
            self._tell(events.ServerConnected())
        elif phase is Phase.CONNECTED:
            self._tell(events.AgentReadied())
        elif phase is Phase.RELEASING:
            self._tell(events.LinkReleased())
            self._check_end()
        elif self.machine.next_deadline_s is not None and phase is not Phase.ENDING:
            self._now_s = max(self._now_s, self.machine.next_deadline_s)
            self._tell(events.DeadlinePassed())
        else:
            self._tell(LOST)

    def _tell(self, event: events.Event) -> None:
        self._now_s += self._chance.random() * 0.1
        for command in self.machine.handle(event, self._now_s):
            if isinstance(command, events.Report):
                _check_told(command.text)

    def _check_end(self) -> None:
        end = self.machine.last_end
        assert end is not None
        _check_told(end.detail)
        _check_told(end.error_code or "")
        json.dumps(asdict(end), ensure_ascii=False, allow_nan=False).encode()


def _check_told(text: str) -> None:
    assert len(text) <= REPORT_CHARACTERS, f"{len(text)} characters"
    assert text.isprintable(), "more than one line, or something that steers a terminal"
    assert TOKEN not in text, "the token"


def test_no_message_does_any_harm(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    hostile, victim = HostileMessages(chance, TOKEN), Victim(chance)
    settled: Usage | None = None
    began_s = time.process_time()
    for number in range(MESSAGES):
        text = hostile.next()
        try:
            victim.hear(text)
        except Exception as error:
            raise AssertionError(f"message {number} with FUZZ_SEED={SEED}, {text[:300]!r}: {error!r}") from error
        if number == MESSAGES // 5:
            settled = usage()
    took_s = time.process_time() - began_s
    ended = usage()
    assert settled is not None
    grown = ended.resident_bytes - settled.resident_bytes
    shares = ", ".join(f"{phase.value} {count}" for phase, count in victim.heard_in.items())
    show(capsys, f"{MESSAGES} messages, {MESSAGES / took_s:.0f} a second of CPU; {grown / 1024:+.0f} KiB; {shares}")
    assert grown < GROWTH_BYTES
    assert ended.grown_types(settled, GROWTH_OBJECTS) == {}
    assert min(victim.heard_in.values()) > MESSAGES / 100, "a phase was hardly looked at"
