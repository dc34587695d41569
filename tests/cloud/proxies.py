"""Scripted HTTP proxies on real sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio
import trio.abc

from gatewayd.cloud.tunnel import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def read_nothing(_name: str) -> str:
    raise AssertionError("no credential is configured")


def proxy_on(
    port: int, *, credential: str = "", read_credential: Callable[[str], str] = read_nothing, host: str = "127.0.0.1"
) -> Proxy:
    return Proxy(f"http://{host}:{port}", credential, read_credential)


async def receive_head(stream: trio.abc.Stream) -> bytes:
    """A request up to its empty line; less when the other end hangs up."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = await stream.receive_some(1)
        if not data:
            break
        received += data
    return received


@dataclass
class TunnellingProxy:
    """Leads every tunnel to `to_port` of this machine, whatever host was asked for; its `serve` is a `Behaviour`."""

    to_port: int
    answer: bytes = ESTABLISHED
    heads: list[str] = field(default_factory=list)

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.heads.append((await receive_head(stream)).decode())
        async with await trio.open_tcp_stream("127.0.0.1", self.to_port) as target:
            await stream.send_all(self.answer)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pass_on, stream, target, nursery.cancel_scope)
                nursery.start_soon(_pass_on, target, stream, nursery.cancel_scope)


async def _pass_on(source: trio.abc.Stream, sink: trio.abc.Stream, both: trio.CancelScope) -> None:
    try:
        async for data in source:
            await sink.send_all(data)
    except trio.BrokenResourceError:
        pass
    both.cancel()
