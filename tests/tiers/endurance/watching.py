"""A transport that notes when each frame was handed to it, and can be told to do something once it is connected."""

from __future__ import annotations

import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gatewayd.seams.transport import Connection, Transport

FRAME_BYTES = 640
FRAME_PERIOD_S = 0.02
_STAMP = struct.Struct("<Id")


def stamped_frame(number: int) -> bytes:
    """A frame that tells its number and when it was captured, on trio's clock."""
    return _STAMP.pack(number, trio.current_time()).ljust(FRAME_BYTES, b"\0")


def read_stamp(frame: bytes) -> tuple[int, float]:
    """Number and time of capture of a stamped frame."""
    number, captured_s = _STAMP.unpack_from(frame)
    return int(number), float(captured_s)


@dataclass
class WatchedTransport:
    """Passes everything on. `on_connected` is called when a connection stands, before anything is said over it."""

    transport: Transport
    on_connected: Callable[[], None] = lambda: None
    ages_s: list[float] = field(default_factory=list)
    """Of each frame, when its sending began."""

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[WatchedConnection]:
        async with self.transport.connect(url) as connection:
            self.on_connected()
            yield WatchedConnection(connection, self.ages_s)


@dataclass(frozen=True)
class WatchedConnection:
    connection: Connection
    ages_s: list[float]

    async def send_text(self, text: str) -> None:
        await self.connection.send_text(text)

    async def send_binary(self, data: bytes) -> None:
        self.ages_s.append(trio.current_time() - read_stamp(data)[1])
        await self.connection.send_binary(data)

    async def receive(self) -> str | bytes:
        return await self.connection.receive()

    async def ping(self) -> float:
        return await self.connection.ping()

    async def close(self, code: int) -> None:
        await self.connection.close(code)
