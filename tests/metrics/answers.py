"""What a daemon with two stations answers to the control command `metrics`, as it comes over the socket."""

from __future__ import annotations

import json
from typing import Any

from gatewayd.control.protocol import decode_answer, encode_result
from gatewayd.control.schema import (
    CaptureStatus,
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
from gatewayd.metrics.measurements import Measurements
from gatewayd.session.causes import Cause

NOW_S = 1_700_000_000.0
CANARY = "sk-canary-5f3a9c"
"""A secret that stands wherever a text from outside can stand in a status."""

LOBBY = StationStatus(
    state=SessionState.AGENT_READY,
    since_s=192.5,
    muted=False,
    profile="generic-usb",
    capture=CaptureStatus(
        device="hw:CARD=Array,DEV=0",
        rate_hz=48000,
        format="S32_LE",
        channels=2,
        health=MicrophoneHealth.OK,
        level_dbfs=-31.5,
        frames=12345,
        xruns=1,
        reopens=2,
        gaps=3,
        gap_s=0.25,
        findings=[Finding(FindingKind.SLOT_SILENT, f"channel 1 gives digital zero {CANARY}", 1)],
        measured_rate_hz=48001.5,
        mixer_problems=["PGA is missing"],
    ),
    session=SessionStatus(
        attempt=0,
        connects=2,
        next_attempt_s=None,
        waiting_for=None,
        frames_sent=12000,
        frames_received=900,
        frames_dropped={"stalled": 3, "no_session": 40},
        last_end=SessionEnd(Cause.SESSION_SETUP_FAILED, f"room is full {CANARY}", 4500, CANARY),
        time_to_ready_s=0.375,
        rtt_s=0.03,
    ),
    playback=PlaybackStatus(
        device="hw:CARD=Array,DEV=0", frames_played=880, underruns=4, buffered_ms=60.0, frames_dropped=5, reopens=1
    ),
)
DOOR = StationStatus(
    state=SessionState.WAITING,
    since_s=7.0,
    muted=True,
    profile=None,
    capture=CaptureStatus(
        device=None,
        rate_hz=None,
        format=None,
        channels=None,
        health=MicrophoneHealth.MISSING,
        level_dbfs=None,
        frames=0,
        xruns=0,
        reopens=0,
        problem=f"no such card {CANARY}",
    ),
    session=SessionStatus(
        attempt=4,
        connects=0,
        next_attempt_s=12.5,
        waiting_for=None,
        frames_sent=0,
        frames_received=0,
        frames_dropped={"stalled": 0, "no_session": 0},
        last_end=None,
        time_to_ready_s=None,
        rtt_s=None,
    ),
    playback=None,
    restarts=1,
    failure=f"ValueError {CANARY}",
)
STATUS = DaemonStatus(
    version="0.1.0",
    uptime_s=7512.0,
    ready=True,
    stations={"lobby": LOBBY, "door-2": DOOR},
    heartbeat=HeartbeatStatus(reachable=True, rtt_s=0.021),
    problems=[f"door-2: link is stuck {CANARY}"],
)


def measured() -> Measurements:
    """Two stations' morning."""
    measurements = Measurements()
    lobby, door = measurements.station("lobby"), measurements.station("door-2")
    lobby.queue_age_s = lambda: 0.015
    for token_s, ready_s in ((0.0625, 0.375), (0.25, 1.5)):
        lobby.token_s.observe(token_s)
        lobby.ready_s.observe(ready_s)
    for rtt_s in (0.03, 0.03, 0.25):
        lobby.ping_s.observe(rtt_s)
    for age_s in (0.0, 0.0, 0.75):
        lobby.frame_age_s.observe(age_s)
    for level_dbfs in (-62.0, -31.5, -31.0, -3.0):
        lobby.observe_sound(level_dbfs, zeros=False, for_s=1.0)
    lobby.observe_sound(None, zeros=True, for_s=1.0)
    lobby.observe_sound(None, zeros=False, for_s=1.0)
    lobby.count_end(Cause.SESSION_SETUP_FAILED)
    for _ in range(3):
        door.count_end(Cause.DNS_FAILED)
    door.count_end(Cause.DEVICE_LOST)
    measurements.loop_lag_s.observe(0.0015)
    return measurements


def answered() -> dict[str, Any]:
    """Over the wire and back."""
    measurements = measured().as_json(
        process={"python": "3.11.2", "cpu_s": 81.25, "resident_bytes": 49_000_448, "open_files": 23},
        records_lost={"debug": 0, "info": 7, "warning": 0, "error": 0},
        followers=1,
    )
    return decode_answer(encode_result({"status": STATUS.as_json(), "measurements": measurements}).rstrip(b"\n"))


if __name__ == "__main__":
    print(json.dumps(answered(), indent=2))  # noqa: T201 - for a look at it
