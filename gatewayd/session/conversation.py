"""One open connection: what is heard and said over it, until it ends or is released.

Three tasks: a reader, the only writer, and a keepalive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.errors import CloudError
from gatewayd.lean import dataclass
from gatewayd.progress import LATENESS_S
from gatewayd.session import messages
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatewayd.metrics.measurements import Histogram
    from gatewayd.progress import Progress
    from gatewayd.seams.outbox import Outbox
    from gatewayd.seams.transport import Connection
    from gatewayd.session.events import Event

SEND_LIMIT_S = 10.0
"""For one message to be taken by the transport; the link is dead long before. A send that overruns ends the session."""
PING_INTERVAL_S = 10.0
PING_LIMIT_S = 10.0
"""Together they find a dead idle link within 20 s."""
HUSH_LIMIT_S = 0.25
"""For the frame that is being sent, once nothing more is to be heard; on a link that stalls it stays where it is."""
GOODBYE_LIMIT_S = 1.5
"""For finishing the message that is being sent and for the close handshake, so that a stop is over within 2 s."""


@dataclass
class Traffic:
    """What went over all of a station's connections so far."""

    pings_s: Histogram
    """Round trips of all pings."""
    frames_sent: int = 0
    frames_received: int = 0
    frames_cut_off: int = 0
    """Frames whose sending did not end."""
    rtt_s: float | None = None
    """The last ping's round trip, on the connection there is."""

    def note_ping(self, rtt_s: float) -> None:
        """A ping was answered."""
        self.rtt_s = rtt_s
        self.pings_s.observe(rtt_s)


class Conversation:
    """Takes what is to be said from `outbox`; tells events with `tell`, and hands sound to `play`.

    Its pings are its signs of life.
    """

    def __init__(
        self,
        connection: Connection,
        outbox: Outbox,
        traffic: Traffic,
        *,
        progress: Progress,
        tell: Callable[[Event], Awaitable[None]],
        play: Callable[[bytes], None],
    ) -> None:
        self._connection = connection
        self._outbox = outbox
        self._traffic = traffic
        self._progress = progress
        self._tell = tell
        self._play = play
        self._talking = trio.CancelScope()
        self._sending = trio.Lock()
        self._ends: list[CloudError] = []
        self._close_code: int | None = None

    def release(self, close_code: int | None) -> None:
        """Let `run` end, with a goodbye if a close code is given."""
        self._close_code = close_code
        self._progress.note(trio.current_time(), GOODBYE_LIMIT_S + LATENESS_S)
        self._talking.cancel()

    async def frame_sent(self) -> None:
        """Wait until what is being sent now has been handed over, for `HUSH_LIMIT_S`."""
        with trio.move_on_after(HUSH_LIMIT_S):
            async with self._sending:
                pass

    async def run(self) -> None:
        """Carry messages both ways until `release`, within `GOODBYE_LIMIT_S` of it.

        Raises `CloudError` when the connection ends by itself. Cancelling ends it at once, without a goodbye.
        """
        try:
            async with trio.open_nursery() as nursery:
                for task in (self._read, self._write, self._keep_alive):
                    nursery.start_soon(self._until_the_end, task)
                with self._talking:
                    await trio.sleep_forever()
                goodbye_by_s = trio.current_time() + GOODBYE_LIMIT_S
                if self._says_goodbye:
                    # a message that is cut off would be the last thing that the other side could read
                    with trio.move_on_at(goodbye_by_s):
                        async with self._sending:
                            nursery.cancel_scope.cancel()
                nursery.cancel_scope.cancel()
        finally:
            self._traffic.rtt_s = None
        if self._ends:
            # a send that is given up breaks the connection, which another task may notice first
            raise min(self._ends, key=lambda end: end.cause is not Cause.SEND_TIMED_OUT)
        if self._close_code is not None:
            with trio.move_on_at(goodbye_by_s):
                await self._connection.close(self._close_code)

    @property
    def _says_goodbye(self) -> bool:
        return self._close_code is not None and not self._ends

    async def _until_the_end(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except CloudError as error:
            self._ends.append(error)
            self._talking.cancel()

    async def _read(self) -> None:
        while True:
            message = await self._connection.receive()
            if isinstance(message, str):
                await self._tell(messages.parse(message))
            else:
                self._play(message)

    async def _write(self) -> None:
        while True:
            message = await self._outbox.take()
            with trio.move_on_after(SEND_LIMIT_S) as limit:
                if isinstance(message, str):
                    await self._send_text(message)
                else:
                    await self._send_frame(message)
            if limit.cancelled_caught:
                raise CloudError(Cause.SEND_TIMED_OUT, f"the link took nothing for {SEND_LIMIT_S:.0f} s")

    async def _send_text(self, text: str) -> None:
        async with self._sending:
            await self._connection.send_text(text)

    async def _send_frame(self, frame: bytes) -> None:
        try:
            async with self._sending:
                await self._connection.send_binary(frame)
        except BaseException:
            self._traffic.frames_cut_off += 1
            raise
        self._traffic.frames_sent += 1

    async def _keep_alive(self) -> None:
        while True:
            self._progress.note(trio.current_time(), PING_INTERVAL_S + PING_LIMIT_S + LATENESS_S)
            await trio.sleep(PING_INTERVAL_S)
            with trio.move_on_after(PING_LIMIT_S) as limit:
                self._traffic.note_ping(await self._connection.ping())
            if limit.cancelled_caught:
                raise CloudError(Cause.PING_TIMED_OUT, f"no answer to a ping within {PING_LIMIT_S:.0f} s")
