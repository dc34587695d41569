from __future__ import annotations

import pytest

from gatewayd.configuration.model import Activation, AgentConfiguration, BackoffConfiguration
from gatewayd.control.schema import SessionEnd, SessionState
from gatewayd.session import events
from gatewayd.session.causes import Cause
from gatewayd.session.machine import LinkStuck, SessionMachine, UndefinedTransition
from gatewayd.session.tokens import Token
from gatewayd.session.transitions import ROWS, TABLE, Phase, build_table
from tests.session.story import TOKEN, Chance, Story

LOST = events.LinkFailed(Cause.CONNECTION_LOST, "the connection was lost")


def test_happy_path_from_boot_to_a_stable_session() -> None:
    story = Story()
    machine = story.machine

    assert story.on(events.Booted(), at_s=10.0) == []
    assert story.shows("no_device")
    assert story.on(events.DeviceAppeared(), at_s=10.5) == []
    assert story.shows("waiting")

    # half of the 4 s of start-up spread, counted from the boot
    assert story.on_deadline(at_s=12.0) == [events.FetchToken()]
    assert story.shows("connecting")
    assert story.on(events.TokenFetched(TOKEN), at_s=12.2) == [events.OpenLink("wss://voice.example/ws")]
    assert story.on(events.LinkOpened(boottime_s=1000.4), at_s=12.4) == [events.SendText('{"token": "t0ken"}')]
    assert machine.connects == 1
    assert story.on(events.ServerConnected(), at_s=12.5) == [events.StartAudio()]
    assert story.shows("connected")
    assert story.on(events.AgentReadied(), at_s=13.0) == []
    assert story.shows("agent_ready")
    assert machine.state_since_s == 13.0
    assert machine.time_to_ready_s == 1.0

    assert story.on_deadline(at_s=43.0) == []
    assert machine.next_deadline_s is None


def test_the_address_that_comes_with_the_token_wins() -> None:
    story = Story().to(Phase.FETCHING)
    token = Token("t", requested_at_s=1000.0, url="wss://other.example/ws?room=1")
    assert story.on(events.TokenFetched(token)) == [events.OpenLink("wss://other.example/ws?room=1")]


def test_no_address_anywhere_ends_the_attempt() -> None:
    story = Story(agent=AgentConfiguration()).to(Phase.FETCHING)
    assert story.on(events.TokenFetched(TOKEN)) == [events.StopAudio(), events.ReleaseLink(None)]
    story.on(events.LinkReleased())
    assert story.machine.last_end is not None
    assert story.machine.last_end.cause is Cause.TOKEN_UNUSABLE


@pytest.mark.parametrize(("age_s", "sent"), [(239.9, True), (240.0, False), (86400.0, False)])
def test_a_token_is_never_sent_once_it_is_240_s_old(age_s: float, sent: bool) -> None:
    story = Story().to(Phase.OPENING)
    commands = story.on(events.LinkOpened(boottime_s=TOKEN.requested_at_s + age_s))
    assert any(isinstance(command, events.SendText) for command in commands) is sent
    assert story.machine.phase is (Phase.AUTHENTICATING if sent else Phase.RELEASING)


@pytest.mark.parametrize(
    ("phase", "limit_s", "cause"),
    [
        (Phase.FETCHING, 15.0, Cause.DRIVER_OVERDUE),
        (Phase.OPENING, 15.0, Cause.DRIVER_OVERDUE),
        (Phase.AUTHENTICATING, 10.0, Cause.CONNECTED_TIMED_OUT),
        (Phase.CONNECTED, 15.0, Cause.AGENT_READY_TIMED_OUT),
    ],
)
def test_every_step_towards_the_agent_has_its_limit(phase: Phase, limit_s: float, cause: Cause) -> None:
    story = Story().to(phase)
    assert story.on_deadline(at_s=story.now_s + limit_s) == [events.StopAudio(), events.ReleaseLink(None)]
    assert story.machine.state is SessionState.ENDED
    assert story.on(events.LinkReleased()) == []
    assert story.machine.last_end is not None
    assert story.machine.last_end.cause is cause
    assert story.machine.phase is Phase.WAITING


