"""The service over real sockets, in this process."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from gatewayd.sim.agents import agent_factory, tone_frames
from gatewayd.sim.outcome import EndedBy
from gatewayd.sim.script import (
    Hangup,
)
from gatewayd.sim.service import Service, SimOptions, serve
from tests.sim.client import PATIENCE_S, connect, request
from tests.sim.serving import serving


async def test_a_whole_conversation() -> None:
    async with serving() as service:
        answer = await request(service, "POST", "/v1/session", body=b'{"agent_id": "front-desk"}')
        assert answer.status == 200
        assert answer.json()["url"] == service.ws_url
        async with connect(service) as client:
            await client.send_token(str(answer.json()["token"]))
            assert [await client.next(), await client.next()] == ["connected", "agent_ready"]
            frames = [bytes([number]) * 640 for number in range(10)]
            for frame in frames:
                await client.send_frame(frame)
                assert await client.next() == "binary 640"
            assert client.frames == frames
            session = await service.wait_session()
            assert [frame.data for frame in session.heard] == frames
            times = [frame.monotonic_ns for frame in session.heard]
            assert times == sorted(times)
            session.end("room_closed")
            assert await client.transcript() == ["session_ended room_closed", "close 1000", "eof"]
        outcome = await session.wait_ended()
        assert (outcome.by, outcome.close_received) == (EndedBy.SERVICE, 1000)


async def test_a_token_is_good_once() -> None:
    async with serving() as service:
        token = service.issue_token()
        async with connect(service) as client:
            await client.send_token(token)
            assert await client.next() == "connected"
        async with connect(service) as client:
            await client.send_token(token)
            assert await client.transcript() == ["error AUTH_FAILED", "close 4003", "eof"]


async def test_a_token_is_good_for_five_minutes() -> None:
    now = [0.0]
    async with serving(SimOptions(clock=lambda: now[0])) as service:
        early, late = service.issue_token(), service.issue_token()
        now[0] = 299.9
        async with connect(service) as client:
            await client.send_token(early)
            assert await client.next() == "connected"
        now[0] = 300.0
        async with connect(service) as client:
            await client.send_token(late)
            assert await client.next() == "error AUTH_FAILED"


async def test_heartbeat() -> None:
    async with serving() as service:
        answer = await request(service, "GET", "/heartbeat")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
        assert service.heartbeats == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/session", 405),
        ("POST", "/heartbeat", 405),
        ("POST", "/v1/voice", 405),
        ("GET", "/v1/voice", 426),
        ("GET", "/", 404),
        ("GET", "/heartbeat?why=not", 200),
    ],
)
async def test_what_is_asked_wrongly_is_refused(method: str, path: str, status: int) -> None:
    async with serving() as service:
        assert (await request(service, method, path)).status == status


async def test_a_credential_is_required() -> None:
    async with serving(SimOptions(credential="device-key-1")) as service:
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic device-key-1"}):
            answer = await request(service, "POST", "/v1/session", headers=headers)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        answer = await request(service, "POST", "/v1/session", headers={"Authorization": "Bearer device-key-1"})
        assert answer.status == 200


async def test_a_token_request_that_is_no_json_object() -> None:
    async with serving() as service:
        assert (await request(service, "POST", "/v1/session", body=b"agent=front-desk")).status == 400


async def test_a_body_without_end_is_not_read() -> None:
    async with serving() as service:
        assert (await request(service, "POST", "/v1/session", body=bytes(10_000_000))).status in (0, 413)
        assert (await request(service, "GET", "/heartbeat")).status == 200


async def test_the_client_may_close() -> None:
    async with serving() as service, connect(service) as client:
        await client.become_ready(service)
        await client.close(1001)
        assert await client.transcript() == ["close 1001", "eof"]
        outcome = await service.sessions[-1].wait_ended()
        assert (outcome.by, outcome.close_received) == (EndedBy.CLIENT, 1001)


async def test_the_client_may_vanish() -> None:
    async with serving() as service:
        async with connect(service) as client:
            await client.become_ready(service)
        outcome = await service.sessions[-1].wait_ended()
        assert (outcome.by, outcome.reached) == (EndedBy.NETWORK, "agent_ready")


async def test_stopping_says_so_to_every_session() -> None:
    async with trio.open_nursery() as nursery:
        service: Service = await nursery.start(serve, SimOptions())
        async with connect(service) as one, connect(service) as other:
            await one.become_ready(service)
            service.stop()
            assert await one.transcript() == ["session_ended server_shutdown", "close 1000", "eof"]
            assert await other.transcript() == ["session_ended server_shutdown", "close 1000", "eof"]
            with trio.fail_after(PATIENCE_S):
                await service.wait_stopped()


class Chatterbox:
    """Says 40 frames every millisecond, which no real agent does and a full socket does not take."""

    due = 0.0

    def start(self, now: float) -> None:
        """Begins at once."""

    def hear(self, frame: bytes, now: float) -> None:
        """Does not listen."""

    def speak(self, now: float) -> list[bytes]:
        if now < self.due:
            return []
        self.due = now + 0.001
        return [bytes(640)] * 40


async def test_a_client_that_reads_nothing_costs_frames_not_memory() -> None:
    async with serving(SimOptions(agent=Chatterbox)) as service, connect(service) as client:
        await client.send_token(service.issue_token())
        session = await service.wait_session()
        await session.wait_until(lambda session: session.tally.frames_unsaid > 1000)


async def test_over_its_connections_it_turns_clients_away() -> None:
    async with serving(SimOptions(max_connections=1)) as service:
        async with connect(service) as first, connect(service) as second:
            assert (first.accepted, second.accepted) == (True, None)
            assert (await second.transcript())[-1] in ("eof", "reset")
        await service.sessions[0].wait_ended()


async def test_the_tone_is_what_was_said() -> None:
    async with serving(SimOptions(agent=agent_factory("tone"))) as service, connect(service) as client:
        await client.become_ready(service)
        assert [await client.next() for _ in range(3)] == ["binary 640"] * 3
        assert tuple(client.frames) == tone_frames()[:3]
        assert [frame.data for frame in service.sessions[-1].said][:3] == client.frames


# orders from tests


async def test_orders_from_a_test() -> None:
    async with serving() as service, connect(service) as client:
        await client.become_ready(service)
        session = service.sessions[-1]
        session.send_text('{"type":"novelty"}')
        session.send_binary(b"odd")
        session.ping(b"?")
        session.fail("SESSION_SETUP_FAILED")
        assert await client.transcript() == [
            "novelty",
            "binary 3",
            "ping",
            "error SESSION_SETUP_FAILED",
            "close 4500",
            "eof",
        ]
        assert session.tally.pongs == 1
        session.send_text("after the end nothing happens")


@pytest.mark.parametrize(("how", "seen"), [(Hangup.RST, "reset"), (Hangup.FIN, "eof")])
async def test_a_cut_is_seen_as_it_was_meant(how: Hangup, seen: str) -> None:
    async with serving() as service, connect(service) as client:
        await client.become_ready(service)
        service.sessions[-1].cut(how)
        assert await client.transcript() == [seen]
