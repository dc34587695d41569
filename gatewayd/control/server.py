"""The answering side of the control socket; it knows the protocol and nothing about stations."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from gatewayd.control.bus import EventBus
from gatewayd.control.pace import Pace
from gatewayd.control.peers import Admission, Peer, peer_of
from gatewayd.control.place import listening_at
from gatewayd.control.protocol import (
    REQUEST_LIMIT_BYTES,
    Command,
    LineSplitter,
    LineTooLong,
    Refusal,
    Request,
    RequestRefused,
    decode_request,
    encode_event,
    encode_refusal,
    encode_result,
)
from gatewayd.errors import GatewayError
from gatewayd.message_ids import MessageId

if TYPE_CHECKING:
    from pathlib import Path

Handler = Callable[[Request], Awaitable[Mapping[str, object]]]
"""Carries a request out and returns the result. A `RequestRefused` is told to the client as it is, any other
`GatewayError` as `failed`; what else it raises is a bug and ends the server. It is cancelled after `REQUEST_LIMIT_S`.
"""

CLIENTS_LIMIT = 16
"""Clients at a time; a further one is told `busy`. People and a monitoring agent need two or three."""
FOLLOWERS_LIMIT = 8
"""Of these, how many may follow events; the other places stay for those who ask and leave."""
REQUEST_LIMIT_S = 5.0
"""Longest a handler may take."""
IDLE_LIMIT_S = 10.0
"""Longest a client may take for one whole request line, so that silent ones give their place back."""
SEND_LIMIT_S = 2.0
"""Longest a client may take to accept an answer."""
FOLLOWER_SEND_LIMIT_S = 60.0
"""Longest a follower may take to accept an event; a terminal that somebody paused is one. What happens meanwhile waits
in its queue, which is bounded."""
HANGUP_LOOK_S = 5.0
"""Between two looks whether a follower that closed its sending half is still there: the kernel does not wake us."""
CONNECTS_PER_S, CONNECTS_AT_ONCE = 100, 50
"""Connections accepted; each costs about a quarter of a millisecond, and more of them wait in the kernel's queue."""
REQUESTS_PER_S, REQUESTS_AT_ONCE = 10, 10
"""Requests of one connection that are carried out; further ones wait. A status costs about half a millisecond."""
ALL_REQUESTS_PER_S, ALL_REQUESTS_AT_ONCE = 50, 25
"""The same for all connections together: a client that connects anew for each request is one too."""
LINES_PER_S, LINES_AT_ONCE = 0.1, 5
"""Lines in the log about who was refused, and about who asked for what: nobody can fill it."""

_CHUNK_BYTES = 4096
_READING = frozenset({Command.STATUS, Command.EVENTS, Command.METRICS})
_log = logging.getLogger("gatewayd.control")


