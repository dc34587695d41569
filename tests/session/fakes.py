"""The outside of a session, scripted: a token source, and a transport whose other end the test holds."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from gatewayd.session.tokens import Token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROUND_TRIP_S = 0.0625
NEVER_S = float("inf")


class LoopClock:
    """The event loop's virtual clock for both of a daemon's clocks."""

    def __init__(self) -> None:
        self.knows_the_time = True

    def monotonic_s(self) -> float:
        return trio.current_time()

    def boottime_s(self) -> float:
        return trio.current_time()

    def synchronised(self) -> bool:
        return self.knows_the_time


class ScriptedTokens:
    """Gives `token-1`, `token-2`, … at once, unless told otherwise; keeps the times of the requests."""

    def __init__(self) -> None:
        self.requested_at_s: list[float] = []
        self.failures: deque[CloudError] = deque()
        self.delay_s = 0.0

    async def fetch(self) -> Token:
        now_s = trio.current_time()
        self.requested_at_s.append(now_s)
        await trio.sleep(self.delay_s)
        if self.failures:
            raise self.failures.popleft()
        return Token(f"token-{len(self.requested_at_s)}", requested_at_s=now_s)


class ScriptedConnection:
    """One connection; the test is the server."""

    def __init__(self) -> None:
        self._to_client, self._received = trio.open_memory_channel[str | bytes | CloudError](1000)
        self.sent: list[str | bytes] = []
        self.closed_with: int | None = None
        self.released = trio.Event()
        self.reader_ended = False
        self.stalled = False
        self.send_takes_s = 0.0
        self.broken = False
        self.answers_pings = True
        self.answers_close = True
        self.pings_at_s: list[float] = []

    async def run_reader(self) -> None:
        """As real transports do, read in a task of the connection's own: cancelling it from outside cuts it off."""
        try:
            await trio.sleep_forever()
        finally:
            self.reader_ended = True

    def say(self, *messages: str | bytes) -> None:
        for message in messages:
            self._to_client.send_nowait(message)

    def end(self, cause: Cause = Cause.CONNECTION_LOST, close_code: int | None = None) -> None:
        self._to_client.send_nowait(CloudError(cause, f"ended: {cause.value}", close_code=close_code))

    async def send_text(self, text: str) -> None:
        await self._send(text)

    async def send_binary(self, data: bytes) -> None:
        await self._send(data)

    async def _send(self, message: str | bytes) -> None:
        self.broken = True  # until it is out: what is cut off in the middle breaks the stream
        await trio.sleep(NEVER_S if self.stalled else self.send_takes_s)
        self.broken = False
        self.sent.append(message)

    async def receive(self) -> str | bytes:
        message = await self._received.receive()
        if isinstance(message, CloudError):
            raise message
        return message

    async def ping(self) -> float:
        self.pings_at_s.append(trio.current_time())
        await trio.sleep(ROUND_TRIP_S if self.answers_pings else NEVER_S)
        return ROUND_TRIP_S

    async def close(self, code: int) -> None:
        assert not self.reader_ended, "a connection whose reader was cancelled can say nothing any more"
        if self.broken:
            return
        self.closed_with = code
        await trio.sleep(0 if self.answers_close else NEVER_S)


class ScriptedTransport:
    """Opens connections at once, unless told otherwise; `await next_connection()` is the server's accept."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.failures: deque[CloudError] = deque()
        self._accepted_in, self._accepted = trio.open_memory_channel[ScriptedConnection](100)

    async def next_connection(self) -> ScriptedConnection:
        return await self._accepted.receive()

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[ScriptedConnection]:
        self.urls.append(url)
        await trio.lowlevel.checkpoint()
        if self.failures:
            raise self.failures.popleft()
        connection = ScriptedConnection()
        self._accepted_in.send_nowait(connection)
        ended: CloudError | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run_reader)
                try:
                    yield connection
                except CloudError as error:
                    ended = error
                nursery.cancel_scope.cancel()
        finally:
            connection.released.set()
        if ended is not None:
            raise ended
