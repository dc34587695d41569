"""A station that is well, as it tells of itself."""

from __future__ import annotations

from gatewayd.control.schema import (
    CaptureStatus,
    MicrophoneHealth,
    PlaybackStatus,
    SessionState,
    SessionStatus,
    StationStatus,
)

STATION = StationStatus(
    state=SessionState.AGENT_READY,
    since_s=11_520.0,
    muted=False,
    profile="generic-usb",
    capture=CaptureStatus("hw:CARD=Array,DEV=0", 48_000, "S32_LE", 2, MicrophoneHealth.OK, -38.2, 1234, 0, 0),
    session=SessionStatus(
        attempt=0,
        connects=1,
        next_attempt_s=None,
        waiting_for=None,
        frames_sent=1200,
        frames_received=900,
        frames_dropped={"stalled": 0},
        last_end=None,
        time_to_ready_s=0.41,
        rtt_s=0.041,
    ),
    playback=PlaybackStatus("hw:CARD=Array,DEV=0", 880, 0, 60.0, 0, 0),
)
