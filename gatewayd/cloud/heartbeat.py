"""Whether the service can be reached at all: a small request now and then, so that a refused WebSocket can be told from
a dead link or a service that is down, and so that nobody asks for a token while no session could follow.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import trio

from gatewayd.cloud.portal import is_web_page, redirect_target, wants_login
from gatewayd.cloud.retry_after import retry_after_s
from gatewayd.control.schema import HeartbeatStatus
from gatewayd.errors import CloudError
from gatewayd.lean import dataclass
from gatewayd.message_ids import MessageId
from gatewayd.progress import LATENESS_S, Progress
from gatewayd.repetitions import Changes, with_sum
from gatewayd.seams.http import HttpRequest
from gatewayd.session.causes import Cause
from gatewayd.session.policy import RETRY_AFTER_CEILING_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatewayd.configuration.model import HeartbeatConfiguration
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.http import HttpClient, HttpResponse

ANSWER_LIMIT_BYTES = 65_536
"""Whoever answers with more than this is not a heartbeat."""
SPREAD = 0.1
"""Each interval is drawn from 90 to 110 % of the configured one, so that devices which came back together after a power
cut drift apart instead of asking in step for ever."""
FAILURES_UNTIL_UNREACHABLE = 2
"""In a row. One request can be lost on any link; two, `RECHECK_INTERVAL_S` apart, are hardly chance."""
RECHECK_INTERVAL_S = 10.0
"""After a first failure the next request comes this soon, or after the configured interval if that is shorter, so that
it is soon confirmed. Not after that: a street that asks so often through an outage would notice its end in step."""

_BUSY = (429, 503)
"""Statuses whose Retry-After counts; the one of a redirect may be a captive portal's."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Problem:
    """What was wrong with an answer, or with getting one."""

    what: str
    retry_after_s: float | None = None
    clock: bool = False
    """The service answered, and it is this device's clock that is wrong: says nothing about reachability."""


class Heartbeat:
    """Asks `configuration.url`, which must not be empty, for as long as `run` runs.

    Reachable is a service that answers 200 to 299 with what `configuration.expect` says; where that is empty, with
    anything but a web page, which is a captive portal's. One such answer makes it reachable, and
    `FAILURES_UNTIL_UNREACHABLE` failures in a row make it unreachable. `report(reachable)` is awaited when that is
    first known and whenever it changes; the next request waits for it. `uniform(a, b)` draws from [a, b]; it is the
    only source of chance.
    """

    def __init__(
        self,
        http: HttpClient,
        configuration: HeartbeatConfiguration,
        clock: Clock,
        *,
        report: Callable[[bool], Awaitable[None]] | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._http = http
        self._configuration = configuration
        self._clock = clock
        self._report = report
        self._uniform = uniform
        self._reachable: bool | None = None
        self._failures = 0
        self._changes = Changes(None)
        self._rtt_s: float | None = None
        self.progress = Progress("heartbeat")
        """Its signs of life."""

    @property
    def reachable(self) -> bool | None:
        """Whether the service can be reached; None until that is known."""
        return self._reachable

    def status(self) -> HeartbeatStatus:
        """For `gatewayd status`. `rtt_s` is the time of the whole last good request, connecting included."""
        return HeartbeatStatus(reachable=self._reachable, rtt_s=self._rtt_s)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask at once, then again and again until cancelled: every interval, start to start, while answers are good;
        sooner while a failure is not confirmed (`RECHECK_INTERVAL_S`), not before its Retry-After. No failure of the
        network ends it; what `report` raises does.
        """
        task_status.started()
        while True:
            started_s = self._clock.monotonic_s()
            self.progress.note(started_s, self._configuration.timeout_s + LATENESS_S)
            problem = await self._ask()
            answered_s = self._clock.monotonic_s()
            if problem is None:
                self._rtt_s = answered_s - started_s
            next_s = self._next_s(problem, started_s, answered_s)
            await self._note(problem)
            self.progress.note(answered_s, max(0.0, next_s - answered_s) + LATENESS_S)
            await trio.sleep_until(next_s)

    def _next_s(self, problem: _Problem | None, started_s: float, answered_s: float) -> float:
        interval_s = self._configuration.interval_s
        if problem is not None and self._reachable is not False:
            interval_s = min(interval_s, RECHECK_INTERVAL_S)
        if problem is not None and problem.retry_after_s is not None:
            # many may have been told the same moment: spread over the whole interval
            wait_s = min(problem.retry_after_s, RETRY_AFTER_CEILING_S)
            return answered_s + wait_s + self._uniform(0.0, interval_s)
        spread_s = interval_s * SPREAD
        return started_s + self._uniform(interval_s - spread_s, interval_s + spread_s)

    async def _ask(self) -> _Problem | None:
        """Make one request and say what was wrong, if anything."""
        request = HttpRequest(method="GET", url=self._configuration.url)
        try:
            response = await self._http.request(
                request, timeout_s=self._configuration.timeout_s, body_limit_bytes=ANSWER_LIMIT_BYTES
            )
        except CloudError as error:
            return _Problem(error.detail, error.retry_after_s, clock=error.cause is Cause.CERTIFICATE_NOT_YET_VALID)
        what = what_is_wrong(response, self._configuration.expect)
        if what is None:
            return None
        return _Problem(what, retry_after_s(response.headers) if response.status in _BUSY else None)

    async def _note(self, problem: _Problem | None) -> None:
        if problem is None:
            self._failures = 0
            text = "the service can be reached: its heartbeat answers"
            self._tell(logging.INFO, text, MessageId.SERVICE_REACHABLE)
            await self._conclude(reachable=True)
        elif problem.clock:
            self._tell(logging.WARNING, f"the heartbeat tells nothing: {problem.what}", None)
        else:
            self._failures += 1
            if self._failures >= FAILURES_UNTIL_UNREACHABLE:
                text = f"the service cannot be reached: {problem.what}"
                self._tell(logging.WARNING, text, MessageId.SERVICE_UNREACHABLE)
                await self._conclude(reachable=False)
            else:
                _log.debug("a heartbeat failed, which may be chance: %s", problem.what)

    async def _conclude(self, *, reachable: bool) -> None:
        changed = reachable is not self._reachable
        self._reachable = reachable
        if changed and self._report is not None:
            await self._report(reachable)

    def _tell(self, level: int, message: str, message_id: MessageId | None) -> None:
        verdict = self._changes.note(message, self._clock.monotonic_s())
        if verdict.tell:
            _log.log(level, "%s", with_sum(message, verdict.sum), extra={"message_id": message_id})


def what_is_wrong(response: HttpResponse, expected: str) -> str | None:
    """What makes an answer another's than the service's, or a bad one, in words; None for a good one.

    `expected` is what its body must contain, empty for anything but a web page.
    """
    status = response.status
    if 300 <= status <= 399:
        target = redirect_target(response.headers)
        return f"it answered HTTP {status}, a redirect{target}: likely a captive portal, or the address has moved"
    if wants_login(status):
        return f"it answered HTTP {status}: this network wants somebody to log in first (captive portal)"
    if not 200 <= status <= 299:
        return f"it answered HTTP {status}"
    if expected:
        if expected.encode() in response.body:
            return None
        return f"it answered HTTP {status} without what agent.heartbeat.expect says: likely a captive portal"
    if is_web_page(response.headers, response.body):
        return (
            f"it answered HTTP {status} with a web page: likely a captive portal; if it is the service's own, say in "
            "agent.heartbeat.expect what it contains"
        )
    return None
