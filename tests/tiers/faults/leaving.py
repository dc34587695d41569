"""The gateway is asked to leave in the middle of a fault: it goes in time, and says goodbye where it can be heard."""

from __future__ import annotations

from functools import partial

from gatewayd.control.schema import SessionState
from gatewayd.sim.script import Hush, Place, Quiet, Respond, SendError, Skip, Stall, script
from tests.tiers.faults.ends import answered_with
from tests.tiers.faults.fault import REAL_FRAME_PERIOD_S, Fault
from tests.tiers.faults.handshakes import half_a_handshake
from tests.tiers.faults.silence import floods_with_audio, never_reads_after_the_upgrade, pings_and_never_reads

_WELL_INTO_IT_S = 2.0

_said_goodbye = partial(answered_with, 1000)

LEAVING = (
    Fault(
        "leaves while a name is being resolved",
        leaves_in=SessionState.CONNECTING,
        watched_s=0.5,
        names_hang_s=5.0,
    ),
    Fault(
        "leaves while the token does not come",
        scripts=(script(Place.TOKEN, Stall()),),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves in half a TLS handshake for the token",
        token=(half_a_handshake(None),),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves in half a TLS handshake for the WebSocket",
        voice=(half_a_handshake(None),),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves while the upgrade is not answered",
        scripts=(script(Place.UPGRADE, Stall()),),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves while connected does not come",
        scripts=(script(Place.AUTH, Skip()),),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
        holds=_said_goodbye,
    ),
    Fault(
        "leaves in a flood of audio",
        voice=(floods_with_audio,),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves where nothing is ever read",
        voice=(never_reads_after_the_upgrade,),
        leaves_in=SessionState.CONNECTING,
        watched_s=_WELL_INTO_IT_S,
    ),
    Fault(
        "leaves while agent_ready does not come",
        scripts=(script(Place.CONNECTED, Skip()),),
        leaves_in=SessionState.CONNECTED,
        watched_s=_WELL_INTO_IT_S,
        holds=_said_goodbye,
    ),
    Fault(
        "leaves while the link is stalled and sound streams",
        scripts=(script(Place.FRAMES, Stall(), frames=10),),
        leaves_in=SessionState.AGENT_READY,
        watched_s=_WELL_INTO_IT_S,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
    ),
    Fault(
        "leaves while nothing is said any more",
        scripts=(script(Place.AGENT_READY, Hush(Quiet.ALL)),),
        leaves_in=SessionState.AGENT_READY,
        watched_s=_WELL_INTO_IT_S,
        holds=_said_goodbye,
    ),
    Fault(
        "leaves in pings without end",
        voice=(pings_and_never_reads,),
        leaves_in=SessionState.AGENT_READY,
        watched_s=_WELL_INTO_IT_S,
        small_buffer=True,
        frame_period_s=REAL_FRAME_PERIOD_S,
    ),
    Fault(
        "leaves after an error, before its close",
        scripts=(script(Place.AGENT_READY, SendError("SESSION_SETUP_FAILED")),),
        leaves_in=SessionState.ENDED,
        holds=_said_goodbye,
    ),
    Fault(
        "leaves while it waits for an hour",
        scripts=(script(Place.TOKEN, Respond(503, {"Retry-After": "3600"})),),
        leaves_in=SessionState.WAITING,
        watched_s=_WELL_INTO_IT_S,
    ),
)
