from __future__ import annotations

import json
import math
import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cli.status_table import duration, table
from gatewayd.control.schema import (
    CaptureStatus,
    HeartbeatStatus,
    PlaybackStatus,
    SessionEnd,
    SessionStatus,
    StationStatus,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)
PARTS = (StationStatus, CaptureStatus, SessionStatus, SessionEnd, PlaybackStatus, HeartbeatStatus)
KEYS = sorted({field.name for part in PARTS for field in fields(part)})
near_parts = st.recursive(
    json_values, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=20
)
near_statuses = st.fixed_dictionaries(
    {"stations": st.dictionaries(st.text(st.characters()), near_parts, max_size=3)},
    optional={"uptime_s": json_values, "heartbeat": near_parts, "version": json_values},
)


@given(near_statuses | st.dictionaries(st.text(st.characters()), json_values), st.booleans())
def test_whatever_a_daemon_says_can_be_shown(status: dict[str, object], colours: bool) -> None:
    shown = re.sub(r"\x1b\[\d*m", "", table(status, colours=colours)) if colours else table(status, colours=colours)
    assert all(line.isprintable() for line in shown.split("\n"))
    shown.encode("utf-8")


def test_a_daemon_that_says_nothing_known_is_shown_with_question_marks() -> None:
    assert table({"stations": {"lobby": {}}}, colours=False) == (
        "gatewayd ?, up ?, not ready yet\n\nlobby: ? for ?\n  microphone  none\n  session     none\n  speaker     none"
    )


def test_a_station_that_waits_shows_for_how_long() -> None:
    session = {"connects": 0, "attempt": 3, "next_attempt_s": 72.4, "frames_sent": 0, "frames_received": 0}
    shown = table({"stations": {"lobby": {"state": "waiting", "muted": True, "session": session}}}, colours=True)
    assert "lobby: \x1b[33mwaiting\x1b[0m for ?, muted\n" in shown
    assert "0 connects, 3 failures in a row" in shown
    assert "0 frames sent, 0 received, none dropped" in shown
    assert "next attempt in 1 min 12 s" in shown


@pytest.mark.parametrize(
    ("waiting_for", "shown"),
    [
        ("backoff", "next attempt in 1 min 12 s"),
        ("service", "waits for the service's heartbeat, next attempt in 1 min 12 s at the latest"),
        ("clock", "waits for this device's clock to be set, next attempt in 1 min 12 s at the latest"),
        ("the moon", "next attempt in 1 min 12 s"),
    ],
)
def test_a_station_that_waits_says_for_what(waiting_for: str, shown: str) -> None:
    session = {"next_attempt_s": 72.4, "waiting_for": waiting_for}
    lines = table({"stations": {"lobby": {"state": "waiting", "session": session}}}, colours=False).split("\n")
    assert shown in [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("heartbeat", "shown"),
    [
        ({"reachable": None, "rtt_s": None}, "heartbeat: not asked yet"),
        ({"reachable": False, "rtt_s": None}, "heartbeat: not reachable"),
        ({"reachable": True, "rtt_s": 0.5}, "heartbeat: reachable, round trip 500 ms"),
        ({"reachable": True, "rtt_s": None}, "heartbeat: reachable, round trip ?"),
    ],
)
def test_heartbeat(heartbeat: dict[str, object], shown: str) -> None:
    assert table({"heartbeat": heartbeat}, colours=False).endswith(shown)


@pytest.mark.parametrize(
    ("level_dbfs", "shown"),
    [
        (0.0, "[########################] 0.0 dBFS"),
        (3.0, "[########################] 3.0 dBFS"),
        (-15.0, "[##################------] -15.0 dBFS"),
        (-60.0, "[------------------------] -60.0 dBFS"),
        (-91.2, "[------------------------] -91.2 dBFS"),
        (None, "[------------------------] no level"),
        (math.nan, "[------------------------] no level"),
    ],
)
def test_level(level_dbfs: float | None, shown: str) -> None:
    capture = json.loads(json.dumps({"level_dbfs": level_dbfs, "health": "ok"}))
    assert f"  {shown}  ok\n" in table({"stations": {"lobby": {"capture": capture}}}, colours=False).replace(
        "              [", "  ["
    )


def test_what_was_not_found_and_what_is_wrong_with_it() -> None:
    part = {"device": None, "health": "missing", "problem": "auto: no card is there that captures"}
    lines = table({"stations": {"lobby": {"capture": part, "playback": part}}}, colours=False).split("\n")
    assert lines[3:5] == ["  microphone  not found, no profile", "              auto: no card is there that captures"]
    assert lines[8:10] == ["  speaker     not found", "              auto: no card is there that captures"]


def test_what_is_odd_about_a_microphone_and_what_was_done_about_it() -> None:
    capture = {
        "device": "hw:CARD=Array,DEV=0",
        "format": "S16_LE",
        "rate_hz": 16000,
        "channels": 2,
        "health": "silent",
        "problem": "nothing but digital zero",
        "findings": [{"kind": "slot_silent", "text": "channel 0 is silent, channel 1 is not", "channel": 0}],
        "mixer_problems": ["card Array: PGA is missing"],
        "frames": 10,
        "xruns": 0,
        "reopens": 2,
        "gaps": 3,
        "gap_s": 4.5,
        "recovery": "usb-reset",
    }
    lines = table({"stations": {"lobby": {"capture": capture}}}, colours=False).split("\n")
    assert [line.strip() for line in lines[3:9]] == [
        "microphone  hw:CARD=Array,DEV=0, S16_LE 16000 Hz 2 ch, no profile",
        "nothing but digital zero",
        "channel 0 is silent, channel 1 is not",
        "card Array: PGA is missing",
        "[------------------------] no level  silent, tried: usb-reset",
        "10 frames, 0 overruns, 2 reopens, 3 gaps of 4.5 s together",
    ]


def test_a_station_that_died_says_of_what() -> None:
    lines = table({"stations": {"lobby": {"state": "ended", "failure": "Bug at x.py:1"}}}, colours=False).split("\n")
    assert lines[3] == "  died of Bug at x.py:1, and is started anew"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7512.0, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (None, "?"),
        (math.inf, "?"),
        (True, "?"),
    ],
)
def test_duration(seconds: object, shown: str) -> None:
    assert duration(seconds) == shown
