"""The session's rules, one transcript each: what the client does when, and what it gets when."""

from __future__ import annotations

import pytest

from gatewayd.sim.agents import Echo, Player
from gatewayd.sim.outcome import EndedBy, Phase
from gatewayd.sim.script import (
    Place,
    Proceed,
    script,
)
from gatewayd.sim.wire import BinaryReceived, CloseReceived, PingReceived, TextReceived, WireEvent, WireViolated
from tests.sim.drive import FRAME, TOKEN, Drive, told


def test_token_then_connected_then_agent_ready_then_echo() -> None:
    drive = Drive()
    drive.at(0.2, TOKEN)
    drive.at(1.0, BinaryReceived(FRAME))
    assert drive.said == [(0.2, "connected"), (0.25, "agent_ready"), (1.0, "frame")]


def test_no_token_within_ten_seconds() -> None:
    drive = Drive()
    drive.at(9.999999)
    assert drive.said == []
    drive.at(10.0)
    assert drive.said == [(10.0, "error AUTH_TIMEOUT"), (10.0, "close 4001")]


def test_a_token_at_the_last_moment_is_in_time() -> None:
    drive = Drive()
    drive.at(9.99, TOKEN)
    drive.at(60.0)
    assert [what for _, what in drive.said] == ["connected", "agent_ready"]


@pytest.mark.parametrize(
    "first",
    [
        TextReceived("hello"),
        TextReceived('"token"'),
        TextReceived("[]"),
        TextReceived("{}"),
        TextReceived('{"token": 7}'),
        TextReceived('{"token": ""}'),
        TextReceived("[" * 50_000),
        BinaryReceived(FRAME),
    ],
)
def test_a_first_message_that_is_no_token(first: WireEvent) -> None:
    drive = Drive()
    drive.at(0.0, first)
    assert drive.said == [(0.0, "error INVALID_AUTH"), (0.0, "close 4002")]


def test_an_unknown_token() -> None:
    drive = Drive()
    drive.at(0.0, TextReceived('{"token": "bad"}'))
    assert drive.said == [(0.0, "error AUTH_FAILED"), (0.0, "close 4003")]


def test_the_answer_to_a_close_ends_it() -> None:
    drive = Drive()
    drive.at(0.0, TextReceived("hello"))
    drive.at(1.0, CloseReceived(4002, ""))
    assert drive.said[-1] == (1.0, "hang up politely")
    outcome = drive.conversation.outcome
    assert outcome is not None
    assert (outcome.by, outcome.reached) == (EndedBy.SERVICE, "authenticating")
    assert (outcome.close_sent, outcome.close_received, outcome.error_code) == (4002, 4002, "INVALID_AUTH")


def test_a_close_without_an_answer_ends_after_five_seconds() -> None:
    drive = Drive()
    drive.at(0.0, TextReceived("hello"))
    drive.at(60.0)
    assert drive.said[-1] == (5.0, "hang up politely")
    assert drive.conversation.phase is Phase.ENDED


def test_the_client_closes() -> None:
    drive = Drive()
    drive.ready()
    drive.at(3.0, CloseReceived(1001, "going"))
    assert drive.said == [(3.0, "close 1001"), (3.0, "hang up politely")]
    assert drive.conversation.outcome is not None
    assert drive.conversation.outcome.by is EndedBy.CLIENT


def test_a_close_without_a_code_is_answered_with_1000() -> None:
    drive = Drive()
    drive.ready()
    drive.at(3.0, CloseReceived(1005, ""))
    assert drive.said[0] == (3.0, "close 1000")
    assert drive.conversation.tally.close_received == 1005


def test_ping_is_answered_at_every_stage() -> None:
    drive = Drive()
    drive.at(0.5, PingReceived(b"x"))
    drive.at(1.0, TOKEN)
    drive.at(2.0, PingReceived(b"y"))
    assert drive.said == [(0.5, "pong"), (1.0, "connected"), (1.05, "agent_ready"), (2.0, "pong")]


def test_wrong_frames_are_counted_and_not_echoed() -> None:
    drive = Drive()
    drive.ready()
    drive.at(1.0, BinaryReceived(bytes(641)))
    drive.at(1.0, BinaryReceived(bytes(641)))
    drive.at(1.0, TextReceived("{}"))
    assert drive.said == []
    assert drive.conversation.tally.violations == {"a frame of 641 bytes, not 640": 2, "text after the token": 1}


def test_strictly_a_wrong_frame_is_refused_with_1003() -> None:
    drive = Drive(strict=True)
    drive.ready()
    drive.at(1.0, BinaryReceived(bytes(1280)))
    assert drive.said == [(1.0, "close 1003")]


def test_strictly_text_after_the_token_is_refused_with_1008() -> None:
    drive = Drive(strict=True)
    drive.ready()
    drive.at(1.0, TextReceived("{}"))
    assert drive.said == [(1.0, "close 1008")]


def test_strictly_sound_between_token_and_connected_is_refused_with_1008() -> None:
    drive = Drive(script(Place.AUTH, Proceed(), after_s=1.0), strict=True)
    drive.at(0.0, TOKEN)
    drive.at(0.5, BinaryReceived(FRAME))
    assert drive.said == [(0.5, "close 1008")]


def test_sound_before_agent_ready_is_heard_and_not_echoed() -> None:
    drive = Drive()
    drive.at(0.0, TOKEN)
    drive.at(0.01, BinaryReceived(FRAME))
    drive.at(1.0)
    assert drive.said == [(0.0, "connected"), (0.05, "agent_ready")]
    assert drive.conversation.tally.frames_heard == 1


def test_broken_frames_close_at_once() -> None:
    drive = Drive()
    drive.ready()
    drive.at(1.0, WireViolated(1002, "Invalid opcode 0x3"))
    assert drive.said == [(1.0, "close 1002"), (1.0, "hang up politely")]


def test_an_echo_delay_is_kept_exactly() -> None:
    drive = Drive(agent=lambda: Echo(0.3))
    drive.ready()
    drive.at(1.0, BinaryReceived(FRAME))
    drive.at(1.02, BinaryReceived(FRAME))
    drive.at(5.0)
    assert drive.said == [(1.3, "frame"), (1.32, "frame")]


def test_a_player_begins_with_agent_ready_and_keeps_its_pace() -> None:
    drive = Drive(agent=lambda: Player([FRAME] * 3, loop=False))
    drive.at(0.0, TOKEN)
    drive.at(5.0)
    assert drive.said == [
        (0.0, "connected"),
        (0.05, "agent_ready"),
        (0.05, "frame"),
        (0.07, "frame"),
        (0.09, "frame"),
    ]


def test_shutting_down_says_so() -> None:
    drive = Drive()
    drive.ready()
    assert [told(command) for command in drive.conversation.shut_down(drive.now)] == [
        "session_ended server_shutdown",
        "close 1000",
    ]