@pytest.mark.parametrize(
    "phase", [Phase.FETCHING, Phase.OPENING, Phase.AUTHENTICATING, Phase.CONNECTED, Phase.AGENT_READY]
)
def test_a_failure_anywhere_releases_the_link_and_waits_by_the_backoff(phase: Phase) -> None:
    story = Story(fraction=1.0).to(phase)
    assert story.on(LOST) == [events.StopAudio(), events.ReleaseLink(None)]
    assert story.on(events.LinkReleased()) == []
    assert story.machine.last_end == SessionEnd(Cause.CONNECTION_LOST, "the connection was lost")
    assert story.machine.attempt == 1
    assert story.machine.next_deadline_s == story.now_s + 1.0
    assert story.on_deadline(at_s=story.now_s + 1.0) == [events.FetchToken()]
    # the counter goes on, as nothing proved stable
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.next_deadline_s == story.now_s + 2.0


def test_an_error_waits_for_its_close_so_that_the_code_is_known() -> None:
    story = Story().to(Phase.CONNECTED)
    error = events.ErrorReported(Cause.SESSION_SETUP_FAILED, "SESSION_SETUP_FAILED", "no room")
    assert story.on(error, at_s=20.0) == [events.StopAudio()]
    assert story.machine.state is SessionState.ENDED
    closed = events.LinkFailed(Cause.SESSION_SETUP_FAILED, "closed with 4500", close_code=4500)
    assert story.on(closed, at_s=20.1) == [events.StopAudio(), events.ReleaseLink(None)]
    story.on(events.LinkReleased(), at_s=20.2)
    assert story.machine.last_end == SessionEnd(
        Cause.SESSION_SETUP_FAILED,
        "the service reported SESSION_SETUP_FAILED: no room",
        close_code=4500,
        error_code="SESSION_SETUP_FAILED",
    )


def test_an_error_without_a_close_ends_the_session_all_the_same() -> None:
    story = Story().to(Phase.AUTHENTICATING)
    story.on(events.ErrorReported(Cause.AUTH_REJECTED, "AUTH_FAILED", ""), at_s=20.0)
    assert story.on_deadline(at_s=21.0) == [events.StopAudio(), events.ReleaseLink(1000)]
    story.on(events.LinkReleased(), at_s=21.5)
    assert story.machine.last_end == SessionEnd(
        Cause.AUTH_REJECTED, "the service reported AUTH_FAILED: no message", error_code="AUTH_FAILED"
    )


def test_an_error_without_a_code_is_told_as_that() -> None:
    story = Story().to(Phase.CONNECTED)
    story.on(events.ErrorReported(Cause.SERVER_ERROR, "", "odd"))
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.last_end == SessionEnd(
        Cause.SERVER_ERROR, "the service reported an error without a code: odd", error_code=None
    )


def test_a_stable_session_that_ends_well_is_no_failure() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on_deadline(at_s=story.now_s + 30.0)
    story.on(events.SessionEndAnnounced("agent_disconnected"))
    story.on(events.LinkFailed(Cause.CLOSED_NORMALLY, "closed", close_code=1000))
    story.on(events.LinkReleased())
    assert story.machine.attempt == 0
    assert story.machine.next_deadline_s == story.now_s + 1.0 + 0.5
    assert story.reports[-1].severity is events.Severity.INFO
    assert story.reports[-1].text == "the service ended the session: agent_disconnected; next attempt in 1.5 s"


def test_a_shutdown_of_the_service_is_called_that() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on_deadline(at_s=story.now_s + 30.0)
    story.on(events.SessionEndAnnounced("server_shutdown"))
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.last_end is not None
    assert story.machine.last_end.cause is Cause.SERVER_SHUT_DOWN
    assert story.machine.next_deadline_s == story.now_s + 1.0 + 2.0


def test_a_short_session_that_ends_well_counts_as_a_failure() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on(events.SessionEndAnnounced(""), at_s=story.now_s + 29.9)
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.attempt == 1
    assert story.reports[-1].text == "the service ended the session: no reason given; next attempt in 1.8 s"


