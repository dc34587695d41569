"""Scripted misbehaviour over real sockets."""

from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from gatewayd.sim.outcome import EndedBy
from gatewayd.sim.script import (
    Close,
    Cut,
    Direction,
    Fail,
    Hangup,
    Place,
    Point,
    Proceed,
    Respond,
    Scenario,
    Script,
    SendBinary,
    SendPing,
    SendRaw,
    SendText,
    Skip,
    Stall,
    Step,
    Then,
    script,
)
from gatewayd.sim.service import SimOptions
from tests.sim.client import connect, request
from tests.sim.serving import serving


def scenario(*scripts: Script, then: Then = Then.NORMAL) -> SimOptions:
    return SimOptions(scenario=Scenario(connections=scripts, then=then))


async def test_token_answers_in_turn() -> None:
    busy = Respond(503, {"Retry-After": "30"}, "later")
    async with serving(scenario(script(Place.TOKEN, busy), script(Place.TOKEN, Respond(200, body="{")))) as service:
        first = await request(service, "POST", "/v1/session")
        assert (first.status, first.headers["retry-after"], first.body) == (503, "30", b"later")
        assert (await request(service, "POST", "/v1/session")).body == b"{"
        assert (await request(service, "POST", "/v1/session")).status == 200


async def test_the_last_script_repeats() -> None:
    async with serving(scenario(script(Place.TOKEN, Respond(500)), then=Then.REPEAT)) as service:
        assert [(await request(service, "POST", "/v1/session")).status for _ in range(3)] == [500] * 3


async def test_a_token_in_another_shape() -> None:
    body = '{"data": {"session": {"key": "$TOKEN", "where": "$WS_URL"}}}'
    async with serving(SimOptions(scenario=Scenario(token_body=body))) as service:
        answer = (await request(service, "POST", "/v1/session")).json()
        session = answer["data"]["session"]  # type: ignore[index]  # just parsed JSON
        assert session["where"] == service.ws_url
        async with connect(service) as client:
            await client.send_token(session["key"])
            assert await client.next() == "connected"


async def test_an_attempt_is_a_token_request_and_its_upgrade() -> None:
    options = scenario(Script(), script(Place.UPGRADE, Respond(403, body_bytes=100_000)), script(Place.AUTH, Cut()))
    async with serving(options) as service:
        await request(service, "POST", "/v1/session")
        async with connect(service) as client:
            assert client.accepted
        await request(service, "POST", "/v1/session")
        async with connect(service) as client:
            assert (client.accepted, client.status) == (False, 403)
        async with connect(service) as client:
            await client.send_token("none asked for")
            assert await client.transcript() == ["reset"]
        assert [session.attempt for session in service.sessions] == [1, 3]


async def test_an_upgrade_that_dribbles() -> None:
    respond = Respond(502, body="down for good", bytes_per_s=200)
    async with serving(scenario(script(Place.UPGRADE, respond))) as service, connect(service) as client:
        assert (client.accepted, client.status) == (False, 502)
        await client.transcript()
        assert client.body == b"down for good"


@pytest.mark.parametrize(
    ("action", "ended"),
    [(Cut(Hangup.RST), "reset"), (Cut(Hangup.FIN), "eof"), (SendRaw(b"SIP/2.0 200 OK\r\n\r\n"), "")],
)
async def test_no_http_at_the_token(action: Cut | SendRaw, ended: str) -> None:
    steps = script(Place.TOKEN, action, Cut(Hangup.FIN))
    async with serving(scenario(steps)) as service:
        answer = await request(service, "POST", "/v1/session")
        assert answer.status == 0
        assert answer.ended == ended or not ended


