"""Byte streams to a host, secured or not; `cloud.dial` is the adapter that HTTP and WebSocket share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    import trio.abc


class Dialing(Protocol):
    """One attempt to open a stream, as an async context manager; good for one use."""

    @property
    def step(self) -> str:
        """What it is at, such as `resolving api.example.com`: for whoever bounds the wait, and has to say where time
        ran out.
        """
        ...

    async def __aenter__(self) -> trio.abc.Stream:
        """Resolve, connect and, if asked to, shake hands and verify. On cancellation nothing stays open."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close by force, at once."""
        ...


class Dialer(Protocol):
    """Opens byte streams."""

    def dial(self, *, host: str, port: int, tls: bool) -> Dialing:
        """Resolve, connect and, with `tls`, shake hands and verify; leaving the block closes by force, at once.

        Raises `CloudError` on entering: `DNS_FAILED`, `CONNECT_REFUSED`, `CONNECT_FAILED`, `CONNECT_TIMED_OUT` (the
        system gave up), `TLS_FAILED`, `CERTIFICATE_INVALID` or `CERTIFICATE_NOT_YET_VALID`. The caller bounds the wait;
        on cancellation nothing stays open.
        """
        ...