def test_rejected_tokens_are_tried_once_more_at_once_then_slowly() -> None:
    story = Story()
    delays_s = []
    story.on(events.Booted())
    story.on(events.DeviceAppeared())
    for _ in range(3):
        story.on_deadline(at_s=story.machine.next_deadline_s or 0.0)
        story.on(events.TokenFetched(TOKEN))
        story.on(events.LinkOpened(boottime_s=1001.0))
        story.on(events.LinkFailed(Cause.AUTH_REJECTED, "closed with 4003", close_code=4003))
        story.on(events.LinkReleased())
        assert story.machine.next_deadline_s is not None
        delays_s.append(story.machine.next_deadline_s - story.now_s)
    assert delays_s == [0.0, 600.0, 600.0]
    assert [report.severity for report in story.reports] == [
        events.Severity.WARNING,
        events.Severity.ERROR,
        events.Severity.ERROR,
    ]
    assert "check that agent.token.url" in story.reports[-1].text


def test_a_refused_credential_goes_to_the_slow_lane_at_once() -> None:
    story = Story().to(Phase.FETCHING)
    story.on(events.LinkFailed(Cause.TOKEN_REFUSED, "401", http_status=401))
    story.on(events.LinkReleased())
    assert story.machine.next_deadline_s == story.now_s + 600.0
    assert "agent.token.credential" in story.reports[-1].text


def test_losing_the_microphone_says_goodbye_and_waits_for_it() -> None:
    story = Story().to(Phase.AGENT_READY)
    assert story.on(events.DeviceDisappeared()) == [events.StopAudio(), events.ReleaseLink(1000)]
    story.on(events.LinkReleased(), at_s=50.0)
    assert story.machine.state is SessionState.NO_DEVICE
    assert story.machine.next_deadline_s is None
    assert story.reports[-1].text == "the microphone is gone"
    # back at once: still not before the pause
    story.on(events.DeviceAppeared(), at_s=50.1)
    assert story.machine.next_deadline_s == 50.0 + 1.0 + 0.75


def test_a_microphone_that_goes_while_waiting_or_idle() -> None:
    story = Story().to(Phase.WAITING)
    assert story.on(events.DeviceDisappeared()) == []
    assert story.machine.state is SessionState.NO_DEVICE

    idle = Story(activation=Activation.ON_DEMAND)
    idle.on(events.Booted())
    idle.on(events.DeviceAppeared())
    idle.on(events.DeviceDisappeared())
    idle.on(events.SessionRequested())
    assert idle.machine.state is SessionState.NO_DEVICE


def test_on_demand_sleeps_until_it_is_asked_and_again_afterwards() -> None:
    story = Story(activation=Activation.ON_DEMAND)
    story.on(events.Booted(), at_s=0.0)
    story.on(events.DeviceAppeared(), at_s=1.0)
    assert story.machine.state is SessionState.IDLE
    assert story.machine.next_deadline_s is None
    story.on(events.SessionRequested(), at_s=100.0)
    assert story.on_deadline(at_s=100.0) == [events.FetchToken()]
    story.on(events.TokenFetched(TOKEN))
    story.on(events.LinkOpened(boottime_s=1001.0))
    story.on(events.ServerConnected())
    story.on(events.LinkFailed(Cause.CLOSED_NORMALLY, "closed", close_code=1000))
    story.on(events.LinkReleased())
    assert story.machine.state is SessionState.IDLE


def test_on_demand_tries_again_after_a_failure() -> None:
    story = Story(activation=Activation.ON_DEMAND)
    for event in (events.Booted(), events.DeviceAppeared(), events.SessionRequested()):
        story.on(event, at_s=100.0)
    story.on_deadline(at_s=100.0)
    story.on(LOST)
    story.on(events.LinkReleased())
    assert story.machine.state is SessionState.WAITING


@pytest.mark.parametrize("phase", [Phase.NO_DEVICE, Phase.WAITING])
def test_a_dismissal_at_rest_goes_idle(phase: Phase) -> None:
    story = Story().to(phase)
    assert story.on(events.SessionDismissed()) == []
    assert story.machine.state is SessionState.IDLE


