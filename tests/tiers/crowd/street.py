"""Many session machines on one virtual clock: a discrete-event loop that jumps from one event to the next.

No event loop, no sockets, no waiting: each client is the real `SessionMachine`, and `Street` is a driver for all of
them at once that carries their commands out against a `Timetable`. 10 000 clients live through a quarter of an hour in
seconds.
"""

from __future__ import annotations

import heapq
import math
from functools import partial
from typing import TYPE_CHECKING

from gatewayd.cloud.heartbeat import FAILURES_UNTIL_UNREACHABLE, RECHECK_INTERVAL_S, SPREAD
from gatewayd.configuration.model import Activation, AgentConfiguration, HeartbeatConfiguration
from gatewayd.session import events
from gatewayd.session.machine import SessionMachine
from gatewayd.session.tokens import Token
from gatewayd.session.transitions import Phase

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.tiers.crowd.service import Timetable

ROUND_TRIP_S = (0.02, 0.12)
"""Each client draws its own."""
AGENT = AgentConfiguration(url="wss://voice.example/ws")
"""As a person gets it who sets nothing but the address."""
STEERED_AGENT = AgentConfiguration(
    url="wss://voice.example/ws", heartbeat=HeartbeatConfiguration(url="https://voice.example/heartbeat")
)


class Street:
    """`clients` devices that boot when they are told to, and the service that all of them use."""

    def __init__(
        self, clients: int, service: Timetable, chance: random.Random, *, agent: AgentConfiguration = AGENT
    ) -> None:
        self.service = service
        self.chance = chance
        self.agent = agent
        self.arrivals_s: list[float] = []
        """When an attempt reached out: each begins with a token request, and that is what is counted."""
        self.heartbeats_s: list[float] = []
        self.undercuts_s: list[float] = []
        """By how much an attempt came earlier than a Retry-After had asked for."""
        self.asked_to_wait = 0
        """How many answers carried a Retry-After."""
        self.clients = [Client(self) for _ in range(clients)]
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._entries = 0

    def at(self, when_s: float, action: Callable[[float], None]) -> None:
        """Put `action(now_s)` on the agenda; what is due at the same time is done in the order of asking."""
        self._entries += 1
        heapq.heappush(self._agenda, (when_s, self._entries, action))

    def boot(self, *, within_s: float) -> None:
        """Let every client start at a time of its own within `within_s` of now."""
        for client in self.clients:
            self.at(self.chance.uniform(0.0, within_s), client.boot)

    def tell_connected(self, said: Sequence[events.Event]) -> Callable[[float], None]:
        """For the agenda: say the same to every client that has a session."""

        def tell(now_s: float) -> None:
            for client in self.clients:
                if client.machine.phase in (Phase.CONNECTED, Phase.AGENT_READY):
                    client.hear(client.link, said, now_s)

        return tell

    def run(self, *, until_s: float) -> None:
        """Let everything happen that is due before `until_s`."""
        while self._agenda and self._agenda[0][0] < until_s:
            now_s, _, action = heapq.heappop(self._agenda)
            action(now_s)


class Client:
    """One device: its machine, and what its driver and its network would do."""

    def __init__(self, street: Street) -> None:
        self._street = street
        self.machine = SessionMachine(street.agent, Activation.ALWAYS, street.chance.uniform)
        self.link = 0
        """Counts links; what was said on an old one reaches nobody."""
        self.connected_at_s: list[float] = []
        self._round_trip_s = street.chance.uniform(*ROUND_TRIP_S)
        self._woken_at_s = math.inf
        self._not_before_s = 0.0
        self._reachable: bool | None = None
        self._heartbeat_failures = 0

    def boot(self, now_s: float) -> None:
        """Start the daemon on a device whose microphone is there."""
        self._tell(events.Booted(), now_s)
        self._tell(events.DeviceAppeared(), now_s)
        if self._street.agent.heartbeat.url:
            self._ask_heartbeat(now_s)

    def hear(self, link: int, said: Sequence[events.Event], now_s: float) -> None:
        """Take what the network says on a link, as long as it is in use."""
        for event in said:
            if link == self.link:
                self._tell(event, now_s)

    def _tell(self, event: events.Event, now_s: float) -> None:
        for command in self.machine.handle(event, now_s):
            self._carry_out(command, now_s)
        deadline_s = self.machine.next_deadline_s
        if deadline_s is not None and deadline_s != self._woken_at_s:
            self._woken_at_s = deadline_s
            self._street.at(deadline_s, self._wake)

    def _wake(self, now_s: float) -> None:
        if self.machine.next_deadline_s == now_s:  # else it was moved meanwhile
            self._woken_at_s = math.inf
            self._tell(events.DeadlinePassed(), now_s)

    def _carry_out(self, command: events.Command, now_s: float) -> None:
        behaviour = self._street.service.at(now_s)
        if isinstance(command, events.FetchToken):
            self._street.arrivals_s.append(now_s)
            if now_s < self._not_before_s:
                self._street.undercuts_s.append(self._not_before_s - now_s)
            token = events.TokenFetched(Token("t0ken", requested_at_s=now_s))
            self._answer(now_s, behaviour.token_failure or token)
        elif isinstance(command, events.OpenLink):
            opened = events.LinkOpened(boottime_s=now_s + self._round_trip_s)
            self._answer(now_s, behaviour.upgrade_failure or opened)
        elif isinstance(command, events.SendText):
            self.connected_at_s.append(now_s)
            self._answer(now_s, *behaviour.said)
        elif isinstance(command, events.ReleaseLink):
            self.link += 1
            self._street.at(now_s, partial(self._tell, events.LinkReleased()))

    def _answer(self, now_s: float, *said: events.Event) -> None:
        arrives_s = now_s + self._round_trip_s
        for event in said:
            if isinstance(event, events.LinkFailed) and event.retry_after_s is not None:
                self._not_before_s = arrives_s + event.retry_after_s
                self._street.asked_to_wait += 1
        self._street.at(arrives_s, partial(self.hear, self.link, said))

    def _ask_heartbeat(self, now_s: float) -> None:
        """As `gatewayd.cloud.heartbeat` does: sooner while a failure is unconfirmed, and told only when it changes."""
        self._street.heartbeats_s.append(now_s)
        answers = self._street.service.at(now_s).reachable
        unconfirmed = not answers and self._reachable is not False
        self._heartbeat_failures = 0 if answers else self._heartbeat_failures + 1
        if answers or self._heartbeat_failures >= FAILURES_UNTIL_UNREACHABLE:
            self._conclude(answers, now_s + self._round_trip_s)
        interval_s = self._street.agent.heartbeat.interval_s
        if unconfirmed:
            interval_s = min(interval_s, RECHECK_INTERVAL_S)
        spread_s = interval_s * SPREAD
        self._street.at(
            now_s + self._street.chance.uniform(interval_s - spread_s, interval_s + spread_s), self._ask_heartbeat
        )

    def _conclude(self, reachable: bool, at_s: float) -> None:
        if reachable is not self._reachable:
            self._reachable = reachable
            self._street.at(
                at_s, partial(self._tell, events.ServiceReached() if reachable else events.ServiceUnreached())
            )
