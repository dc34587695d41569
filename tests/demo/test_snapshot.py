from __future__ import annotations

from dataclasses import replace

import pytest

from gatewayd.control.schema import SessionEnd, SessionState
from gatewayd.session.causes import Cause
from tests.demo.plan import STATION
from tests.demo.snapshot import parse_snapshot
from tests.demo.statuses import SESSION, daemon_status


def test_the_daemons_own_status_is_read() -> None:
    snapshot = parse_snapshot(daemon_status(), STATION)
    assert snapshot is not None
    assert (snapshot.state, snapshot.since_s, snapshot.microphone, snapshot.level_dbfs) == (
        "agent_ready",
        8.0,
        "ok",
        -23.4,
    )
    assert (snapshot.frames_sent, snapshot.frames_received, snapshot.frames_played) == (400, 398, 395)
    assert (snapshot.stalled, snapshot.unplayed, snapshot.capture_xruns, snapshot.underruns) == (2, 4, 1, 3)
    assert (snapshot.reopens, snapshot.connects, snapshot.buffered_ms) == (1, 1, 40.0)


def test_the_round_trip_is_the_heartbeats_until_there_was_a_ping() -> None:
    before, after = (
        parse_snapshot(daemon_status(session=replace(SESSION, rtt_s=rtt_s)), STATION) for rtt_s in (None, 0.031)
    )
    assert before is not None
    assert after is not None
    assert (before.rtt_s, after.rtt_s) == (0.0012, 0.031)


def test_how_the_last_session_ended_is_read() -> None:
    ended = replace(SESSION, last_end=SessionEnd(Cause.SEND_TIMED_OUT, "the link took nothing for 10 s"))
    snapshot = parse_snapshot(daemon_status(SessionState.WAITING, session=ended), STATION)
    assert snapshot is not None
    assert snapshot.last_end == "the link took nothing for 10 s"


def test_a_station_that_is_not_there_yet_is_none() -> None:
    assert parse_snapshot(daemon_status(), "another") is None


def test_what_is_no_status_is_an_error() -> None:
    with pytest.raises(KeyError):
        parse_snapshot({}, STATION)
    with pytest.raises(TypeError, match="expected a table"):
        parse_snapshot({"stations": 3}, STATION)