def test_a_dismissal_in_a_session_closes_it() -> None:
    story = Story().to(Phase.AGENT_READY)
    assert story.on(events.SessionDismissed()) == [events.StopAudio(), events.ReleaseLink(1000)]
    story.on(events.LinkReleased())
    assert story.machine.state is SessionState.IDLE
    assert story.machine.last_end is not None
    assert story.machine.last_end.cause is Cause.STOPPED


def test_wishes_while_a_link_is_released_decide_what_follows() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on(events.SessionDismissed())
    story.on(events.SessionRequested())
    story.on(events.DeviceDisappeared())
    story.on(events.DeviceAppeared())
    story.on(events.LinkReleased())
    assert story.machine.state is SessionState.WAITING

    story = Story().to(Phase.AGENT_READY)
    story.on(LOST)
    story.on(events.SessionDismissed())
    story.on(events.LinkReleased())
    assert story.machine.state is SessionState.IDLE


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.NO_DEVICE, Phase.WAITING])
def test_a_shutdown_at_rest_is_over_at_once(phase: Phase) -> None:
    story = Story()
    if phase is not Phase.IDLE:
        story.to(phase)
    assert story.on(events.ShutdownRequested()) == []
    assert story.machine.phase is Phase.STOPPED


@pytest.mark.parametrize(
    "phase", [Phase.FETCHING, Phase.OPENING, Phase.AUTHENTICATING, Phase.CONNECTED, Phase.AGENT_READY]
)
def test_a_shutdown_with_a_link_says_goodbye_first(phase: Phase) -> None:
    story = Story().to(phase)
    assert story.on(events.ShutdownRequested()) == [events.StopAudio(), events.ReleaseLink(1000)]
    assert story.on(events.LinkReleased()) == []
    assert story.machine.phase is Phase.STOPPED


def test_a_shutdown_while_ending_and_while_releasing() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on(events.SessionEndAnnounced("room_closed"))
    assert story.on(events.ShutdownRequested()) == []
    story.on(LOST)
    story.on(events.ShutdownRequested())
    story.on(events.LinkReleased())
    assert story.machine.phase is Phase.STOPPED


def test_a_link_that_is_never_released_is_a_bug_that_ends_the_process() -> None:
    story = Story().to(Phase.AGENT_READY)
    story.on(LOST)
    with pytest.raises(LinkStuck):
        story.on_deadline(at_s=story.now_s + 10.0)


def test_what_the_table_does_not_know_raises() -> None:
    story = Story().to(Phase.WAITING)
    with pytest.raises(UndefinedTransition, match="LinkReleased in WAITING"):
        story.on(events.LinkReleased())


def test_an_action_that_leads_elsewhere_than_its_row_says_raises() -> None:
    class Astray(SessionMachine):
        def _enter(self, phase: Phase, deadline_s: float | None) -> None:
            super()._enter(Phase.STOPPED if phase is Phase.NO_DEVICE else phase, deadline_s)

    machine = Astray(AgentConfiguration(backoff=BackoffConfiguration()), Activation.ALWAYS, Chance(0.5))
    with pytest.raises(UndefinedTransition, match="Booted led from IDLE to STOPPED"):
        machine.handle(events.Booted(), 0.0)


def test_secrets_do_not_show_in_what_may_be_printed() -> None:
    story = Story().to(Phase.OPENING)
    shown = f"{TOKEN!r} {events.TokenFetched(TOKEN)!r} {story.on(events.LinkOpened(boottime_s=1001.0))!r}"
    assert "t0ken" not in shown


def test_every_phase_but_the_last_can_be_left_by_a_shutdown() -> None:
    for phase in Phase:
        assert (phase, events.ShutdownRequested) in TABLE


def test_every_target_in_the_table_has_a_way_in_and_every_phase_a_row() -> None:
    reached = {target for transition in TABLE.values() for target in transition.targets}
    assert reached == set(Phase)
    assert {phase for phase, _ in TABLE} == set(Phase)


def test_two_rows_for_one_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="two rows for Booted in IDLE"):
        build_table([*ROWS, ROWS[0]])
