"""The whole daemon against the whole service."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from gatewayd.control.protocol import Command
from gatewayd.sim.outcome import EndedBy
from gatewayd.sim.script import Place, Point, Respond, Scenario, Step
from tests.endtoend.running import PATIENCE_S, daemon, run_command, voice_service, write_configuration
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.sim.session import Session

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))
"""A card that speaks the wire's own format, so that whatever passes must be bit for bit the same."""
CONVERSATION_FRAMES = 60
pytestmark = pytest.mark.slow


def noise(seconds: float) -> bytes:
    """Sound in which no two stretches are alike."""
    return np.random.default_rng(1).integers(-9000, 9000, int(seconds * 16_000)).astype("<i2").tobytes()


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(noise(30))
    return card


def heard_in(session: Session) -> bytes:
    return b"".join(frame.data for frame in session.heard)


async def test_a_conversation_is_the_same_bytes_all_the_way(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        with trio.fail_after(PATIENCE_S):
            session = await service.wait_session()
            await session.wait_heard(CONVERSATION_FRAMES)
        # 60 ms that the card already has are lost in a stop, so a little more than what is looked at
        station = await running.wait_until(lambda now: now["playback"]["frames_played"] > CONVERSATION_FRAMES + 10)
        assert station["state"] == "agent_ready"
        assert station["capture"]["health"] == "ok"
        assert station["session"]["frames_dropped"]["stalled"] == 0
        code, _ = await running.stop()
        assert code == 0
        outcome = await session.wait_ended()
    assert (outcome.by, outcome.close_received) == (EndedBy.CLIENT, 1000)
    assert heard_in(session) in noise(30)
    # a late frame may have been bridged with silence, but none is missing, changed or out of its order
    played, position = card.played(), 0
    for frame in list(session.said)[:CONVERSATION_FRAMES]:
        position = played.index(frame.data, position) + len(frame.data)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_is_over_within_three_seconds(tmp_path: Path, card: SoftCard, number: int) -> None:
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        await running.wait_state("agent_ready")
        code, took_s = await running.stop(number)
    assert code == 0
    assert took_s < 3
    assert not card.open_directions()


async def test_every_connect_has_a_fresh_token_and_faults_are_shown(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        for number in (1, 2):
            with trio.fail_after(PATIENCE_S):
                session = await service.wait_session(number)
                await session.wait_agent_ready()
            session.fail("SESSION_SETUP_FAILED")
        station = await running.wait_until(lambda station: station["session"]["connects"] == 3)
        assert station["session"]["last_end"] == {
            "cause": "session_setup_failed",
            "detail": station["session"]["last_end"]["detail"],
            "close_code": 4500,
            "error_code": "SESSION_SETUP_FAILED",
        }
        assert service.token_requests == 3


async def test_a_daemon_without_its_microphone_waits_and_asks_for_nothing(tmp_path: Path, card: SoftCard) -> None:
    card.unplug()
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        station = await running.wait_state("no_device")
        assert station["capture"]["health"] == "missing"
        assert (await running.status())["ready"] is True
        assert service.token_requests == 0
        card.replug()
        await running.wait_state("agent_ready")
        card.unplug()
        await running.wait_state("no_device")
        card.replug()
        station = await running.wait_state("agent_ready")
        assert station["capture"]["reopens"] == 1


async def test_no_token_is_asked_for_while_the_heartbeat_does_not_answer(tmp_path: Path, card: SoftCard) -> None:
    unwell = Scenario(heartbeat=(Step(Point(Place.TOKEN), Respond(503)),))
    async with (
        voice_service(tmp_path, unwell) as service,
        daemon(write_configuration(tmp_path, service, card)) as running,
    ):
        await running.wait_state("agent_ready")
        await running.wait_unreachable()
        service.sessions[-1].fail("SESSION_SETUP_FAILED")
        station = await running.wait_until(lambda station: station["session"]["waiting_for"] == "service")
        assert station["state"] == "waiting"
        assert service.token_requests == 1


async def test_on_demand_talks_only_when_asked(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card, station='activation = "on-demand"')
        async with daemon(setting) as running:
            await running.wait_until(lambda station: station["state"] == "idle" and station["capture"]["frames"] > 0)
            assert service.token_requests == 0
            await running.ask(Command.START, "main")
            await running.wait_state("agent_ready")
            await running.ask(Command.STOP)
            station = await running.wait_state("idle")
            assert station["session"]["last_end"]["cause"] == "stopped"


async def test_status_for_scripts_and_a_second_daemon(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        config = ("--config", str(setting.configuration))
        code, _, errors = await run_command(setting, "status", *config)
        assert code == 69
        assert "is it running?" in errors
        async with daemon(setting) as running:
            await running.wait_state("agent_ready")
            code, printed, _ = await run_command(setting, "status", "--json", *config)
            assert code == 0
            assert json.loads(printed)["stations"]["main"]["state"] == "agent_ready"
            code, _, errors = await run_command(setting, "run", *config)
            assert code == 69
            assert "another gatewayd is running" in errors


async def test_a_wrong_configuration_is_told_in_full(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card, extra="cap = 5", station='activation = "sometimes"')
        for command in ("run", "check"):
            code, printed, errors = await run_command(setting, command, "--config", str(setting.configuration))
            assert code == 78
            assert printed == ""
            assert [line.split(": ")[1] for line in errors.splitlines()] == [
                "agent.backoff.cap",
                "stations.main.activation",
            ]


async def test_an_untrusted_certificate_is_called_that(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        lines = setting.configuration.read_text().splitlines()
        setting.configuration.write_text("\n".join(line for line in lines if "ca_file" not in line))
        async with daemon(setting) as running:
            station = await running.wait_until(lambda station: station["session"]["last_end"] is not None)
            assert station["session"]["last_end"]["cause"] == "certificate_invalid"
            assert service.sessions == []
