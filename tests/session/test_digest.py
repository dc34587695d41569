"""What the log says of days on which the service is away, comes and goes, or is well: whole days, in virtual time."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.model import Activation, AgentConfiguration
from gatewayd.message_ids import MessageId
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.digest import Digest, Line
from gatewayd.session.events import Report, ReportKind, Severity
from gatewayd.session.machine import SessionMachine
from gatewayd.session.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    Attempt = Callable[[float], tuple[events.Event, float]]

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
REFUSED = events.LinkFailed(Cause.CONNECT_REFUSED, "connection refused")
UNRESOLVED = events.LinkFailed(Cause.DNS_FAILED, "no such host")
CLOSED = events.LinkFailed(Cause.CLOSED_ABNORMALLY, "closed", close_code=1011)
WELL = events.SessionEndAnnounced("agent_disconnected")


def told(lines: list[Line]) -> list[str]:
    return [line.text for line in lines if line.severity is not None]


class Station:
    """A session machine with its digest. `attempt(now_s)` says what becomes of each attempt: how it ends, and after how
    many seconds of a ready agent; a negative number stands for an attempt that never comes so far.
    """

    def __init__(self, attempt: Attempt, seed: int = 1) -> None:
        agent = AgentConfiguration(url="wss://voice.example/ws")
        self.machine = SessionMachine(agent, Activation.ALWAYS, random.Random(seed).uniform)
        self.digest = Digest()
        self.attempt = attempt
        self.now_s = 0.0
        self.reports = 0
        self.log: list[tuple[float, Line]] = []

    def live(self, until_s: float) -> Station:
        for event in (events.Booted(), events.DeviceAppeared()):
            self.on(event)
        while self.machine.next_deadline_s is not None and self.machine.next_deadline_s <= until_s:
            self.on(events.DeadlinePassed(), self.machine.next_deadline_s)
        return self

    def on(self, event: events.Event, at_s: float | None = None) -> None:
        self.now_s = self.now_s if at_s is None else at_s
        for command in self.machine.handle(event, self.now_s):
            if isinstance(command, Report):
                self.reports += command.kind is not ReportKind.PROVED_STABLE
                self.log += [(self.now_s, line) for line in self.digest.note(command, self.now_s)]
            elif isinstance(command, events.FetchToken):
                self.reach_out()
            elif isinstance(command, events.ReleaseLink):
                self.on(events.LinkReleased())

    def reach_out(self) -> None:
        end, ready_s = self.attempt(self.now_s)
        if ready_s >= 0:
            self.on(events.TokenFetched(Token("t0ken", self.now_s)))
            for event in (events.LinkOpened(self.now_s), events.ServerConnected(), events.AgentReadied()):
                self.on(event)
            ends_s = self.now_s + ready_s
            while self.machine.next_deadline_s is not None and self.machine.next_deadline_s < ends_s:
                self.on(events.DeadlinePassed(), self.machine.next_deadline_s)
            self.now_s = ends_s
        self.on(end)

    def told(self, since_s: float = 0.0) -> list[tuple[float, str, Line]]:
        return [(at_s, line.severity.value, line) for at_s, line in self.log if line.severity and at_s >= since_s]


def test_a_day_without_the_service_is_thirty_lines() -> None:
    station = Station(lambda _: (REFUSED, -1)).live(DAY_S)
    lines = station.told()
    assert station.reports > 2500, "each of them would have been a line"
    assert len(lines) <= 30
    assert {severity for _, severity, _ in lines} == {"warning"}
    first, *sums = [line for _, _, line in lines]
    assert first.fields["message_id"] is MessageId.SESSION_ENDED
    assert {line.fields["message_id"] for line in sums} == {MessageId.SESSIONS_SUMMED_UP}
    counted = sum(int(str(line.fields["count"])) for line in sums)
    untold = station.reports - 1 - counted
    assert 0 <= untold < 300, "what came after the last sum, less than an hour ago"
    times_s = [at_s for at_s, _, _ in lines]
    assert times_s[1] - times_s[0] < 60 + 60
    assert times_s[2] - times_s[1] < 600 + 60
    assert all(HOUR_S <= later - sooner < HOUR_S + 60 for sooner, later in pairwise(times_s[3:]))


def test_a_day_of_accepting_and_closing_is_forty_lines() -> None:
    station = Station(lambda _: (CLOSED, 2.0)).live(DAY_S)
    texts = [line.text for _, _, line in station.told()]
    assert station.reports > 4000
    assert len(texts) <= 40
    assert len([text for text in texts if text.startswith("agent ready")]) == 1


def test_a_day_of_a_link_that_breaks_every_five_minutes_is_sixty_lines() -> None:
    station = Station(lambda _: (CLOSED, 300.0)).live(DAY_S)
    assert station.reports > 500
    assert len(station.told()) <= 60


def test_a_day_of_two_causes_in_turn_is_forty_lines() -> None:
    ends = iter([REFUSED, UNRESOLVED] * 10_000)
    station = Station(lambda _: (next(ends), -1)).live(DAY_S)
    lines = station.told()
    assert len(lines) <= 40
    assert "connect_refused " in lines[-1][2].text
    assert "dns_failed " in lines[-1][2].text


def test_a_week_of_conversations_is_a_handful_of_lines() -> None:
    station = Station(lambda _: (WELL, 600.0)).live(7 * DAY_S)
    lines = station.told()
    assert station.reports > 1900
    assert len(lines) <= 10
    assert {severity for _, severity, _ in lines} == {"info"}
    sums = [line for _, _, line in lines if line.fields["message_id"] is MessageId.SESSIONS_SUMMED_UP]
    assert [round(float(str(line.fields["span_s"])) / DAY_S, 1) for line in sums] == [1.0] * 6
    assert sums[0].text == f"{sums[0].fields['count']} more sessions or attempts ended in 1 d: session_ended 144"


def test_the_return_of_the_service_tells_how_long_it_was_away() -> None:
    away_until_s = 1000.0 + 2 * HOUR_S

    def attempt(now_s: float) -> tuple[events.Event, float]:
        if now_s < 1000:
            return CLOSED, 1000.0
        return (REFUSED, -1) if now_s < away_until_s else (WELL, DAY_S)

    station = Station(attempt).live(away_until_s + 2 * 60)
    back = [line for _, _, line in station.told(since_s=away_until_s) if line.text.startswith("agent ready")]
    assert len(back) == 1
    failed = int(str(back[0].fields["count"]))
    assert failed > 200
    assert back[0].text == f"agent ready after 0.00 s; failed before it: {failed}, in 2 h"


class TestLines:
    """The same, line by line."""

    @staticmethod
    def failed(cause: Cause = Cause.CONNECT_REFUSED, severity: Severity = Severity.WARNING) -> Report:
        return Report(ReportKind.FAILED, severity, f"{cause.value} it is", cause, MessageId.SESSION_ENDED)

    READIED = Report(ReportKind.READIED, Severity.INFO, "agent ready", message_id=MessageId.AGENT_READY)
    STABLE = Report(ReportKind.PROVED_STABLE, Severity.INFO, "ready for 30 s", message_id=MessageId.AGENT_READY)
    WAITING = Report(ReportKind.WAITING, Severity.INFO, "waiting for the heartbeat")
    ENDED = Report(ReportKind.RAN_ITS_COURSE, Severity.INFO, "ended", Cause.SESSION_ENDED, MessageId.SESSION_ENDED)

    @pytest.fixture
    def digest(self) -> Digest:
        return Digest()

    def test_a_single_break_is_told_and_so_is_its_end(self, digest: Digest) -> None:
        assert told(digest.note(self.READIED, 0)) == ["agent ready"]
        assert told(digest.note(self.STABLE, 30)) == []
        assert told(digest.note(self.failed(), 100)) == ["connect_refused it is"]
        assert told(digest.note(self.READIED, 104)) == ["agent ready; failed before it: 1, in 4 s"]
        assert told(digest.note(self.STABLE, 134)) == []

    def test_what_is_not_told_stays_there_for_debugging(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        (line,) = digest.note(self.failed(), 1)
        assert (line.severity, line.text) == (None, "connect_refused it is")
        assert line.fields["cause"] is Cause.CONNECT_REFUSED

    def test_sums_come_after_a_minute_ten_and_then_every_hour(self, digest: Digest) -> None:
        at_s = [now_s for now_s in range(0, 4 * 3600, 10) if told(digest.note(self.failed(), now_s))]
        assert at_s == [0, 60, 660, 4260, 7860, 11460]

    def test_a_sum_names_what_came_how_often_and_the_last(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        assert told(digest.note(self.failed(Cause.DNS_FAILED), 10)) == ["dns_failed it is"]
        for now_s in (20, 30, 40):
            assert told(digest.note(self.failed(), now_s)) == []
        aside, line = digest.note(self.failed(Cause.DNS_FAILED), 65)
        assert aside.severity is None
        assert line.severity is Severity.WARNING
        assert line.text == (
            "4 more sessions or attempts ended in 1 min 5 s: connect_refused 3, dns_failed 1; "
            "the last: dns_failed it is"
        )
        assert (line.fields["count"], line.fields["span_s"]) == (4, 65)

    def test_what_gets_worse_is_told_at_once(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        digest.note(self.failed(), 5)
        assert told(digest.note(self.failed(severity=Severity.ERROR), 10)) == ["connect_refused it is"]
        assert told(digest.note(self.failed(severity=Severity.ERROR), 15)) == []
        assert digest.note(self.failed(), 61)[1].severity is Severity.ERROR

    def test_a_cause_not_seen_for_an_hour_is_told_at_once_again(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        digest.note(self.failed(), 20)
        lines = digest.note(self.failed(), 20 + 3600)
        assert told(lines) == [
            "1 more session or attempt ended in 20 s: connect_refused 1; the last: connect_refused it is",
            "connect_refused it is",
        ]

    def test_a_service_that_accepts_and_closes_is_back_only_once_a_session_holds(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        assert told(digest.note(self.READIED, 1)) == ["agent ready; failed before it: 1, in 1 s"]
        for now_s in range(2, 70, 2):
            digest.note(self.failed(), now_s)
            assert told(digest.note(self.READIED, now_s + 1)) == []
        assert told(digest.note(self.STABLE, 99)) == ["ready for 30 s; failed before it: 35, in 1 min 39 s"]

    def test_its_return_is_told_though_the_relapses_were_not(self, digest: Digest) -> None:
        digest.note(self.failed(), 0)
        digest.note(self.READIED, 1)
        digest.note(self.failed(), 2)
        digest.note(self.READIED, 3)
        assert told(digest.note(self.STABLE, 33)) == [], "told 32 s ago"
        for now_s in (3601, 3603):
            digest.note(self.failed(), now_s)
            digest.note(self.READIED, now_s + 1)

    def test_waiting_for_the_heartbeat_is_told_once(self, digest: Digest) -> None:
        assert [bool(told(digest.note(self.WAITING, now_s))) for now_s in (0, 300, 600, 3900)] == [True] + 3 * [False]

    def test_conversations_are_summed_up_once_a_day(self, digest: Digest) -> None:
        assert told(digest.note(self.ENDED, 0)) == ["ended"]
        assert told(digest.note(self.READIED, 2)) == ["agent ready"]
        assert told(digest.note(self.ENDED, 50_000)) == []
        assert told(digest.note(self.READIED, 50_002)) == []
        assert told(digest.note(self.ENDED, 86_400)) == ["2 more sessions or attempts ended in 1 d: session_ended 2"]
        assert told(digest.note(self.ENDED, 3 * 86_400)) == ["ended"]

    def test_a_report_without_a_cause_is_counted_too(self, digest: Digest) -> None:
        report = Report(ReportKind.FAILED, Severity.WARNING, "something")
        digest.note(report, 0)
        assert told(digest.note(report, 61)) == [
            "1 more session or attempt ended in 1 min 1 s: no cause 1; the last: something"
        ]
