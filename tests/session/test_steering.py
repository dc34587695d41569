"""What an attempt waits for, what people are told, and what they are not."""

from __future__ import annotations

import pytest

from gatewayd.control.schema import SessionEnd, SessionState
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.tokens import Token, without_token
from gatewayd.session.transitions import Phase
from tests.session.story import TOKEN, Story

LOST = events.LinkFailed(Cause.CONNECTION_LOST, "the connection was lost")


# the heartbeat steers


def test_an_attempt_waits_for_a_service_that_cannot_be_reached() -> None:
    story = Story().to(Phase.WAITING)
    story.on(events.ServiceUnreached())
    assert story.on_deadline(at_s=2.0) == []
    assert story.shows("waiting")
    assert story.waits_for("service")
    # back: everybody's heartbeat answers at once, so the attempt is spread
    assert story.on(events.ServiceReached(), at_s=50.0) == []
    assert story.waits_for("backoff")
    assert story.on_deadline(at_s=52.0) == [events.FetchToken()]
    assert story.machine.waiting_for is None


def test_a_wrong_heartbeat_does_not_keep_a_station_deaf() -> None:
    story = Story().to(Phase.WAITING)
    story.on(events.ServiceUnreached())
    story.on_deadline(at_s=2.0)
    story.on(events.ServiceUnreached())
    assert story.chance.ranges[-1] == (10.0, 300.0)
    assert story.on_deadline(at_s=2.0 + 155.0) == [events.FetchToken()]
    story.on(events.TokenFetched(TOKEN))
    story.on(events.LinkOpened(boottime_s=1001.0))
    story.on(events.ServerConnected())
    story.on(events.AgentReadied())
    assert story.machine.state is SessionState.AGENT_READY


def test_the_heartbeat_does_not_disturb_a_session() -> None:
    story = Story().to(Phase.AGENT_READY)
    assert story.on(events.ServiceUnreached()) == []
    assert story.on(events.ServiceReached()) == []
    assert story.machine.state is SessionState.AGENT_READY


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (events.SessionDismissed(), Phase.IDLE),
        (events.DeviceDisappeared(), Phase.NO_DEVICE),
        (events.ShutdownRequested(), Phase.STOPPED),
        (events.SessionRequested(), Phase.AWAITING_SERVICE),
        (events.DeviceAppeared(), Phase.AWAITING_SERVICE),
    ],
)
def test_waiting_for_the_service_can_be_left(event: events.Event, phase: Phase) -> None:
    story = Story().to(Phase.WAITING)
    story.on(events.ServiceUnreached())
    story.on_deadline(at_s=2.0)
    assert story.on(event) == []
    assert story.machine.phase is phase


@pytest.mark.parametrize(
    ("phase", "cause", "hint"),
    [
        (Phase.FETCHING, Cause.CONNECT_REFUSED, "the address or the scheme in agent.token.url is likely wrong"),
        (Phase.OPENING, Cause.CONNECT_REFUSED, "the address or the scheme in agent.url is likely wrong"),
        (Phase.OPENING, Cause.UPGRADE_FAILED, "the address or the scheme in agent.url is likely wrong"),
    ],
)
def test_a_refusal_while_the_service_is_reachable_is_a_wrong_address(phase: Phase, cause: Cause, hint: str) -> None:
    story = Story().to(phase)
    story.on(events.ServiceReached())
    story.on(events.LinkFailed(cause, "it refused"))
    story.on(events.LinkReleased())
    assert hint in story.reports[-1].text

    unsteered = Story().to(phase)
    unsteered.on(events.LinkFailed(cause, "it refused"))
    unsteered.on(events.LinkReleased())
    assert "likely wrong" not in unsteered.reports[-1].text


# the clock


def test_a_clock_that_is_not_set_is_waited_for_without_escalation() -> None:
    story = Story().to(Phase.FETCHING)
    for _ in range(3):
        story.on(events.LinkFailed(Cause.CLOCK_NOT_SET, "the certificate is not yet valid"))
        story.on(events.LinkReleased())
        assert story.waits_for("clock")
        assert story.machine.attempt == 0
        assert story.on_deadline(at_s=story.now_s + 5.0) == [events.FetchToken()]
    # said once, not every five seconds
    assert [report.text for report in story.reports] == [
        "the certificate is not yet valid; next attempt in 5.0 s",
    ]


# slow links


def test_three_tokens_in_a_row_that_came_too_late_are_an_error() -> None:
    story = Story().to(Phase.AUTHENTICATING)
    for _ in range(3):
        story.on(events.LinkFailed(Cause.AUTH_TIMED_OUT, "closed with 4001", close_code=4001))
        story.on(events.LinkReleased())
        story.on_deadline(at_s=story.machine.next_deadline_s or 0.0)
        story.on(events.TokenFetched(TOKEN))
        story.on(events.LinkOpened(boottime_s=1001.0))
    assert [report.severity.value for report in story.reports] == ["warning", "warning", "error"]
    assert "too slow to send its token in time" in story.reports[-1].text


# secrets


def test_a_token_that_the_service_repeats_is_not_shown() -> None:
    story = Story().to(Phase.AUTHENTICATING)
    story.on(events.ErrorReported(Cause.SERVER_ERROR, "BAD_t0ken", "no such token: t0ken"))
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.last_end == SessionEnd(
        Cause.SERVER_ERROR,
        "the service reported BAD_[token]: no such token: [token]",
        error_code="BAD_[token]",
    )
    assert "t0ken" not in story.reports[-1].text

    closed = Story().to(Phase.CONNECTED)
    closed.on(events.LinkFailed(Cause.CLOSED_ABNORMALLY, "closed with 1008: bye t0ken", close_code=1008))
    closed.on(events.LinkReleased())
    assert closed.machine.last_end is not None
    assert closed.machine.last_end.detail == "closed with 1008: bye [token]"


def test_no_piece_of_a_token_is_shown_where_a_text_is_cut_off() -> None:
    token = Token("0123456789abcdef" * 30, requested_at_s=1000.0)
    story = Story().to(Phase.FETCHING)
    story.on(events.TokenFetched(token))
    story.on(events.LinkOpened(boottime_s=1001.0))
    story.on(events.ErrorReported(Cause.SERVER_ERROR, "X", "x" * 250 + token.value))
    story.on(events.LinkFailed(Cause.CLOSED_ABNORMALLY, "closed", close_code=1008))
    story.on(events.LinkReleased())
    assert story.machine.last_end is not None
    assert "0123" not in story.machine.last_end.detail
    assert len(story.machine.last_end.detail) <= 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is s3cret-token, is it", "it is [token], is it"),
        ("cut off: s3cret-to", "cut off: [token]"),
        ("cut off: s3cret", "cut off: [token]"),
        ("too short to tell: s3cre", "too short to tell: s3cre"),
        ("nothing", "nothing"),
    ],
)
def test_texts_without_the_token(text: str, shown: str) -> None:
    assert without_token(text, "s3cret-token") == shown


def test_without_a_token_there_is_nothing_to_take_out() -> None:
    assert without_token("text", "") == "text"


def test_what_a_person_can_do_is_said_once_a_fault_does_not_pass_by_itself() -> None:
    story = Story().to(Phase.FETCHING)
    for _ in range(3):
        story.on(events.LinkFailed(Cause.CERTIFICATE_INVALID, "expired"))
        story.on(events.LinkReleased())
        story.on_deadline(at_s=story.machine.next_deadline_s or 0.0)
    assert ["agent.ca_file" in report.text for report in story.reports] == [False, False, True]
