"""What the service says is wrong: broken frames end the session at once, strange but lawful messages change nothing."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from gatewayd.session.causes import Cause
from gatewayd.sim.script import Place, Point, Script, SendBinary, SendPing, SendRaw, SendText, Stall, Step, script
from gatewayd.sim.wire import OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_TEXT, encode_frame
from tests.tiers.faults.fault import REAL_FRAME_PERIOD_S, Ending, Fault
from tests.tiers.faults.gateway import spoken_at_ns

if TYPE_CHECKING:
    from gatewayd.sim.script import Action
    from gatewayd.sim.session import Session

_LIMIT_BYTES = 65_536
_VIOLATED = (Ending(Cause.PROTOCOL_VIOLATED),)
_PINGS = 2_000
_FLOOD = 3_000
_SETUP_FAILED = json.dumps({"type": "error", "code": "SESSION_SETUP_FAILED", "message": "cut in pieces"})


def _breaks(name: str, *actions: Action, place: Place = Place.AGENT_READY) -> Fault:
    return Fault(name, _VIOLATED, (script(place, *actions),))


def _harmless(name: str, *actions: Action, place: Place = Place.AGENT_READY) -> Fault:
    return Fault(name, (), (script(place, *actions),))


_endless = encode_frame(OP_BINARY, bytes(1000), fin=False) + encode_frame(OP_CONTINUATION, bytes(1000), fin=False) * 100

BROKEN = (
    _breaks("audio of over 64 KiB", SendBinary(bytes(_LIMIT_BYTES + 1))),
    _breaks("text of over 64 KiB", SendText("x" * (_LIMIT_BYTES + 1))),
    _breaks("audio of 10 MB", SendBinary(bytes(10_000_000))),
    _breaks("a message in fragments without end", SendRaw(_endless)),
    _breaks("text that is not UTF-8", SendRaw(encode_frame(OP_TEXT, b"caf\xe9 \xff"))),
    _breaks("text that is not UTF-8 instead of connected", SendRaw(encode_frame(OP_TEXT, b"\xff")), place=Place.AUTH),
    _breaks("a frame with a reserved opcode", SendRaw(encode_frame(0x3, b"?"))),
    _breaks("a frame with a reserved bit", SendRaw(bytes([0x80 | 0x40 | OP_TEXT, 1]) + b"x")),
    _breaks("a masked frame", SendRaw(bytes([0x80 | OP_TEXT, 0x81, 1, 2, 3, 4]) + b"x")),
    _breaks("a fragment of nothing", SendRaw(encode_frame(OP_CONTINUATION, b"x"))),
    _breaks("a fragmented ping", SendRaw(encode_frame(OP_PING, b"x", fin=False))),
    _breaks("a ping of 126 bytes", SendRaw(encode_frame(OP_PING, bytes(126)))),
    _breaks("a close frame of one byte", SendRaw(encode_frame(OP_CLOSE, b"\x03"))),
    _breaks("a close code that must not be sent", SendRaw(encode_frame(OP_CLOSE, (1005).to_bytes(2, "big")))),
    _breaks("HTTP in the middle of the conversation", SendRaw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")),
    Fault(
        "an error in nine fragments",
        (Ending(Cause.SESSION_SETUP_FAILED, None, "SESSION_SETUP_FAILED"),),
        (script(Place.AGENT_READY, SendText(_SETUP_FAILED, fragments=9)),),
    ),
)

STALL_S = 5.0
"""Under the limit of 10 s for one message."""
FRESH_S = 1.0
"""How old a frame may be when it is sent."""
TRANSIT_S = 1.5
"""From there to where it is heard, on a busy machine."""


def _goes_on_fresh(session: Session) -> bool:
    """What was sent before the stall comes late; then what was spoken during it is missing, but for the last second."""
    spoken = [(frame.monotonic_ns / 1e9, spoken_at_ns(frame.data) / 1e9) for frame in session.heard]
    gaps_s = [later - earlier for (_, earlier), (_, later) in pairwise(spoken)]
    gap_s = max(gaps_s)
    heard_s, spoken_s = spoken[gaps_s.index(gap_s) + 1]
    return gap_s > STALL_S / 2 and heard_s - spoken_s < FRESH_S + TRANSIT_S


STRANGE = (
    Fault(
        f"stops reading for {STALL_S:.0f} s while sound streams, then goes on",
        scripts=(script(Place.FRAMES, Stall(for_s=STALL_S), frames=10),),
        limit_s=STALL_S,
        watched_s=STALL_S + 1.0,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
        holds=_goes_on_fresh,
    ),
    Fault(
        "a flood of audio that goes on",
        scripts=(
            Script(tuple(Step(Point(Place.AGENT_READY), SendBinary(bytes(640), count=40), 0.1) for _ in range(100))),
        ),
    ),
    _harmless("connected before the token", SendText('{"type":"connected"}'), place=Place.OPEN),
    Fault(
        f"{_PINGS} pings at once",
        scripts=(script(Place.AGENT_READY, SendPing(_PINGS, b"?" * 125)),),
        holds=lambda session: session.tally.pongs == _PINGS,
    ),
    _harmless("audio in ten fragments", SendBinary(bytes(640), count=20, fragments=10)),
    _harmless("text in fragments inside a character", SendText('{"type":"\N{SNOWMAN}\N{SNOWMAN}"}', fragments=12)),
    _harmless(
        "a ping between two fragments",
        SendRaw(
            encode_frame(OP_TEXT, b'{"type":', fin=False)
            + encode_frame(OP_PING, b"!")
            + encode_frame(OP_CONTINUATION, b'"x"}')
        ),
    ),
    _harmless(
        "text where audio is due", *(SendText(text) for text in ("", "hello", "0" * 640, "[]", "null", "{}", "7"))
    ),
    _harmless("audio where text is due", SendBinary(b'{"type":"connected"}', count=20), place=Place.AUTH),
    _harmless("agent_ready before connected", SendText('{"type":"agent_ready"}'), place=Place.AUTH),
    _harmless(
        "connected and agent_ready over and over",
        *(SendText(f'{{"type":"{kind}"}}') for kind in ("connected", "agent_ready") * 20),
    ),
    _harmless("audio of odd length", *(SendBinary(bytes(size)) for size in (0, 1, 639, 641, 1279, _LIMIT_BYTES - 1))),
    _harmless("audio of 64 KiB", SendBinary(bytes(_LIMIT_BYTES))),
    _harmless("unknown types", SendText('{"type":"weather","code":1000}'), SendText('{"type":["error"]}')),
    _harmless("a type with a megabyte of nesting within 64 KiB", SendText("[" * 60_000)),
    _harmless("a number of 5000 digits", SendText('{"type":' + "9" * 5000 + "}")),
    _harmless(f"a flood of {_FLOOD} frames of audio", SendBinary(bytes(640), count=_FLOOD)),
    _harmless(f"a flood of {_FLOOD} texts", SendRaw(encode_frame(OP_TEXT, b'{"type":"flood"}') * _FLOOD)),
    _harmless(
        f"a flood of {_FLOOD} empty fragments",
        SendRaw(
            encode_frame(OP_TEXT, b"", fin=False)
            + encode_frame(OP_CONTINUATION, b"", fin=False) * _FLOOD
            + encode_frame(OP_CONTINUATION, b"")
        ),
    ),
)
