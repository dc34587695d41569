"""The service ends the session: every error code and close code, alone and together, and TCP left open after them."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from gatewayd.session.causes import Cause
from gatewayd.sim.hangup import hang_up
from gatewayd.sim.script import (
    Close,
    Cut,
    EndSession,
    Fail,
    Hangup,
    Hush,
    Place,
    Point,
    Quiet,
    Script,
    SendBinary,
    SendError,
    SendPing,
    SendText,
    Skip,
    Step,
    script,
)
from gatewayd.sim.wire import NO_STATUS
from tests.cloud.peers import WebSocketPeer
from tests.tiers.faults.fault import AT_ONCE_S, BACKOFF_S, REFUSED_S, SHORT_SESSION_S, Ending, Fault

if TYPE_CHECKING:
    from gatewayd.sim.session import Session
    from tests.tiers.faults.doors import Visit

_CODES = (
    ("AUTH_TIMEOUT", 4001, Cause.AUTH_TIMED_OUT, Place.AUTH, BACKOFF_S),
    ("INVALID_AUTH", 4002, Cause.AUTH_MALFORMED, Place.AUTH, AT_ONCE_S),
    ("AUTH_FAILED", 4003, Cause.AUTH_REJECTED, Place.AUTH, AT_ONCE_S),
    ("SESSION_SETUP_FAILED", 4500, Cause.SESSION_SETUP_FAILED, Place.CONNECTED, BACKOFF_S),
)
_OTHER_CLOSES = (1000, 1001, 1008, 1011, 1012, 1013, 3000, None)
_UNKNOWN_ERROR = "KITCHEN_ON_FIRE"
_FAREWELL = '{"type":"session_ended","reason":"room_closed"}'


async def _ends_tls(visit: Visit) -> None:
    """Accept the WebSocket, hear the token, and end as a web server does that is done."""
    peer = WebSocketPeer(await visit.secure())
    await peer.accept()
    await peer.next_event()
    await hang_up(peer.stream, None)


def answered_with(code: int, session: Session) -> bool:
    return session.tally.close_received == code


def _mid_conversation(*actions: Close | Fail | SendError | EndSession | SendText | Hush | Skip) -> Script:
    return script(Place.FRAMES, *actions, frames=2)


def _errors() -> list[Fault]:
    faults = []
    for code, close, cause, place, wait_s in _CODES:
        whole = Ending(cause, close, code, wait_s=wait_s)
        alone = Ending(cause, None, code, wait_s=wait_s)
        closed = Ending(cause, close, None, wait_s=wait_s)
        faults += [
            Fault(f"error {code}, close {close}", (whole,), (script(place, Fail(code)),)),
            Fault(
                f"error {code} without its close",
                (alone,),
                (script(place, SendError(code), Skip()),),
                holds=partial(answered_with, 1000),
            ),
            Fault(f"error {code}, then silence", (alone,), (script(place, SendError(code), Hush(Quiet.ALL)),)),
            Fault(f"error {code} mid-conversation", (whole,), (_mid_conversation(Fail(code)),)),
            Fault(
                f"close {close} without its error",
                (closed,),
                (script(place, Close(close)),),
                holds=partial(answered_with, close),
            ),
            Fault(f"close {close}, TCP left open", (closed,), (script(place, Close(close, half_open=True)),)),
        ]
    return faults


def _closes() -> list[Fault]:
    faults = []
    for close in _OTHER_CLOSES:
        normal = close == 1000
        alone = Ending(
            Cause.CLOSED_NORMALLY if normal else Cause.CLOSED_ABNORMALLY,
            close,
            wait_s=SHORT_SESSION_S if normal else BACKOFF_S,
            level=logging.INFO if normal else logging.WARNING,
        )
        explained = Ending(Cause.SERVER_ERROR, close, _UNKNOWN_ERROR)
        name = "without a code" if close is None else str(close)
        faults += [
            Fault(
                f"close {name}",
                (alone,),
                (_mid_conversation(Close(close)),),
                holds=partial(answered_with, NO_STATUS if close is None else close),
            ),
            Fault(f"close {name}, TCP left open", (alone,), (_mid_conversation(Close(close, half_open=True)),)),
            Fault(
                f"close {name} after an unknown error",
                (explained,),
                (_mid_conversation(SendError(_UNKNOWN_ERROR), Close(close)),),
            ),
        ]
    return faults


def _rejected(cause: Cause, close: int, code: str) -> tuple[Ending, ...]:
    first = Ending(cause, close, code, wait_s=AT_ONCE_S)
    return (first, Ending(cause, close, code, wait_s=REFUSED_S, level=logging.ERROR))


_TIMED_OUT = Ending(Cause.AUTH_TIMED_OUT, 4001, "AUTH_TIMEOUT")

ENDS = (
    *_errors(),
    *_closes(),
    *(
        Fault(
            f"session_ended: {reason}",
            (Ending(Cause.SESSION_ENDED, 1000, wait_s=SHORT_SESSION_S, level=logging.INFO),),
            (_mid_conversation(EndSession(reason)),),
        )
        for reason in ("agent_disconnected", "room_closed", "a reason not listed")
    ),
    Fault(
        "session_ended: server_shutdown",
        (Ending(Cause.SERVER_SHUT_DOWN, 1000, wait_s=SHORT_SESSION_S, level=logging.INFO),),
        (_mid_conversation(EndSession("server_shutdown")),),
    ),
    Fault(
        "session_ended without its close",
        (Ending(Cause.SESSION_ENDED, wait_s=SHORT_SESSION_S, level=logging.INFO),),
        (_mid_conversation(SendText(_FAREWELL)),),
        holds=partial(answered_with, 1000),
    ),
    Fault(
        "session_ended, then silence",
        (Ending(Cause.SESSION_ENDED, wait_s=SHORT_SESSION_S, level=logging.INFO),),
        (_mid_conversation(SendText(_FAREWELL), Hush(Quiet.ALL)),),
    ),
    Fault(
        "error without a type",
        (Ending(Cause.SESSION_SETUP_FAILED, None, "SESSION_SETUP_FAILED"),),
        (_mid_conversation(SendError("SESSION_SETUP_FAILED", typed=False)),),
    ),
    Fault(
        "AUTH_FAILED twice in a row",
        _rejected(Cause.AUTH_REJECTED, 4003, "AUTH_FAILED"),
        (script(Place.AUTH, Fail("AUTH_FAILED")),) * 2,
    ),
    Fault(
        "INVALID_AUTH twice in a row",
        _rejected(Cause.AUTH_MALFORMED, 4002, "INVALID_AUTH"),
        (script(Place.AUTH, Fail("INVALID_AUTH")),) * 2,
    ),
    Fault(
        "AUTH_TIMEOUT three times in a row",
        (_TIMED_OUT, _TIMED_OUT, Ending(Cause.AUTH_TIMED_OUT, 4001, "AUTH_TIMEOUT", level=logging.ERROR)),
        (script(Place.AUTH, Fail("AUTH_TIMEOUT")),) * 3,
    ),
    Fault(
        "an error right after the open",
        (Ending(Cause.SESSION_SETUP_FAILED, 4500, "SESSION_SETUP_FAILED"),),
        (script(Place.OPEN, Fail("SESSION_SETUP_FAILED")),),
    ),
    Fault(
        "an error, and talks on",
        (Ending(Cause.SESSION_SETUP_FAILED, None, "SESSION_SETUP_FAILED"),),
        (script(Place.AGENT_READY, SendError("SESSION_SETUP_FAILED"), SendBinary(bytes(640), count=2000)),),
    ),
    Fault("TLS and TCP end in order, without a close", (Ending(Cause.CONNECTION_LOST),), voice=(_ends_tls,)),
    Fault(
        "pings after its close",
        (Ending(Cause.SESSION_SETUP_FAILED, 4500),),
        (script(Place.AGENT_READY, Close(4500, half_open=True), SendPing(3)),),
    ),
    Fault(
        "audio after its close",
        (Ending(Cause.SESSION_SETUP_FAILED, 4500),),
        (script(Place.AGENT_READY, Close(4500, half_open=True), SendBinary(bytes(640), count=50)),),
    ),
    Fault(
        "pings instead of an answer to our close",
        (Ending(Cause.SESSION_SETUP_FAILED, None, "SESSION_SETUP_FAILED"),),
        (
            Script(
                (
                    Step(Point(Place.AGENT_READY), SendError("SESSION_SETUP_FAILED")),
                    Step(Point(Place.CLOSE), SendPing(3)),
                    Step(Point(Place.CLOSE), Skip()),
                )
            ),
        ),
    ),
    *(
        Fault(
            f"TCP {how.value} without a close, at {place.value}",
            (Ending(Cause.CONNECTION_LOST),),
            (script(place, Cut(how)),),
        )
        for place in (Place.OPEN, Place.AUTH, Place.CONNECTED, Place.AGENT_READY)
        for how in Hangup
    ),
)
