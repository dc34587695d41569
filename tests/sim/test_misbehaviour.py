"""Scripted misbehaviour, one transcript each."""

from __future__ import annotations

import pytest

from gatewayd.sim.agents import Echo
from gatewayd.sim.commands import Send
from gatewayd.sim.conversation import Conversation
from gatewayd.sim.outcome import EndedBy
from gatewayd.sim.script import (
    Accept,
    Close,
    Cut,
    Direction,
    EndSession,
    Fail,
    Hangup,
    Hush,
    Place,
    Point,
    Proceed,
    Quiet,
    Script,
    SendBinary,
    SendError,
    SendPing,
    SendText,
    Skip,
    Stall,
    Step,
    script,
)
from gatewayd.sim.tokens import Verdict
from gatewayd.sim.wire import BinaryReceived, CloseReceived, PingReceived, TextReceived
from tests.sim.drive import FRAME, TOKEN, Drive, told


@pytest.mark.parametrize(
    ("misbehaviour", "transcript"),
    [
        (script(Place.AUTH, Skip()), []),
        (script(Place.CONNECTED, Skip()), [(0.0, "connected")]),
        (script(Place.AUTH, Proceed(), after_s=4.0), [(4.0, "connected"), (4.05, "agent_ready")]),
        (
            script(Place.AUTH, Fail("SESSION_SETUP_FAILED")),
            [(0.0, "error SESSION_SETUP_FAILED"), (0.0, "close 4500"), (5.0, "hang up politely")],
        ),
        (
            script(Place.CONNECTED, Fail("QUOTA", close_code=4999), after_s=0.01),
            [(0.0, "connected"), (0.01, "error QUOTA"), (0.01, "close 4999"), (5.01, "hang up politely")],
        ),
        (script(Place.AUTH, SendError("AUTH_FAILED", typed=False), Skip()), [(0.0, "AUTH_FAILED")]),
        (script(Place.AUTH, Close(4500), Skip()), [(0.0, "close 4500"), (5.0, "hang up politely")]),
        (script(Place.AUTH, Close(4003, half_open=True)), [(0.0, "close 4003")]),
        (script(Place.AUTH, Cut()), [(0.0, "hang up rst")]),
        (
            script(Place.OPEN, Cut(Hangup.FIN), after_s=2.0),
            [(0.0, "connected"), (0.05, "agent_ready"), (2.0, "hang up fin")],
        ),
        (script(Place.AUTH, Hush(Quiet.ALL)), []),
        (
            script(Place.CONNECTED, Stall(Direction.SENDING, for_s=3.0)),
            [
                (0.0, "connected"),
                (0.0, "hold reading=False sending=True"),
                (0.05, "agent_ready"),
                (3.0, "hold reading=False sending=False"),
            ],
        ),
        (
            script(Place.AGENT_READY, SendPing(), SendBinary(b"odd"), SendText('{"type":"new"}')),
            [(0.0, "connected"), (0.05, "agent_ready"), (0.05, "ping"), (0.05, "binary"), (0.05, "new")],
        ),
    ],
    ids=lambda value: " ".join(type(step.action).__name__ for step in value.steps) if isinstance(value, Script) else "",
)
def test_misbehaviour(misbehaviour: Script, transcript: list[tuple[float, str]]) -> None:
    drive = Drive(misbehaviour)
    drive.at(0.0, TOKEN)
    drive.at(9.9)
    assert drive.said == transcript


def test_a_wrong_token_accepted_all_the_same() -> None:
    drive = Drive(script(Place.AUTH, Accept()))
    drive.at(0.0, TextReceived("not even JSON"))
    drive.at(1.0)
    assert [what for _, what in drive.said] == ["connected", "agent_ready"]


def test_a_service_that_never_minds_a_missing_token() -> None:
    drive = Drive(script(Place.OPEN, Skip()))
    drive.at(3600.0)
    assert drive.said == []


def test_after_so_many_frames() -> None:
    drive = Drive(script(Place.FRAMES, EndSession("room_closed"), frames=3, after_s=0.5))
    drive.ready()
    for index in range(4):
        drive.at(1.0 + index / 100, BinaryReceived(FRAME))
    drive.at(3.0)
    assert drive.said == [
        *((1.0 + index / 100, "frame") for index in range(4)),
        (1.52, "session_ended room_closed"),
        (1.52, "close 1000"),
    ]


def test_steps_of_one_point_follow_one_another() -> None:
    point = Point(Place.AGENT_READY)
    drive = Drive(
        Script((Step(point, SendPing(), 1.0), Step(point, SendBinary(b"x"), 2.0), Step(point, Close(1001), 3.0)))
    )
    drive.ready()
    drive.at(7.0)
    assert drive.said == [(1.05, "ping"), (3.05, "binary"), (6.05, "close 1001")]


def test_a_close_that_is_not_answered() -> None:
    drive = Drive(script(Place.CLOSE, Skip()))
    drive.ready()
    drive.at(1.0, CloseReceived(1000, ""))
    drive.at(100.0, PingReceived(b""))
    assert drive.said == []
    drive.conversation.lose("TCP ended")
    assert drive.conversation.outcome is not None
    assert drive.conversation.outcome.by is EndedBy.CLIENT


def test_a_ping_after_the_clients_close() -> None:
    drive = Drive(script(Place.CLOSE, SendPing()))
    drive.ready()
    drive.at(1.0, CloseReceived(1000, ""))
    assert drive.said == [(1.0, "ping"), (1.0, "close 1000"), (1.0, "hang up politely")]


def test_no_pong() -> None:
    drive = Drive(script(Place.AGENT_READY, Hush(Quiet.PONGS)))
    drive.ready()
    drive.at(1.0, PingReceived(b""))
    drive.at(1.0, BinaryReceived(FRAME))
    assert drive.said == [(1.0, "frame")]


def test_an_agent_that_falls_silent() -> None:
    drive = Drive(script(Place.FRAMES, Hush(), frames=2))
    drive.ready()
    for _ in range(3):
        drive.at(1.0, BinaryReceived(FRAME))
    assert drive.said == [(1.0, "frame")]


def test_a_send_that_is_seen_before_it_is_lost() -> None:
    drive = Drive()
    drive.ready()
    drive.conversation.lose("TCP ended")
    drive.conversation.lose("TCP ended again")
    outcome = drive.conversation.outcome
    assert outcome is not None
    assert (outcome.by, outcome.detail, outcome.reached) == (EndedBy.NETWORK, "TCP ended", "agent_ready")
    assert drive.conversation.receive(TOKEN, drive.now) == []
    assert [*map(told, drive.conversation.perform(Cut(), drive.now))] == []


def test_send_bytes_are_what_the_rfc_says() -> None:
    conversation = Conversation(
        script=Script(), agent=Echo(), redeem=lambda _token, _now: Verdict.GOOD, setup_s=0, strict=False
    )
    conversation.open(0.0)
    (connected, ready) = conversation.receive(TOKEN, 0.0)
    assert connected == Send(b"\x81\x14" + b'{"type":"connected"}')
    assert ready == Send(b"\x81\x16" + b'{"type":"agent_ready"}')
