"""The message connection to the voice service; `cloud.websocket` is the adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class Connection(Protocol):
    """An open connection that carries text and binary messages.

    One task sends, one task receives; they may be different tasks.
    """

    async def send_text(self, text: str) -> None:
        """Send one text message. Raises `CloudError`; cancelled while bytes are on their way, it is broken for good."""
        ...

    async def send_binary(self, data: bytes) -> None:
        """Send one binary message. Raises and is cancelled as `send_text`."""
        ...

    async def receive(self) -> str | bytes:
        """Wait for one message.

        Raises `CloudError` when the connection ended: with `close_code` when the peer said one. What was received
        before the end is returned first. Cancelling loses no message.
        """
        ...

    async def ping(self) -> float:
        """Measure one round trip, in seconds. Raises `CloudError`; the caller bounds the wait."""
        ...

    async def close(self, code: int) -> None:
        """Say goodbye with a close code and wait for the answer; the caller bounds the wait. Never raises for a peer
        that is already gone.
        """
        ...


class Transport(Protocol):
    """How to open a connection."""

    def connect(self, url: str) -> AbstractAsyncContextManager[Connection]:
        """Connect, secure and upgrade; leaving the block closes by force, at once.

        Raises `CloudError` on entering, its cause naming the step that failed. Within its own time limit.
        """
        ...
