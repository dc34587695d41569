"""Fakes at the seams that tokens and the heartbeat stand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import CloudError
from gatewayd.seams.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.seams.http import HttpRequest


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status=status, headers=headers or {}, body=body)


@dataclass
class ScriptedHttp:
    """An `HttpClient` that gives one answer after the other, the last for ever, each `takes_s` after it was asked."""

    answers: list[HttpResponse | CloudError]
    takes_s: float = 0.0
    requests: list[HttpRequest] = field(default_factory=list)
    asked_at_s: list[float] = field(default_factory=list)
    bounds: set[tuple[float, int]] = field(default_factory=set)

    async def request(self, request: HttpRequest, *, timeout_s: float, body_limit_bytes: int) -> HttpResponse:
        self.requests.append(request)
        self.asked_at_s.append(trio.current_time())
        self.bounds.add((timeout_s, body_limit_bytes))
        await trio.sleep(self.takes_s)
        current = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(current, CloudError):
            raise current
        return current


class OffsetClock:
    """trio's clock, and a boot time that has run on for `slept_s` more while the device slept."""

    def __init__(self, slept_s: float = 0.0) -> None:
        self.slept_s = slept_s

    def monotonic_s(self) -> float:
        return trio.current_time()

    def boottime_s(self) -> float:
        return trio.current_time() + self.slept_s

    def synchronised(self) -> bool:
        return True
