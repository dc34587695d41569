"""Ways a TCP connection ends, also under TLS."""

from __future__ import annotations

import contextlib
import socket
import struct

import trio

from gatewayd.sim.script import Hangup

LINGER_S = 1.0
"""How long a client may go on sending before TCP is closed over it; without this the kernel would answer unread data
with a reset, and a client would lose the last messages it was sent."""
FAREWELL_S = 0.2


def tcp_stream(stream: trio.abc.Stream) -> trio.SocketStream | None:
    """The TCP stream below, or None for a stream in memory."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream if isinstance(stream, trio.SocketStream) else None


async def hang_up(stream: trio.abc.Stream, how: Hangup | None) -> None:
    """End the connection: reset it, finish it without TLS's farewell, or (None) politely.

    Takes at most `LINGER_S` seconds; when cancelled the stream is closed at once. Never raises for a peer that is gone.
    """
    tcp = tcp_stream(stream)
    try:
        if how is Hangup.RST and tcp is not None:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how is not Hangup.RST:
            with trio.move_on_after(LINGER_S):
                if how is None and isinstance(stream, trio.SSLStream):
                    await _farewell(stream)
                if tcp is not None:
                    await tcp.send_eof()
                    while await tcp.receive_some():
                        pass
    except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
        pass
    finally:
        await trio.aclose_forcefully(tcp or stream)


async def _farewell(stream: trio.SSLStream[trio.abc.Stream]) -> None:
    """Send TLS's close_notify; the wait for the client's is short, because many clients never send one."""
    with trio.move_on_after(FAREWELL_S):
        # It breaks when data was still on its way to us; the close_notify is out all the same.
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.unwrap()