async def test_a_connection_that_never_speaks() -> None:
    accepts = (Step(Point(Place.TOKEN), Stall()), Step(Point(Place.TOKEN), Proceed(), 0.01))
    async with (
        serving(SimOptions(scenario=Scenario(accepts=accepts))) as service,
        await trio.open_tcp_stream("127.0.0.1", service.port) as silent,
    ):
        await silent.send_all(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await request(service, "GET", "/heartbeat")).status == 200
        await silent.send_eof()
        assert await silent.receive_some() == b""


async def test_heartbeats_are_scripted_apart() -> None:
    steps = (Step(Point(Place.TOKEN), Respond(503)),)
    async with serving(SimOptions(scenario=Scenario(heartbeat=steps))) as service:
        assert [(await request(service, "GET", "/heartbeat")).status for _ in range(2)] == [503, 503]
        assert (await request(service, "POST", "/v1/session")).status == 200


async def test_tcp_left_open_after_a_close() -> None:
    async with serving() as service:
        service.script_next(script(Place.AUTH, Close(4001, half_open=True)))
        async with connect(service) as client:
            await client.send_token("x")
            assert await client.next() == "close 4001"
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert service.sessions[-1].outcome is None
        outcome = await service.sessions[-1].wait_ended()
        assert (outcome.by, outcome.close_sent) == (EndedBy.SERVICE, 4001)


async def test_a_close_frame_without_a_code_and_one_with_a_forbidden_code() -> None:
    async with serving() as service:
        service.script_next(script(Place.OPEN, Close(None)), script(Place.OPEN, Close(1006)))
        async with connect(service) as client:
            assert (await client.next()) == "close 1005"
        async with connect(service) as client:
            assert (await client.next()) == "close 1002"  # wsproto's word for a peer that breaks the rules


async def test_fragments_and_broken_frames() -> None:
    point = Point(Place.OPEN)
    steps = (
        Step(point, SendText('{"type":"façade"}', fragments=5)),
        Step(point, SendBinary(bytes(640), count=2, fragments=3)),
        Step(point, SendPing(count=3)),
        Step(point, SendRaw(b"\x81\x02\xc3\x28")),
    )
    async with serving() as service:
        service.script_next(Script(steps))
        async with connect(service) as client:
            seen = [await client.next() for _ in range(7)]
            assert seen == ["façade", "binary 640", "binary 640", "ping", "ping", "ping", "close 1007"]


async def test_a_stall_ends_and_everything_is_there() -> None:
    async with serving() as service:
        service.script_next(script(Place.AGENT_READY, Stall(Direction.READING, for_s=0.2)))
        async with connect(service) as client:
            await client.become_ready(service)
            for _ in range(5):
                await client.send_frame()
            assert [await client.next() for _ in range(5)] == ["binary 640"] * 5


async def test_a_held_session_is_cut_at_once() -> None:
    async with serving() as service:
        service.script_next(script(Place.AGENT_READY, Stall(Direction.BOTH)))
        async with connect(service) as client:
            await client.send_token(service.issue_token())
            session = await service.wait_session()
            await session.wait_agent_ready()
            session.send_text("never sent")
            session.cut()
            assert "reset" in await client.transcript()


async def test_setup_failed_then_normal() -> None:
    async with serving(scenario(script(Place.AUTH, Fail("SESSION_SETUP_FAILED")))) as service:
        async with connect(service) as client:
            await client.send_token("any")
            assert await client.transcript() == ["error SESSION_SETUP_FAILED", "close 4500", "eof"]
        async with connect(service) as client:
            await client.become_ready(service)


async def test_the_summary_tells_no_token() -> None:
    async with serving() as service:
        service.script_next(script(Place.CONNECTED, Skip()))
        token = service.issue_token()
        async with connect(service) as client:
            await client.send_token(token)
            assert await client.next() == "connected"
        session = service.sessions[-1]
        await session.wait_ended()
        assert token not in json.dumps(session.summary())
        assert session.summary()["outcome"] == {
            "by": "network",
            "detail": "TCP ended",
            "reached": "connected",
            "close_sent": None,
            "close_received": None,
            "error_code": None,
        }
