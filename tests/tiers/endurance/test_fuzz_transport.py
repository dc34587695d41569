"""Broken bytes to the WebSocket transport: it gives messages or says in one line what went wrong, and never waits.

FUZZ_STREAMS says how many connections (10 000, unless set), FUZZ_SEED which; a failure names both.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import re
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.cloud.websocket import MESSAGE_LIMIT_BYTES, WebSocketTransport
from gatewayd.errors import CloudError
from tests.cloud.peers import BINARY, CLOSE, CONTINUATION, PING, TEXT, MemoryDialer, frame
from tests.tiers.endurance.show import show
from tests.tiers.endurance.usage import usage

if TYPE_CHECKING:
    import pytest
    from trio.testing import MockClock

STREAMS = int(os.environ.get("FUZZ_STREAMS", "10000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
DETAIL_CHARACTERS = 400
QUIET_S = 5.0
"""A service that says nothing more for so long is left; virtual time."""
ENDED_WITHIN_S = 60.0
"""For a whole connection, by its own limits; virtual time."""
GROWTH_BYTES = 3 << 20
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
_KEY = re.compile(rb"Sec-WebSocket-Key: *(\S+)", re.IGNORECASE)
SERVICE = (
    frame(TEXT, b'{"type":"connected"}'),
    frame(TEXT, b'{"type":"agent_ready"}'),
    frame(BINARY, bytes(640)),
    frame(BINARY, bytes(range(256)) * 2 + bytes(128)),
    frame(PING, b"are you there"),
    frame(10, b""),
    frame(TEXT, '{"type":"nöws'.encode()[:12], final=False) + frame(PING) + frame(CONTINUATION, b'ws"}'),
    frame(BINARY, bytes(320), final=False) + frame(CONTINUATION, bytes(320)),
    frame(TEXT, b"x" * 300),
    frame(BINARY, bytes(MESSAGE_LIMIT_BYTES)),
    frame(BINARY, bytes(MESSAGE_LIMIT_BYTES + 1)),
    frame(CLOSE, b"\x03\xe8bye"),
    frame(CLOSE, b"\x11\x94"),
    frame(CLOSE),
)
"""What a service may say; the last ones end the connection."""


class Breaker:
    """Makes a service's answer and its frames, and breaks them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def answer(self, request: bytes) -> bytes:
        key = _KEY.search(request)
        assert key is not None
        accept = base64.b64encode(hashlib.sha1(key[1] + _ACCEPT_GUID).digest()).decode()
        head = SWITCHING + accept.encode() + b"\r\n\r\n"
        return self._broken(head) if self._chance.random() < 0.15 else head

    def frames(self) -> bytes:
        chosen = self._chance.choices(SERVICE, k=self._chance.randrange(1, 6))
        return b"".join(self._broken(part) if self._chance.random() < 0.25 else part for part in chosen)

    def segments(self, data: bytes) -> list[bytes]:
        """The same bytes as TCP may cut them."""
        cuts = sorted(self._chance.randrange(len(data) + 1) for _ in range(self._chance.randrange(3)))
        return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    def _broken(self, data: bytes) -> bytes:
        chance = self._chance
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            # most of the harm is done where a frame or a header line begins
            at = chance.randrange(min(len(broken), 12) if chance.random() < 0.7 else len(broken)) if broken else 0
            how = chance.random()
            if how < 0.5 and broken:
                broken[at] ^= 1 << chance.randrange(8)
            elif how < 0.7:
                broken[at:at] = chance.randbytes(chance.randrange(1, 9))
            elif how < 0.9:
                del broken[at : at + chance.randrange(1, 9)]
            else:
                del broken[at:]
        return bytes(broken)


async def serve(dialer: MemoryDialer, breaker: Breaker, *, hang_up: bool) -> None:
    """Answer one upgrade, say something broken, and hang up or stay."""
    await dialer.opened.wait()
    request = b""
    while b"\r\n\r\n" not in request:
        request += bytes(await dialer.peer.receive_some(65536))
    with suppress(trio.BrokenResourceError):
        for segment in breaker.segments(breaker.answer(request) + breaker.frames()):
            await dialer.peer.send_all(segment)
        if hang_up:
            await dialer.peer.send_eof()


async def converse(dialer: MemoryDialer) -> int:
    """Take what comes until there is an end or silence, as the session does; the number of messages."""
    messages = 0
    ending = ""
    try:
        async with WebSocketTransport(dialer, connect_timeout_s=10).connect("wss://voice.example/ws") as connection:
            await connection.send_text('{"token": "t"}')
            with trio.move_on_after(QUIET_S) as silence:
                while True:
                    message = await connection.receive()
                    assert len(message) <= MESSAGE_LIMIT_BYTES
                    messages += 1
            if silence.cancelled_caught:
                with trio.move_on_after(QUIET_S):
                    await connection.close(1000)
    except CloudError as error:
        ending = error.detail
    assert ending.isprintable(), "more than one line, or something that steers a terminal"
    assert len(ending) <= DETAIL_CHARACTERS, f"{len(ending)} characters"
    return messages


async def test_no_bytes_do_any_harm(autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    breaker = Breaker(chance)
    messages = 0
    settled = usage()
    began_s = time.process_time()
    for number in range(STREAMS):
        dialer = MemoryDialer()
        try:
            with trio.fail_after(ENDED_WITHIN_S):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(partial(serve, dialer, breaker, hang_up=chance.random() < 0.5))
                    messages += await converse(dialer)
                    nursery.cancel_scope.cancel()
        except Exception as error:
            raise AssertionError(f"connection {number} with FUZZ_SEED={SEED}: {error!r}") from error
        assert dialer.closed
        if number == STREAMS // 5:
            settled = usage()
    took_s = time.process_time() - began_s
    grown = usage().resident_bytes - settled.resident_bytes
    rate = STREAMS / took_s
    show(
        capsys,
        f"{STREAMS} broken connections, {rate:.0f} a second of CPU; {messages} messages; {grown / 1024:+.0f} KiB",
    )
    assert messages > STREAMS / 2, "hardly anything was understood, so hardly anything was tested"
    assert grown < GROWTH_BYTES
