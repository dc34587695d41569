"""Byte streams to a host, secured or not; `cloud.dial` is the adapter that HTTP and WebSocket share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import trio.abc


class Dialer(Protocol):
    """Opens byte streams."""

    def dial(self, *, host: str, port: int, tls: bool) -> AbstractAsyncContextManager[trio.abc.Stream]:
        """Resolve, connect and, with `tls`, shake hands and verify; leaving the block closes by force, at once.

        Raises `CloudError` on entering: `DNS_FAILED`, `CONNECT_REFUSED`, `CONNECT_FAILED`, `TLS_FAILED`,
        `CERTIFICATE_INVALID` or `CERTIFICATE_NOT_YET_VALID`. The caller bounds the wait; on cancellation nothing stays
        open.
        """
        ...
