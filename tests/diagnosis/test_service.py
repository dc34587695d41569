"""The steps at the service: tokens and sessions that are not given, and never a token shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.diagnosis.results import Step
from gatewayd.diagnosis.service import SessionTrial
from gatewayd.session.tokens import Token
from gatewayd.sim import script as scripted
from gatewayd.sim.script import Place, Point, Respond, Scenario, Script
from gatewayd.sim.script import Step as Scripted
from tests.diagnosis.patients import Patient, leading_to, service_at
from tests.session.fakes import ScriptedTransport

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.sim.script import Action
    from tests.diagnosis.patients import Chart

SET_CLOCK = "set the clock: `timedatectl set-ntp true`, and let this device reach a time server"


async def online(folder: Path, agent: str, **patient: object) -> Chart:
    """The chart of a device without a card, for what follows."""
    return await replace(Patient(folder, agent), **patient).examined()  # type: ignore[arg-type]  # as the dataclass has them


def skipped_for(step: str, host: str = "127.0.0.1") -> tuple[str, str, None]:
    return "skipped", f"it needs {step}, which failed for {host}", None


async def test_a_token_command_that_says_where_the_agent_is(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        command = tmp_path / "mint-token"
        answer = json.dumps({"token": service.issue_token(), "url": service.ws_url})
        command.write_text(f"#!/bin/sh\necho '{answer}'\n")
        command.chmod(0o755)
        agent = f"""
        [agent]
        ca_file = {json.dumps(service.ca_file)}
        [agent.token]
        command = [{json.dumps(str(command))}]
        url_field = "url"
        """
        chart = await online(tmp_path, agent)
    where = "the configuration leads nowhere by itself: the token command says where"
    assert chart.told(Step.DNS) == ("skipped", where, None)
    assert chart.told(Step.CONNECT) == ("skipped", "it needs dns, which was left out", None)
    assert chart.told(Step.TOKEN)[0] == chart.told(Step.SESSION)[0] == "pass"
    assert chart.of(Step.TOKEN).text.endswith("with the address of the agent")


SECRET = "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4"


@pytest.mark.parametrize(
    ("answer", "told", "advice"),
    [
        (
            Respond(401, body=SECRET),
            "HTTP 401: it wants a credential; none is configured",
            "check the credential named by",
        ),
        (
            Respond(404, body=SECRET),
            "HTTP 404: check agent.token.url and agent.token.method",
            "check agent.token.url and",
        ),
        (
            Respond(200, body=SECRET),
            "the answer to the token request is not JSON",
            "check agent.token.url, token_field",
        ),
        (
            Respond(200, body='{"tok": 1}'),
            "'token' (agent.token.token_field) is not there",
            "check agent.token.url, tok",
        ),
        (Respond(500, body=SECRET), "HTTP 500: it has a problem of its own", "check agent.token.url and method"),
    ],
)
async def test_a_token_that_is_not_given(tmp_path: Path, answer: Action, told: str, advice: str) -> None:
    scenario = Scenario(connections=(scripted.script(Place.TOKEN, answer),))
    async with service_at(tmp_path, scenario=scenario) as service:
        chart = await online(tmp_path, leading_to(service))
    verdict, text, order = chart.told(Step.TOKEN)
    assert verdict == "fail"
    assert told in text
    assert order is not None
    assert order.startswith(advice)
    assert SECRET not in repr(chart)
    assert chart.told(Step.SESSION) == ("skipped", "it needs token, which failed", None)


@pytest.mark.parametrize(
    ("action", "told", "advice"),
    [
        (
            scripted.Fail("AUTH_TIMEOUT", "too late"),
            "the service reported AUTH_TIMEOUT: too late (close code 4001)",
            "this device or its link is too slow to send its token in time",
        ),
        (
            scripted.Fail("AUTH_FAILED", "no"),
            "the service reported AUTH_FAILED: no (close code 4003)",
            "check that agent.token.url and agent.url belong to the same service, and the device's clock",
        ),
        (
            scripted.Close(4500, "later"),
            "the service closed the connection with code 4500: later",
            "run this again in a minute; if it stays so, ask whoever runs the voice service",
        ),
        (
            scripted.EndSession("room_closed"),
            "the service ended the session: room_closed",
            "ask whoever runs the agent why it ends sessions at once",
        ),
    ],
)
async def test_a_session_that_is_refused(tmp_path: Path, action: Action, told: str, advice: str) -> None:
    scenario = Scenario(connections=(scripted.script(Place.AUTH, action),))
    async with service_at(tmp_path, scenario=scenario) as service:
        chart = await online(tmp_path, leading_to(service))
    assert chart.told(Step.SESSION) == ("fail", told, advice)


async def test_no_websocket_at_the_address(tmp_path: Path) -> None:
    scenario = Scenario(connections=(scripted.script(Place.UPGRADE, Respond(404)),))
    async with service_at(tmp_path, scenario=scenario) as service:
        chart = await online(tmp_path, leading_to(service))
    assert chart.told(Step.SESSION) == (
        "fail",
        "127.0.0.1 refused the WebSocket with HTTP 404: nothing at this address; check its path",
        "check agent.url, and that this device is still allowed",
    )


async def test_a_token_that_the_service_repeats_is_not_shown(tmp_path: Path) -> None:
    given = Scripted(Point(Place.TOKEN), Respond(200, body=json.dumps({"token": SECRET, "sim": "$TOKEN"})))
    said = Scripted(Point(Place.AUTH), scripted.Fail("AUTH_FAILED", f"what is {SECRET}"))
    async with service_at(tmp_path, scenario=Scenario(connections=(Script((given, said)),))) as service:
        chart = await online(tmp_path, leading_to(service))
    assert chart.of(Step.SESSION).text == "the service reported AUTH_FAILED: what is [token] (close code 4003)"
    assert SECRET not in repr(chart)


async def trial(*said: str | bytes) -> tuple[str, str, float]:
    """A session over a scripted transport: verdict, text, and how long it took."""

    async def say() -> None:
        connection = await transport.next_connection()
        connection.say(*said)

    transport = ScriptedTransport()
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say)
        found = await SessionTrial(transport, "wss://voice.example/ws").run(Token(SECRET, requested_at_s=0.0))
    return found.outcome.verdict.value, found.outcome.text, trio.current_time() - began_s


async def test_a_service_that_does_not_answer_the_token(autojump_clock: trio.testing.MockClock) -> None:
    assert await trial() == ("fail", "the service did not answer the token within 10 s", 10.0)


async def test_an_agent_that_never_gets_ready(autojump_clock: trio.testing.MockClock) -> None:
    words = "the service let this device in, and no agent became ready within 15 s"
    assert await trial('{"type":"connected"}', bytes(640), "what?", '{"type":"news"}') == ("fail", words, 15.0)


async def test_an_error_that_no_close_follows(autojump_clock: trio.testing.MockClock) -> None:
    error = '{"code":"SESSION_SETUP_FAILED","message":"full"}'
    assert await trial(error) == ("fail", "the service reported SESSION_SETUP_FAILED: full", 1.0)


async def test_an_agent_that_is_ready(autojump_clock: trio.testing.MockClock) -> None:
    verdict, text, took_s = await trial('{"type":"connected"}', '{"type":"agent_ready"}')
    assert (verdict, took_s) == ("pass", 0.0)
    assert text == "the agent is ready after 0.00 s: 0.00 s to connect, 0.00 s to be let in, 0.00 s for the agent"
