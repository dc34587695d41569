"""A server of the control protocol that knows one station, and what a client says and hears there."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.control.protocol import Refusal, Request, RequestRefused
from gatewayd.control.server import Handler, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from gatewayd.control.bus import EventBus

STATUS = b'{"version":1,"command":"status"}\n'
PATIENCE_S = 60.0
"""Longer than any limit of the server but the one for a follower who does not read."""
EVENTS = b'{"command":"events"}\n'


class Daemon:
    """A handler that notes what it is asked, and knows one station."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def handle(self, request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        if request.station not in (None, "lobby"):
            raise RequestRefused(Refusal.UNKNOWN_STATION, f"no station '{request.station}'; there are: lobby")
        return {"stations": ["lobby"]}


@asynccontextmanager
async def serving(
    path: Path, handler: Handler, *, events: EventBus | None = None, group: str = ""
) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, path, handler, events=events, group=group))
        yield
        nursery.cancel_scope.cancel()


async def receive_line(stream: trio.abc.ReceiveStream) -> dict[str, object]:
    line = b""
    while not line.endswith(b"\n"):
        data = await stream.receive_some(65536)
        assert data, f"closed after {line!r}"
        line += data
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return answer


class Lines:
    """The lines that a client receives."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._rest = b""

    async def next(self) -> dict[str, object]:
        while b"\n" not in self._rest:
            data = await self._stream.receive_some(65536)
            assert data, "closed"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        value = json.loads(line)
        assert isinstance(value, dict)
        return value


def error_of(answer: Mapping[str, object]) -> object:
    assert answer["ok"] is False
    error = answer["error"]
    assert isinstance(error, dict)
    return error["code"]


def is_free(path: Path) -> bool:
    return not os.path.lexists(path)


async def is_closed(stream: trio.abc.ReceiveStream) -> bool:
    try:
        with trio.fail_after(PATIENCE_S):
            return await stream.receive_some() == b""
    except trio.BrokenResourceError:  # closed while the server had bytes of ours unread
        return True
