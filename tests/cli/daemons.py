"""A control server in a thread, for commands that run in this one."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.control.bus import EventBus
from gatewayd.control.protocol import Command, Refusal, Request, RequestRefused
from gatewayd.control.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatewayd.control.events import Event


class TellingDaemon:
    """Has the stations lobby and desk, notes what it is asked, and tells these events to whoever begins to follow."""

    def __init__(self, *told: tuple[Event, str | None]) -> None:
        self.asked: list[Request] = []
        self.events = EventBus(wall_s=lambda: 1_795_358_465.0, boottime_s=lambda: 81.0)
        self._told = told

    async def handle(self, request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        if request.station not in (None, "lobby", "desk"):
            raise RequestRefused(Refusal.UNKNOWN_STATION, f"there is no station '{request.station}'")
        if request.command is Command.EVENTS:
            for event, station in self._told:
                self.events.publish(event, station)
        return {"stations": {"lobby": {}, "desk": {}}}


@contextmanager
def running(daemon: TellingDaemon, socket_path: Path) -> Iterator[None]:
    """The daemon answers inside."""
    listening = threading.Event()
    stop = trio.Event()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def serve_until_stopped() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, socket_path, daemon.handle, events=daemon.events))
            listening.set()
            await stop.wait()
            nursery.cancel_scope.cancel()

    thread = threading.Thread(target=trio.run, args=(serve_until_stopped,))
    thread.start()
    listening.wait()
    try:
        yield
    finally:
        tokens[0].run_sync_soon(stop.set)
        thread.join()