async def serve(
    socket_path: Path,
    handler: Handler,
    *,
    events: EventBus | None = None,
    group: str = "",
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests on `socket_path` until cancelled; `task_status` starts once clients can connect.

    The socket is for `group`, as `place.listening_at` has it. Who follows gets what is published on `events`. Raises
    `Unavailable` when the place is taken by a living daemon or cannot be used, and whatever bug a handler raises. No
    client can do more than be refused.
    """
    async with listening_at(socket_path, group) as (listener, gid):
        reception = _Reception(handler, events or EventBus(), Admission(os.geteuid(), gid))
        task_status.started()
        await trio.serve_listeners(reception.receive, [_PacedListener(listener)])


class _PacedListener(trio.abc.Listener[trio.SocketStream]):
    """Accepts no faster than clients may come."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self._pace = Pace(CONNECTS_PER_S, CONNECTS_AT_ONCE)

    async def accept(self) -> trio.SocketStream:
        stream = await self._listener.accept()
        try:
            await trio.sleep(self._pace.delay_s(trio.current_time()))
        except BaseException:
            stream.socket.close()
            raise
        return stream

    async def aclose(self) -> None:
        await self._listener.aclose()


class _Reception:
    """Admits clients, and gives each a conversation."""

    def __init__(self, handler: Handler, events: EventBus, admission: Admission) -> None:
        self._handler = handler
        self._events = events
        self._admission = admission
        self._places = trio.Semaphore(CLIENTS_LIMIT)
        self._follower_places = trio.Semaphore(FOLLOWERS_LIMIT)
        self._requests = Pace(ALL_REQUESTS_PER_S, ALL_REQUESTS_AT_ONCE)
        self._refusals = Pace(LINES_PER_S, LINES_AT_ONCE)
        self._orders = Pace(LINES_PER_S, LINES_AT_ONCE)

    async def receive(self, stream: trio.SocketStream) -> None:
        """Serve a client or turn it away."""
        with suppress(trio.BrokenResourceError):  # the client hung up: its business, not ours
            async with stream:
                peer = peer_of(stream.socket)
                if not self._admission.admits(peer):
                    await self._turn_away(stream, peer)
                    return
                try:
                    self._places.acquire_nowait()
                except trio.WouldBlock:
                    await _send(stream, _refusal(Refusal.BUSY, f"gatewayd serves {CLIENTS_LIMIT} clients; try again"))
                    return
                try:
                    await self._converse(stream, peer)
                finally:
                    self._places.release()

    async def _turn_away(self, stream: trio.SocketStream, peer: Peer) -> None:
        if self._refusals.allows(trio.current_time()):
            _log.warning("%s was refused on the control socket: it is not in group %s", peer, self._admission.group)
        told = f"ask as root or as a member of group {self._admission.group}"
        await _send(stream, _refusal(Refusal.DENIED, told))

    async def _converse(self, stream: trio.SocketStream, peer: Peer) -> None:
        """Answer one client's requests in order until it leaves, stays silent, or says what is no request."""
        lines = LineSplitter(REQUEST_LIMIT_BYTES)
        pace = Pace(REQUESTS_PER_S, REQUESTS_AT_ONCE)
        while (line := await _awaited_line(stream, lines)) is not None:
            await trio.sleep(pace.delay_s(trio.current_time()))
            await trio.sleep(self._requests.delay_s(trio.current_time()))
            try:
                request = decode_request(line)
            except RequestRefused as refused:
                _log.debug("control request refused: %s", refused)
                await _send(stream, encode_refusal(refused))
                return
            if request.command is Command.EVENTS:
                await self._let_follow(stream, request)
                return
            carried_out, answer = await self._carry_out(request)
            if carried_out:
                self._note_order(request, peer)
            if not await _send(stream, answer):
                return

    def _note_order(self, request: Request, peer: Peer) -> None:
        if request.command not in _READING and self._orders.allows(trio.current_time()):
            extra = {
                "message_id": MessageId.COMMAND_TAKEN,
                "action": request.command.value,
                "user_id": peer.uid,
                "process_id": peer.pid,
                "station": request.station,
            }
            _log.info("%s asked: %s %s", peer, request.command.value, request.station or "all stations", extra=extra)

    async def _carry_out(self, request: Request) -> tuple[bool, bytes]:
        """Whether it was carried out, and the answer."""
        with trio.move_on_after(REQUEST_LIMIT_S):
            try:
                return True, encode_result(await self._handler(request))
            except RequestRefused as refused:
                return False, encode_refusal(refused)
            except GatewayError as error:
                return False, _refusal(Refusal.FAILED, str(error))
        _log.warning("control request %s was not carried out within %g s", request.command.value, REQUEST_LIMIT_S)
        text = f"gatewayd could not carry that out within {REQUEST_LIMIT_S:g} s; try again"
        return False, _refusal(Refusal.TIMED_OUT, text)

    async def _let_follow(self, stream: trio.SocketStream, request: Request) -> None:
        try:
            self._follower_places.acquire_nowait()
        except trio.WouldBlock:
            text = f"gatewayd lets {FOLLOWERS_LIMIT} clients follow its events; try again"
            await _send(stream, _refusal(Refusal.BUSY, text))
            return
        try:
            await self._follow(stream, request)
        finally:
            self._follower_places.release()

    async def _follow(self, stream: trio.SocketStream, request: Request) -> None:
        """Answer with the status, and go on with what happens after it until the client leaves."""
        with self._events.subscribe(request.station) as subscription:
            carried_out, answer = await self._carry_out(request)
            if not await _send(stream, answer) or not carried_out:
                return
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_it_leaves, stream, nursery.cancel_scope)
                with suppress(trio.BrokenResourceError):
                    while await _send(
                        stream, encode_event((await subscription.next()).as_json()), FOLLOWER_SEND_LIMIT_S
                    ):
                        pass
                nursery.cancel_scope.cancel()


async def _until_it_leaves(stream: trio.SocketStream, following: trio.CancelScope) -> None:
    """Cancel once a follower hangs up, or says something more, which it has no business to.

    One that only closed its sending half, as `nc -N` does after its input, goes on listening.
    """
    with suppress(trio.BrokenResourceError):
        if not await stream.receive_some(_CHUNK_BYTES):
            while not _hung_up(stream.socket.fileno()):  # noqa: ASYNC110 - nothing sets an event for this
                await trio.sleep(HANGUP_LOOK_S)
    following.cancel()


def _hung_up(descriptor: int) -> bool:
    """Whether the other side is gone altogether (POLLHUP), not only its sending half."""
    look = select.poll()
    look.register(descriptor, 0)
    return bool(look.poll(0))


async def _awaited_line(stream: trio.SocketStream, lines: LineSplitter) -> bytes | None:
    """The client's next line; None once it has no more to say, or does not say it."""
    with trio.move_on_after(IDLE_LIMIT_S):
        try:
            return await _next_line(stream, lines)
        except LineTooLong:
            await _send(stream, _refusal(Refusal.MALFORMED, f"a request has at most {REQUEST_LIMIT_BYTES} bytes"))
    return None


async def _next_line(stream: trio.SocketStream, lines: LineSplitter) -> bytes | None:
    """The client's next line, or None once it has no more to say."""
    while (line := lines.next_line()) is None:
        data = await stream.receive_some(_CHUNK_BYTES)
        if not data:
            return lines.rest() or None
        lines.feed(data)
    return line


async def _send(stream: trio.SocketStream, line: bytes, limit_s: float = SEND_LIMIT_S) -> bool:
    """Send a whole line; False when the client does not take it in time, after which the stream is of no more use."""
    with trio.move_on_after(limit_s) as sending:
        await stream.send_all(line)
    return not sending.cancelled_caught


def _refusal(refusal: Refusal, message: str) -> bytes:
    return encode_refusal(RequestRefused(refusal, message))
