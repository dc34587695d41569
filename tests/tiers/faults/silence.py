"""The service goes quiet, or says so much that it might as well: found by the limits, which nothing may put off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from wsproto.events import TextMessage

from gatewayd.session.causes import Cause
from gatewayd.sim.script import Direction, Hush, Place, Quiet, SendRaw, Skip, Stall, script
from gatewayd.sim.wire import OP_BINARY, OP_PING, OP_TEXT, encode_frame
from tests.cloud.peers import WebSocketPeer
from tests.tiers.faults.fault import REAL_FRAME_PERIOD_S, Ending, Fault

if TYPE_CHECKING:
    from tests.tiers.faults.doors import Visit

CONNECTED_LIMIT_S = 10.0
AGENT_READY_LIMIT_S = 15.0
DEAD_LINK_S = 20.0
"""A ping every 10 s, with 10 s for its answer."""
STALL_LIMIT_S = 10.0
FOUND_STREAMING_S = 12.0
FOUND_IDLE_S = 22.0
"""The issue's bounds."""

_BURST_PERIOD_S = 0.1
_BURST = 40
"""Messages a burst: eight times what a conversation has."""


async def floods_with_audio(visit: Visit) -> None:
    await _flood(visit, encode_frame(OP_BINARY, bytes(640)) * _BURST)


async def _floods_with_text(visit: Visit) -> None:
    await _flood(visit, encode_frame(OP_TEXT, b'{"type":"agent_ready"}') * _BURST)


async def _flood(visit: Visit, burst: bytes) -> None:
    """Accept the WebSocket, and never say `connected` among all that."""
    stream = await visit.secure()
    await WebSocketPeer(stream).accept()
    while True:
        await stream.send_all(burst)
        await trio.sleep(_BURST_PERIOD_S)


async def never_reads_after_the_upgrade(visit: Visit) -> None:
    await WebSocketPeer(await visit.secure()).accept()
    await trio.sleep_forever()


async def pings_and_never_reads(visit: Visit) -> None:
    """Hold a conversation up to `agent_ready`, then want answers to pings without end, and take none."""
    peer = WebSocketPeer(await visit.secure())
    await peer.accept()
    await peer.send(*(TextMessage(data=f'{{"type":"{kind}"}}') for kind in ("connected", "agent_ready")))
    ping = encode_frame(OP_PING, bytes(125))
    while True:
        await peer.stream.send_all(ping * _BURST)


_STALLED = Ending(Cause.SEND_TIMED_OUT, or_else=Ending(Cause.CONNECTION_LOST, says="timed out"))
"""For one message and for the kernel (TCP_USER_TIMEOUT) the limit is the same."""

SILENCE = (
    Fault(
        "nothing after the open",
        (Ending(Cause.CONNECTED_TIMED_OUT),),
        (script(Place.OPEN, Hush(Quiet.ALL)),),
        limit_s=CONNECTED_LIMIT_S,
    ),
    Fault(
        "no connected after the token",
        (Ending(Cause.CONNECTED_TIMED_OUT),),
        (script(Place.AUTH, Skip()),),
        limit_s=CONNECTED_LIMIT_S,
    ),
    Fault(
        "never reads after the upgrade",
        (Ending(Cause.CONNECTED_TIMED_OUT),),
        voice=(never_reads_after_the_upgrade,),
        limit_s=CONNECTED_LIMIT_S,
    ),
    Fault(
        "a flood of audio instead of connected",
        (Ending(Cause.CONNECTED_TIMED_OUT),),
        voice=(floods_with_audio,),
        limit_s=CONNECTED_LIMIT_S,
    ),
    Fault(
        "a flood of text instead of connected",
        (Ending(Cause.CONNECTED_TIMED_OUT),),
        voice=(_floods_with_text,),
        limit_s=CONNECTED_LIMIT_S,
    ),
    Fault(
        "nothing after connected",
        (Ending(Cause.AGENT_READY_TIMED_OUT),),
        (script(Place.CONNECTED, Hush(Quiet.ALL)),),
        limit_s=AGENT_READY_LIMIT_S,
    ),
    Fault(
        "no agent_ready after connected",
        (Ending(Cause.AGENT_READY_TIMED_OUT),),
        (script(Place.CONNECTED, Skip()),),
        limit_s=AGENT_READY_LIMIT_S,
    ),
    Fault(
        "stops reading and answering while sound streams",
        (_STALLED,),
        (script(Place.FRAMES, Stall(), frames=10),),
        limit_s=STALL_LIMIT_S,
        found_within_s=FOUND_STREAMING_S,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
    ),
    Fault(
        "stops reading while sound streams, and talks on",
        (_STALLED,),
        (script(Place.FRAMES, Stall(Direction.READING), frames=10),),
        limit_s=STALL_LIMIT_S,
        found_within_s=FOUND_STREAMING_S,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
    ),
    Fault(
        "pings without end, and reads nothing, while sound streams",
        (_STALLED,),
        voice=(pings_and_never_reads,),
        limit_s=STALL_LIMIT_S,
        found_within_s=FOUND_STREAMING_S,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
    ),
    Fault(
        "pings without end, and reads nothing, while idle",
        (Ending(Cause.CONNECTION_LOST, says="timed out"),),
        voice=(pings_and_never_reads,),
        limit_s=STALL_LIMIT_S,
        found_within_s=FOUND_IDLE_S,
        small_buffer=True,
        frame_period_s=0.0,
    ),
    Fault(
        "stops reading and answering while idle",
        (Ending(Cause.PING_TIMED_OUT),),
        (script(Place.AGENT_READY, Stall(), after_s=0.5),),
        limit_s=DEAD_LINK_S,
        found_within_s=FOUND_IDLE_S,
        frame_period_s=0.0,
    ),
    Fault(
        "reads on and says nothing more",
        (Ending(Cause.PING_TIMED_OUT),),
        (script(Place.AGENT_READY, Hush(Quiet.ALL)),),
        limit_s=DEAD_LINK_S,
        found_within_s=FOUND_IDLE_S,
    ),
    Fault(
        "answers no ping, and talks on",
        (Ending(Cause.PING_TIMED_OUT),),
        (script(Place.AGENT_READY, Hush(Quiet.PONGS)),),
        limit_s=DEAD_LINK_S,
        found_within_s=FOUND_IDLE_S,
    ),
    Fault(
        "a frame that never ends",
        (Ending(Cause.PING_TIMED_OUT),),
        (script(Place.AGENT_READY, SendRaw(bytes([0x80 | OP_BINARY, 126, 0xFF, 0xFF])), Hush(Quiet.ALL)),),
        limit_s=DEAD_LINK_S,
        found_within_s=FOUND_IDLE_S,
    ),
)
