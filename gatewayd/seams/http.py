"""One HTTP request and its whole answer; `cloud.http` is the adapter."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class HttpRequest:
    """A request; address, headers and body may carry secrets and so stay out of its repr."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class HttpResponse:
    """An answer, whatever its status; redirects are not followed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; of a repeated header the last."""
    body: bytes = field(repr=False)
    """Whole; left out, and so empty, where the status is not 200 to 299."""


class HttpClient(Protocol):
    """Makes requests, one connection each."""

    async def request(self, request: HttpRequest, *, timeout_s: float, body_limit_bytes: int) -> HttpResponse:
        """Send and wait for the answer, `timeout_s` seconds in all.

        Raises `CloudError`: the connecting causes, `CONNECT_TIMED_OUT` naming the step at which time ran out,
        `CONNECTION_LOST` where the answer broke off, and `PROTOCOL_VIOLATED` for one that is not HTTP or whose body is
        over the limit.
        """
        ...
