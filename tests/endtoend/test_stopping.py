"""A signal ends the daemon in every state: the session with a goodbye, the process with 0, within three seconds."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.sim.outcome import EndedBy
from gatewayd.sim.script import Respond, Script, Skip, Stall, script
from tests.endtoend.running import PATIENCE_S, daemon, voice_service, write_configuration
from tests.endtoend.test_daemon import card

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard

__all__ = ["card"]
pytestmark = pytest.mark.slow

STUCK = {
    "the token request": (script("token", Stall()), "connecting"),
    "the upgrade": (script("upgrade", Stall()), "connecting"),
    "authentication": (script("auth", Skip()), "connecting"),
    "the agent": (script("connected", Skip()), "connected"),
    "the wait after a refused credential": (script("token", Respond(401)), "waiting"),
    "nothing": (Script(), "agent_ready"),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", STUCK)
async def test_a_stop_while_it_waits_for(tmp_path: Path, card: SoftCard, step: str, number: int) -> None:
    behaviour, state = STUCK[step]
    async with voice_service(tmp_path) as service:
        service.script_next(behaviour)
        async with daemon(write_configuration(tmp_path, service, card)) as running:
            await running.wait_state(state)
            code, took_s = await running.stop(number)
            assert code == 0
            assert took_s < 3
            assert not card.open_directions()
            if state in ("connected", "agent_ready"):
                with trio.fail_after(PATIENCE_S):
                    outcome = await service.sessions[-1].wait_ended()
                assert (outcome.by, outcome.close_received) == (EndedBy.CLIENT, 1000)


async def test_a_stop_without_a_microphone(tmp_path: Path, card: SoftCard) -> None:
    card.unplug()
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        await running.wait_state("no_device")
        code, took_s = await running.stop()
    assert code == 0
    assert took_s < 3


async def test_a_service_that_ignores_the_goodbye_does_not_hold_up_a_stop(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        service.script_next(script("close", Skip()))
        async with daemon(write_configuration(tmp_path, service, card)) as running:
            await running.wait_state("agent_ready")
            code, took_s = await running.stop()
    assert code == 0
    assert 1.5 <= took_s < 3


async def test_a_second_signal_leaves_at_once(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        service.script_next(script("close", Skip()))
        setting = write_configuration(tmp_path, service, card)
        async with daemon(setting) as running:
            await running.wait_state("agent_ready")
            running.process.send_signal(signal.SIGTERM)
            await running.wait_state("ended")
            code, _ = await running.stop()
    assert code == 0
    assert "SIGTERM again: leaving at once" in setting.log.read_text()
