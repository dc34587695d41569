"""HTTP steps on a stream: one request is read, answered as scripted or as usual, and the stream ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.sim import script as scripted
from gatewayd.sim.hangup import hang_up
from gatewayd.sim.http import HttpConnection, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gatewayd.sim.script import Step

REQUEST_TIMEOUT_S = 10.0
"""For a whole request, from the first byte of the connection; a slower client is not waited for."""
READ_BYTES = 65_536
CHUNK_BYTES = 65_536


class Exchange:
    """One HTTP connection of a client."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.http = HttpConnection()
        self._ended = False

    async def read_request(self) -> Request | None:
        """The request; None for a client that left or was too slow.

        Raises `Refused`, and trio's stream errors when TCP fails.
        """
        with trio.move_on_after(REQUEST_TIMEOUT_S):
            while True:
                data = await self.stream.receive_some(READ_BYTES)
                request = self.http.receive(bytes(data))
                if request is not None or not data:
                    return request
                if self.http.wants_continue:
                    await self.stream.send_all(self.http.send_continue())
        return None

    async def answer(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON answer and end the connection."""
        data = body.encode()
        await self.stream.send_all(self.http.respond(status, headers or {}, len(data)) + data)
        await self.end(None)

    async def end(self, how: scripted.Hangup | None) -> None:
        """End the connection."""
        self._ended = True
        await hang_up(self.stream, how)

    async def play(
        self, steps: tuple[Step, ...], usual: Callable[[], Awaitable[None]], fill: Callable[[str], str]
    ) -> None:
        """Carry out HTTP steps in order, then `usual`, which ends the connection; unless a step did so before.

        `fill` puts the placeholders' values into a scripted body.
        """
        for step in steps:
            await trio.sleep(step.after_s)
            action = step.action
            if isinstance(action, scripted.Proceed):
                break
            if isinstance(action, scripted.Respond):
                await self._respond(action, fill)
            elif isinstance(action, scripted.SendRaw):
                await self.stream.send_all(action.data)
            elif isinstance(action, scripted.Cut):
                await self.end(action.how)
            elif isinstance(action, scripted.Stall):
                await self._stall(action.for_s)
            if self._ended:
                return
        await usual()

    async def _respond(self, respond: scripted.Respond, fill: Callable[[str], str]) -> None:
        body = fill(respond.body).encode()
        size = respond.body_bytes or len(body)
        await self.stream.send_all(self.http.respond(respond.status, respond.headers, size))
        at_once = CHUNK_BYTES if not respond.bytes_per_s else max(1, round(respond.bytes_per_s / 10))
        for at in range(0, size, at_once):
            portion = min(at_once, size - at)
            await self.stream.send_all(b" " * portion if respond.body_bytes else body[at : at + portion])
            if respond.bytes_per_s:
                await trio.sleep(portion / respond.bytes_per_s)
        await self.end(None)

    async def _stall(self, for_s: float | None) -> None:
        """Say nothing for a while, or until the client has had enough; what it sends is read and thrown away."""
        with trio.CancelScope() as scope:
            if for_s is not None:
                scope.deadline = trio.current_time() + for_s
            while await self.stream.receive_some(READ_BYTES):
                pass
            await self.end(None)
