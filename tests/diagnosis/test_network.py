"""The steps on the way to the agent: what is wrong there is told at the step where it is wrong, and only there."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.tls import make_tls_context
from gatewayd.configuration.model import AgentConfiguration
from gatewayd.diagnosis.results import Step, failed
from gatewayd.diagnosis.ways import Way, resolve_all, secure_all, ways_of
from gatewayd.sim.certificates import Authority, Flaw
from gatewayd.sim.script import Place, Point, Respond, Scenario
from gatewayd.sim.script import Step as Scripted
from tests.cloud.peers import closed_port, listening
from tests.diagnosis.patients import KnownTime, Patient, leading_to, service_at

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


async def test_an_issuer_that_this_device_does_not_trust(tmp_path: Path) -> None:
    other = Authority(tmp_path, name="other.pem")
    async with service_at(tmp_path) as service:
        chart = await online(tmp_path, leading_to(service, ca_file=str(other.ca_file)))
        assert service.token_requests == 0
    assert chart.told(Step.CONNECT)[0] == "pass"
    assert chart.told(Step.TLS) == (
        "fail",
        (
            "the certificate of 127.0.0.1 comes from an issuer that this device does not trust; a private issuer goes "
            "in agent.ca_file"
        ),
        "check agent.url and agent.ca_file; verification is never turned off",
    )
    assert chart.told(Step.HEARTBEAT) == chart.told(Step.TOKEN) == skipped_for("tls")
    assert chart.told(Step.SESSION) == ("skipped", "it needs token, which was left out", None)


@pytest.mark.parametrize(
    ("flaw", "told", "advice"),
    [
        (Flaw.EXPIRED, "has expired by this device's clock", "check agent.url and agent.ca_file"),
        (Flaw.NOT_YET_VALID, "is not yet valid by this device's clock", SET_CLOCK),
        (Flaw.WRONG_HOST, "is for another host", "check agent.url and agent.ca_file"),
    ],
)
async def test_a_certificate_that_is_not_valid(tmp_path: Path, flaw: Flaw, told: str, advice: str) -> None:
    async with service_at(tmp_path, flaw=flaw) as service:
        chart = await online(tmp_path, leading_to(service))
    verdict, text, order = chart.told(Step.TLS)
    assert verdict == "fail"
    assert told in text
    assert order is not None
    assert order.startswith(advice)


async def test_a_certificate_that_ends_soon(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        first = await online(tmp_path, leading_to(service))
        days = int(first.of(Step.TLS).text.split()[-2])
        chart = await online(tmp_path, leading_to(service), now_s=lambda: time.time() + (days - 5) * 86_400)
    assert chart.told(Step.TLS) == (
        "warn",
        "127.0.0.1 speaks TLSv1.3, its certificate is good for 5 days",
        "have whoever runs 127.0.0.1 renew its certificate",
    )
    assert chart.told(Step.SESSION)[0] != "fail"


async def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    def resolver(host: str, port: int, *, type: socket.SocketKind, flags: int) -> list[object]:  # noqa: A002 - its name there
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with service_at(tmp_path) as service:
        agent = leading_to(service).replace(service.heartbeat_url, "https://voice.invalid/heartbeat")
        chart = await online(tmp_path, agent, resolver=resolver)
    assert chart.told(Step.DNS) == (
        "fail",
        "cannot resolve voice.invalid: Name or service not known; check the address; 127.0.0.1 is an address",
        "check the network of this device, and the host name in the configuration",
    )
    assert chart.told(Step.CONNECT)[0] == chart.told(Step.TLS)[0] == chart.told(Step.TOKEN)[0] == "pass"
    assert chart.told(Step.HEARTBEAT) == skipped_for("dns", "voice.invalid")


async def test_names_are_told_with_their_addresses() -> None:
    def resolver(host: str, port: int, *, type: socket.SocketKind, flags: int) -> list[object]:  # noqa: A002
        return [(socket.AF_INET, type, 6, "", (f"192.0.2.{number}", port)) for number in (1, 1, 2)]

    agent = AgentConfiguration(url="wss://voice.example/ws")
    found = await resolve_all(ways_of(agent), agent, resolver)  # type: ignore[arg-type]  # the tuples are getaddrinfo's
    assert found.outcome.text.startswith("voice.example is 192.0.2.1 and 1 more (")
    behind = replace(agent, proxy="http://proxy.example:3128")
    found = await resolve_all(ways_of(behind), behind, resolver)  # type: ignore[arg-type]
    assert found.outcome.text.startswith("proxy.example is 192.0.2.1 and 1 more, which resolves voice.example (")


async def test_a_port_that_refuses(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        with closed_port() as port:
            agent = leading_to(service).replace(service.ws_url, f"wss://127.0.0.1:{port}/v1/voice")
            chart = await online(tmp_path, agent)
    verdict, text, advice = chart.told(Step.CONNECT)
    assert (verdict, advice) == (
        "fail",
        "check host and port in the configuration; the host is there, and nothing listens",
    )
    assert f"127.0.0.1 port {port} refused the connection: nothing listens there" in text
    assert chart.told(Step.TOKEN)[0] == "pass"
    assert chart.told(Step.SESSION) == skipped_for("connect")


async def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    with closed_port() as port:
        agent = f"""
        [agent]
        url = "wss://voice.example/ws"
        proxy = "http://127.0.0.1:{port}"
        [agent.token]
        url = "https://api.example/session"
        """
        chart = await online(tmp_path, agent)
    assert chart.told(Step.DNS)[:2] == (
        "pass",
        "127.0.0.1 is an address, which resolves api.example; 127.0.0.1 is an address, which resolves voice.example",
    )
    assert chart.told(Step.CONNECT)[::2] == ("fail", "check agent.proxy, and that the proxy runs")


async def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    async def hang(_stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    authority = Authority(tmp_path)
    dialer = TcpDialer(tls_context=make_tls_context(str(authority.ca_file)))
    async with listening(hang) as port:
        found = await secure_all([Way("127.0.0.1", port, tls=True)], dialer, time.time, timeout_s=0.05)
    assert found.value is None
    assert found.outcome == failed(
        "timed out after 0.05 s while securing the connection to 127.0.0.1",
        "check whether a firewall of this network drops what this device sends",
    )


async def test_plaintext_on_this_device_is_no_matter(tmp_path: Path) -> None:
    async with service_at(tmp_path, tls=False) as service:
        chart = await online(tmp_path, leading_to(service))
    assert chart.told(Step.TLS) == ("skipped", "127.0.0.1 is this device itself, without TLS", None)
    assert chart.told(Step.TOKEN)[0] == chart.told(Step.SESSION)[0] == "pass"


PORTAL = Respond(302, {"Location": "https://login.invalid/?key=secret"})
PAGE = Respond(200, {"Content-Type": "text/html"}, "<html>Welcome to Hotel Wi-Fi</html>")
LOG_IN = "log this device in to the network (a captive portal asks for it), or correct agent.heartbeat"


@pytest.mark.parametrize(
    ("answer", "told", "advice"),
    [
        (PORTAL, "a redirect to login.invalid: likely a captive portal", LOG_IN),
        (PAGE, "with a web page: likely a captive portal", LOG_IN),
        (Respond(511), "wants somebody to log in first (captive portal)", LOG_IN),
        (Respond(404), "it answered HTTP 404", "check agent.heartbeat.url"),
        (Respond(503), "it answered HTTP 503", "ask whoever runs the service: it has a problem of its own"),
    ],
)
async def test_a_heartbeat_that_somebody_else_answers(tmp_path: Path, answer: Action, told: str, advice: str) -> None:
    scenario = Scenario(heartbeat=(Scripted(Point(Place.TOKEN), answer),))
    async with service_at(tmp_path, scenario=scenario) as service:
        chart = await online(tmp_path, leading_to(service))
    verdict, text, order = chart.told(Step.HEARTBEAT)
    assert (verdict, order) == ("fail", advice)
    assert told in text
    assert "secret" not in text
    assert chart.told(Step.TOKEN)[0] == "pass"


async def test_without_a_heartbeat(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        agent = leading_to(service).replace(json.dumps(service.heartbeat_url), '""')
        chart = await online(tmp_path, agent)
    assert chart.told(Step.HEARTBEAT) == ("skipped", "none is configured", None)


@pytest.mark.parametrize(
    ("synchronised", "now_s", "told", "advice"),
    [
        (True, 1_780_000_000.0, ("pass", "2026-05-28 20:26:40 UTC, synchronised"), None),
        (
            False,
            1_780_000_000.0,
            (
                "warn",
                "2026-05-28 20:26:40 UTC, and nobody keeps it right: no time daemon says that it is synchronised",
            ),
            SET_CLOCK,
        ),
        (True, 60.0, ("fail", "1970-01-01 00:01:00 UTC cannot be: certificates will be refused"), SET_CLOCK),
        (True, 1e30, ("fail", "it shows a time that is no date"), SET_CLOCK),
    ],
)
async def test_the_clock(
    tmp_path: Path, synchronised: bool, now_s: float, told: tuple[str, str], advice: str | None
) -> None:
    patient = Patient(tmp_path, "", clock=KnownTime(synchronised=synchronised), now_s=lambda: now_s)
    chart = await patient.examined(network=False)
    assert chart.told(Step.CLOCK) == (*told, advice)
