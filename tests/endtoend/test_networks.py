"""The whole daemon in networks that put something between it and the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc

from gatewayd.control.protocol import Command
from gatewayd.sim.certificates import Authority
from gatewayd.sim.service import SimOptions, serve
from tests.cloud.peers import answering, listening
from tests.cloud.proxies import TunnellingProxy
from tests.endtoend.running import PATIENCE_S, daemon, voice_service, write_configuration
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition

if TYPE_CHECKING:
    from pathlib import Path

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))
HOST = "voice.example"
pytestmark = pytest.mark.slow


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    return sound_rack.plug_in("Array", MONO_16K)


def add_drop_in(folder: Path, **agent: object) -> None:
    lines = [f"agent.{key.replace('__', '.')} = {json.dumps(value)}" for key, value in agent.items()]
    folder.joinpath("conf.d").mkdir()
    folder.joinpath("conf.d", "network.toml").write_text("\n".join(lines))


async def test_everything_goes_through_the_proxy_and_its_refusal_is_shown(tmp_path: Path, card: SoftCard) -> None:
    login = tmp_path / "proxy-login"
    login.write_text("kiosk:s3cr3t\n")
    # the name is known nowhere but behind the proxy
    options = SimOptions(tls=Authority(tmp_path).server_tls(HOST))
    async with trio.open_nursery() as nursery:
        service = await nursery.start(serve, options)
        proxy = TunnellingProxy(service.port)
        async with listening(proxy.serve) as proxy_port:
            setting = write_configuration(tmp_path, service, card)
            add_drop_in(
                tmp_path,
                url=f"wss://{HOST}/v1/voice",
                token__url=f"https://{HOST}/v1/session",
                heartbeat__url=f"https://{HOST}/heartbeat",
                heartbeat__interval_s=3600,  # asked once: later it would hold attempts back for the same reason
                proxy=f"http://127.0.0.1:{proxy_port}",
                proxy_credential=str(login),
            )
            async with daemon(setting) as running:
                await running.wait_state("agent_ready")
                with trio.fail_after(PATIENCE_S):
                    while (await running.status())["heartbeat"]["reachable"] is not True:  # noqa: ASYNC110 - another process
                        await trio.sleep(0.05)
                proxy.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                service.sessions[-1].fail("SESSION_SETUP_FAILED")
                station = await running.wait_until(
                    lambda station: (station["session"]["last_end"] or {}).get("cause") == "proxy_refused"
                )
                await running.stop()
        nursery.cancel_scope.cancel()
    assert station["session"]["last_end"]["detail"] == (
        f"the token endpoint: the proxy 127.0.0.1 answered HTTP 407 when asked for {HOST}: "
        f"it refuses the user and password in {str(login)!r} (agent.proxy_credential)"
    )
    assert {head.splitlines()[0] for head in proxy.heads} == {f"CONNECT {HOST}:443 HTTP/1.1"}
    assert all("Proxy-Authorization: Basic a2lvc2s6czNjcjN0\r\n" in head for head in proxy.heads)
    log = setting.log.read_text()
    assert "HTTP 407" in log
    assert "s3cr3t" not in log
    assert "a2lvc2s6czNjcjN0" not in log


async def test_behind_a_captive_portal_it_waits_until_somebody_has_logged_in(tmp_path: Path, card: SoftCard) -> None:
    logged_in = False

    async def portal(stream: trio.abc.Stream) -> None:
        page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<p>Log in</p>"
        fine = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nalive"
        await answering(fine if logged_in else page)(stream)

    async with voice_service(tmp_path) as service, listening(portal) as port:
        setting = write_configuration(tmp_path, service, card, station='activation = "on-demand"')
        add_drop_in(tmp_path, heartbeat__url=f"http://127.0.0.1:{port}/")
        async with daemon(setting) as running:
            await running.wait_state("idle")
            await running.wait_unreachable()
            await running.ask(Command.START)
            station = await running.wait_until(lambda station: station["session"]["waiting_for"] == "service")
            assert station["state"] == "waiting"
            assert service.token_requests == 0
            logged_in = True
            with trio.fail_after(PATIENCE_S):
                await service.wait_session()
            await running.wait_state("agent_ready")
    assert "with a web page: likely a captive portal" in setting.log.read_text()
