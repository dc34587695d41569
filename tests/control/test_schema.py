from __future__ import annotations

import json
from typing import Any

from gatewayd.control.schema import (
    CaptureStatus,
    ChannelStatus,
    DaemonStatus,
    Finding,
    FindingKind,
    HeartbeatStatus,
    MicrophoneHealth,
    PlaybackStatus,
    SessionEnd,
    SessionState,
    SessionStatus,
    StationStatus,
)
from gatewayd.session.causes import Cause

PROMISED: dict[str, Any] = {
    "version": "0.1.0",
    "uptime_s": 12.3,
    "ready": True,
    "stations": {
        "main": {
            "state": "agent_ready",
            "since_s": 3.1,
            "muted": False,
            "profile": "generic-usb",
            "capture": {
                "device": "hw:CARD=Array,DEV=0",
                "rate_hz": 48000,
                "format": "S32_LE",
                "channels": 2,
                "health": "ok",
                "level_dbfs": -38.2,
                "frames": 1234,
                "xruns": 0,
                "reopens": 0,
                "problem": "channel 1 is silent",
                "gaps": 1,
                "gap_s": 0.5,
                "findings": [{"kind": "slot_silent", "text": "channel 1 is silent", "channel": 1}],
                "channel_levels": [{"level_dbfs": -40.2, "peak_dbfs": -30.0, "health": "ok"}],
                "measured_rate_hz": 48001.2,
                "mixer_problems": ["PGA is missing"],
                "recovery": "reopen",
            },
            "session": {
                "attempt": 0,
                "connects": 1,
                "next_attempt_s": None,
                "waiting_for": None,
                "frames_sent": 1200,
                "frames_received": 900,
                "frames_dropped": {"stalled": 0},
                "last_end": {
                    "cause": "session_setup_failed",
                    "detail": "no room",
                    "close_code": 4500,
                    "error_code": "SESSION_SETUP_FAILED",
                },
                "time_to_ready_s": 0.41,
                "rtt_s": 0.03,
            },
            "playback": {
                "device": "hw:CARD=Array,DEV=0",
                "frames_played": 880,
                "underruns": 0,
                "buffered_ms": 60.0,
                "frames_dropped": 0,
                "reopens": 0,
                "problem": "it was unplugged",
            },
            "restarts": 0,
            "failure": None,
        }
    },
    "heartbeat": {"reachable": True, "rtt_s": 0.02},
    "problems": ["new configuration refused"],
}
"""What scripts read: fields may be added, never renamed or removed."""


def test_the_status_is_what_scripts_were_promised() -> None:
    device = "hw:CARD=Array,DEV=0"
    status = DaemonStatus(
        version="0.1.0",
        uptime_s=12.3,
        ready=True,
        stations={
            "main": StationStatus(
                state=SessionState.AGENT_READY,
                since_s=3.1,
                muted=False,
                profile="generic-usb",
                capture=CaptureStatus(
                    device,
                    48_000,
                    "S32_LE",
                    2,
                    MicrophoneHealth.OK,
                    -38.2,
                    1234,
                    0,
                    0,
                    problem="channel 1 is silent",
                    gaps=1,
                    gap_s=0.5,
                    findings=[Finding(FindingKind.SLOT_SILENT, "channel 1 is silent", 1)],
                    channel_levels=[ChannelStatus(-40.2, -30.0, MicrophoneHealth.OK)],
                    measured_rate_hz=48001.2,
                    mixer_problems=["PGA is missing"],
                    recovery="reopen",
                ),
                session=SessionStatus(
                    attempt=0,
                    connects=1,
                    next_attempt_s=None,
                    waiting_for=None,
                    frames_sent=1200,
                    frames_received=900,
                    frames_dropped={"stalled": 0},
                    last_end=SessionEnd(Cause.SESSION_SETUP_FAILED, "no room", 4500, "SESSION_SETUP_FAILED"),
                    time_to_ready_s=0.41,
                    rtt_s=0.03,
                ),
                playback=PlaybackStatus(device, 880, 0, 60.0, 0, 0, "it was unplugged"),
            )
        },
        heartbeat=HeartbeatStatus(reachable=True, rtt_s=0.02),
        problems=["new configuration refused"],
    )
    assert status.as_json() == PROMISED
    assert json.loads(json.dumps(status.as_json())) == PROMISED
