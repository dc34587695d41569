"""Whether the service can be reached at all: a small request now and then, so that a refused WebSocket can be told from
a dead link or a service that is down.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import trio

from gatewayd.control.schema import HeartbeatStatus
from gatewayd.errors import CloudError
from gatewayd.seams.http import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.configuration.model import HeartbeatConfiguration
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.http import HttpClient

ANSWER_LIMIT_BYTES = 65_536
"""Only the status counts; whoever answers with more than this is not a heartbeat."""
SPREAD = 0.1
"""Each interval is drawn from 90 to 110 % of the configured one, so that devices which came back together after a power
cut drift apart instead of asking in step for ever."""

_log = logging.getLogger(__name__)


class Heartbeat:
    """Asks `configuration.url`, which must not be empty, for as long as `run` runs.

    `uniform(a, b)` draws from [a, b]; it is the only source of chance.
    """

    def __init__(
        self,
        http: HttpClient,
        configuration: HeartbeatConfiguration,
        clock: Clock,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._http = http
        self._configuration = configuration
        self._clock = clock
        self._uniform = uniform
        self._reachable: bool | None = None
        self._rtt_s: float | None = None
        self._problem: str | None = None

    @property
    def reachable(self) -> bool | None:
        """Whether the last request succeeded; None before its end."""
        return self._reachable

    def status(self) -> HeartbeatStatus:
        """For `gatewayd status`. `rtt_s` is the time of the whole last good request, connecting included."""
        return HeartbeatStatus(reachable=self._reachable, rtt_s=self._rtt_s)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask at once, then every interval, start to start, until cancelled. No failure of the network ends it."""
        task_status.started()
        while True:
            started_s = self._clock.monotonic_s()
            problem = await self._ask()
            if problem is None:
                self._rtt_s = self._clock.monotonic_s() - started_s
            self._note(problem)
            interval_s = self._configuration.interval_s
            spread_s = interval_s * SPREAD
            await trio.sleep_until(started_s + self._uniform(interval_s - spread_s, interval_s + spread_s))

    async def _ask(self) -> str | None:
        """Make one request and say what was wrong, if anything. Only 200 to 299 will do: a captive portal redirects."""
        request = HttpRequest(method="GET", url=self._configuration.url)
        try:
            response = await self._http.request(
                request, timeout_s=self._configuration.timeout_s, body_limit_bytes=ANSWER_LIMIT_BYTES
            )
        except CloudError as error:
            return error.detail
        return None if 200 <= response.status <= 299 else f"it answered HTTP {response.status}"

    def _note(self, problem: str | None) -> None:
        changed = self._reachable is None or problem != self._problem
        self._reachable = problem is None
        self._problem = problem
        if not changed:
            return
        if problem is None:
            _log.info("the service can be reached: its heartbeat answers")
        else:
            _log.warning("the service cannot be reached: %s", problem)
