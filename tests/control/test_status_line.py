from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.control.schema import (
    DaemonStatus,
    MicrophoneHealth,
    SessionEnd,
    SessionState,
    StationStatus,
    WaitingFor,
)
from gatewayd.control.status_line import LINE_LIMIT, duration, status_line
from gatewayd.session.causes import Cause
from tests.control.statuses import STATION

CAPTURE, SESSION, PLAYBACK = STATION.capture, STATION.session, STATION.playback
assert PLAYBACK is not None
MISSING = replace(CAPTURE, health=MicrophoneHealth.MISSING, level_dbfs=None)
OFFLINE = replace(SESSION, rtt_s=None)
REFUSED = SessionEnd(Cause.TOKEN_REFUSED, "HTTP 401")


def one(station: StationStatus) -> DaemonStatus:
    return DaemonStatus("1", 1.0, ready=True, stations={"main": station})


LINES = {
    "agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns": STATION,
    "agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 1 xrun": replace(STATION, capture=replace(CAPTURE, xruns=1)),
    "connecting 4 s · mic ok · 0 xruns": replace(
        STATION,
        state=SessionState.CONNECTING,
        since_s=4.2,
        session=OFFLINE,
        capture=replace(CAPTURE, level_dbfs=None),
    ),
    "idle 2 d 1 h · mic -38 dBFS · 0 xruns": replace(
        STATION, state=SessionState.IDLE, since_s=2 * 86400 + 3700, session=OFFLINE
    ),
    "waiting 1 m · next attempt in 12 s · mic -38 dBFS · 0 xruns": replace(
        STATION,
        state=SessionState.WAITING,
        since_s=60,
        session=replace(OFFLINE, waiting_for=WaitingFor.BACKOFF, next_attempt_s=12.9),
    ),
    "waiting 1 m · until the heartbeat answers, next attempt in 2 m · token refused · mic -38 dBFS · 0 xruns": replace(
        STATION,
        state=SessionState.WAITING,
        since_s=60,
        session=replace(OFFLINE, waiting_for=WaitingFor.SERVICE, next_attempt_s=120, last_end=REFUSED),
    ),
    "waiting 1 m · for the clock to be set, next attempt · mic -38 dBFS · 0 xruns": replace(
        STATION, state=SessionState.WAITING, since_s=60, session=replace(OFFLINE, waiting_for=WaitingFor.CLOCK)
    ),
    "waiting 1 m · mic -38 dBFS · 0 xruns": replace(STATION, state=SessionState.WAITING, since_s=60, session=OFFLINE),
    "no device 5 m · hw:CARD=Array,DEV=0: no such device": replace(
        STATION,
        state=SessionState.NO_DEVICE,
        since_s=300,
        session=OFFLINE,
        capture=replace(MISSING, problem="hw:CARD=Array,DEV=0: no such device"),
    ),
    "agent ready 2 s · 41 ms · mic missing": replace(STATION, since_s=2, capture=MISSING),
    "agent ready 3 h · 41 ms · mic muted · 0 xruns": replace(STATION, since_s=3 * 3600, muted=True),
    "agent ready 3 h 12 m · 41 ms · mic silent · unplug it · 0 xruns": replace(
        STATION, capture=replace(CAPTURE, health=MicrophoneHealth.SILENT, problem="unplug it")
    ),
    "agent ready 3 h 12 m · 41 ms · mic -38 dBFS · it is busy · 0 xruns": replace(
        STATION, playback=replace(PLAYBACK, problem="it is busy")
    ),
    "ended 3 h 12 m · 41 ms · mic -38 dBFS · KeyError at gatewayd/x.py:1 · 0 xruns": replace(
        STATION, state=SessionState.ENDED, failure="KeyError at gatewayd/x.py:1", playback=None
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_one_station(line: str) -> None:
    assert status_line(one(LINES[line])) == line


def test_of_several_the_troubled_come_first_and_each_has_its_name() -> None:
    status = DaemonStatus(
        "1",
        1.0,
        ready=True,
        stations={
            "lobby": STATION,
            "door": replace(STATION, state=SessionState.NO_DEVICE, since_s=300, session=OFFLINE, capture=MISSING),
        },
    )
    assert status_line(status) == ("door: no device 5 m | lobby: agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns")


def test_what_is_wrong_with_the_daemon_as_a_whole_comes_before_all() -> None:
    status = replace(one(STATION), ready=False, problems=("new configuration refused: x: y",))
    assert status_line(status) == (
        "new configuration refused: x: y | starting | agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns"
    )


def test_a_long_problem_does_not_hide_the_rest() -> None:
    line = status_line(one(replace(STATION, capture=replace(CAPTURE, problem="x" * 1000))))
    assert line == f"agent ready 3 h 12 m · 41 ms · mic -38 dBFS · {'x' * 99}… · 0 xruns"


@pytest.mark.parametrize(
    "other",
    [
        replace(STATION, since_s=99_999.0),
        replace(STATION, session=replace(SESSION, rtt_s=0.5)),
        replace(STATION, capture=replace(CAPTURE, level_dbfs=-3.0)),
    ],
)
def test_without_what_is_measured_it_changes_only_when_something_happens(other: StationStatus) -> None:
    assert status_line(one(STATION), measured=False) == "agent ready · mic ok · 0 xruns"
    assert status_line(one(other), measured=False) == "agent ready · mic ok · 0 xruns"


def test_a_wait_without_what_is_measured() -> None:
    waiting = replace(
        STATION,
        state=SessionState.WAITING,
        session=replace(OFFLINE, waiting_for=WaitingFor.BACKOFF, next_attempt_s=12.9),
    )
    assert status_line(one(waiting), measured=False) == "waiting · next attempt · mic ok · 0 xruns"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (3599, "59 m"),
        (3600, "1 h"),
        (11_520, "3 h 12 m"),
        (86_399, "23 h 59 m"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.lists(st.text(max_size=40), min_size=1, max_size=40, unique=True), st.lists(st.text(max_size=300)))
def test_it_never_grows_over_its_limit(names: list[str], problems: list[str]) -> None:
    status = DaemonStatus("1", 1.0, ready=True, stations=dict.fromkeys(names, STATION), problems=problems)
    assert len(status_line(status)) <= LINE_LIMIT
