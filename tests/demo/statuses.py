"""Statuses as a daemon in the demo gives them, for the tests."""

from __future__ import annotations

from dataclasses import replace

from gatewayd.control.schema import (
    CaptureStatus,
    DaemonStatus,
    HeartbeatStatus,
    MicrophoneHealth,
    PlaybackStatus,
    SessionState,
    SessionStatus,
    StationStatus,
)
from tests.demo.plan import STATION
from tests.demo.snapshot import Snapshot, parse_snapshot

CAPTURE = CaptureStatus(
    device="hw:CARD=Demo,DEV=0",
    rate_hz=48_000,
    format="S32_LE",
    channels=2,
    health=MicrophoneHealth.OK,
    level_dbfs=-23.4,
    frames=420,
    xruns=1,
    reopens=0,
)
SESSION = SessionStatus(
    attempt=0,
    connects=1,
    next_attempt_s=None,
    waiting_for=None,
    frames_sent=400,
    frames_received=398,
    frames_dropped={"stalled": 2, "no_session": 20},
    last_end=None,
    time_to_ready_s=0.07,
    rtt_s=None,
)
PLAYBACK = PlaybackStatus(
    device="hw:CARD=Demo,DEV=0", frames_played=395, underruns=3, buffered_ms=40.0, frames_dropped=4, reopens=1
)


def daemon_status(
    state: SessionState = SessionState.AGENT_READY,
    *,
    session: SessionStatus = SESSION,
    capture: CaptureStatus = CAPTURE,
) -> dict[str, object]:
    """The answer of the control socket."""
    station = StationStatus(
        state=state, since_s=8.0, muted=False, profile=None, capture=capture, session=session, playback=PLAYBACK
    )
    whole = DaemonStatus(
        version="0", uptime_s=9.0, ready=True, stations={STATION: station}, heartbeat=HeartbeatStatus(True, 0.0012)
    )
    return whole.as_json()


def snapshot(**changes: object) -> Snapshot:
    """What the demo reads of it, with changes."""
    parsed = parse_snapshot(daemon_status(), STATION)
    assert parsed is not None
    return replace(parsed, **changes)  # type: ignore[arg-type] # fields by name, for tests
