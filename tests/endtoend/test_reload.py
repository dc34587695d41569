"""A new configuration while everything runs, by the signal that `systemctl reload` sends."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trio

from gatewayd.control.protocol import Command
from tests.endtoend.running import PATIENCE_S, daemon, voice_service, write_agent
from tests.endtoend.service_manager import service_manager
from tests.endtoend.test_daemon import MONO_16K

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.sim.service import Service
    from tests.endtoend.running import RunningDaemon, Setting
    from tests.endtoend.service_manager import ServiceManager
    from tests.softcard.card import SoftCard, SoundRack

pytestmark = pytest.mark.slow


@pytest.fixture
def cards(sound_rack: SoundRack) -> list[SoftCard]:
    noise = np.random.default_rng(1).integers(-9000, 9000, 160_000).astype("<i2").tobytes()
    cards = [sound_rack.plug_in(name, MONO_16K) for name in ("Lobby", "Door", "Yard")]
    for card in cards:
        card.play_in(noise)
    return cards


def station(name: str, card: SoftCard, gain_db: float = 0.0) -> str:
    return f"""
        [stations.{name}.capture]
        device = {json.dumps(card.device)}
        rate_hz = 16000
        format = "S16_LE"
        channels = 1
        gain_db = {gain_db}
    """


def write(folder: Path, service: Service, *stations: str, extra: str = "") -> Setting:
    return write_agent(folder, service, "".join(stations), extra=extra)


async def reload(running: RunningDaemon, manager: ServiceManager) -> list[str]:
    """What systemd was told from the signal on, but the feeding of its watchdog."""
    running.process.send_signal(signal.SIGHUP)
    first = await manager.wait_for(lambda message: message.startswith("RELOADING=1"))
    told = [first, await manager.wait_for(lambda message: not message.startswith("STATUS="))]
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[0-9]+", told[0])
    return told[1:]


def gist(station: dict[str, Any]) -> tuple[int, int, int]:
    return station["session"]["connects"], station["capture"]["reopens"], station["capture"]["gaps"]


async def test_only_what_changed_is_restarted(tmp_path: Path, cards: list[SoftCard]) -> None:
    lobby, door, yard = cards
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write(tmp_path, service, station("lobby", lobby), station("door", door)))
            async with daemon(setting) as running:
                for name in ("lobby", "door"):
                    await running.wait_until(lambda now: now["session"]["frames_sent"] > 5, name)
                await running.ask(Command.MUTE, "door")
                write(tmp_path, service, station("lobby", lobby), station("door", door, 6), station("yard", yard))
                before = (await running.status())["stations"]["lobby"]["capture"]["frames"]
                assert await reload(running, manager) == ["READY=1"]

                now = await running.wait_until(lambda now: now["capture"]["frames"] > before + 10, "lobby")
                assert gist(now) == (1, 0, 0)
                assert now["session"]["frames_dropped"]["stalled"] == 0
                assert (await running.status())["stations"]["door"]["muted"] is True
                await running.ask(Command.UNMUTE, "door")
                for name in ("door", "yard"):
                    await running.wait_until(lambda now: now["state"] == "agent_ready", name)

                write(tmp_path, service, station("lobby", lobby))
                await reload(running, manager)
                assert list((await running.status())["stations"]) == ["lobby"]
                assert not door.open_directions()
                assert not yard.open_directions()
                now = await running.wait_until(lambda now: now["capture"]["frames"] > before + 20, "lobby")
                assert gist(now) == (1, 0, 0)
        log = setting.log.read_text()
    assert "configuration read anew: restarted door; started yard; untouched lobby" in log
    assert "configuration read anew: stopped door, yard; untouched lobby" in log


async def test_a_bad_file_leaves_the_old_one_running_and_says_so(tmp_path: Path, cards: list[SoftCard]) -> None:
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write(tmp_path, service, station("lobby", cards[0])))
            async with daemon(setting) as running:
                await running.wait_until(lambda now: now["state"] == "agent_ready", "lobby")
                good = setting.configuration.read_text()
                setting.configuration.write_text(good.replace("rate_hz", "rate_hs"))
                assert await reload(running, manager) == ["READY=1"]
                line = next(message for message in reversed(manager.told) if message.startswith("STATUS="))
                assert line.startswith("STATUS=new configuration refused: ")
                assert " | agent ready" in line
                status = await running.status()
                assert status["problems"][0].endswith(
                    "stations.lobby.capture.rate_hs: is not a known key; did you mean stations.lobby.capture.rate_hz?"
                )
                assert gist(status["stations"]["lobby"]) == (1, 0, 0)

                setting.configuration.write_text(good)
                await reload(running, manager)
                assert (await running.status())["problems"] == []
        log = setting.log.read_text()
    assert log.count("the new configuration is refused: ") == 1


async def test_what_all_sessions_are_made_from_restarts_all_stations(tmp_path: Path, cards: list[SoftCard]) -> None:
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write(tmp_path, service, station("lobby", cards[0])))
            async with daemon(setting) as running:
                await running.wait_until(lambda now: now["state"] == "agent_ready", "lobby")
                write(tmp_path, service, station("lobby", cards[0]), extra="cap_s = 7")
                await reload(running, manager)
                await running.wait_until(lambda now: now["state"] == "agent_ready", "lobby")
                with trio.fail_after(PATIENCE_S):
                    outcome = await service.sessions[0].wait_ended()
                assert outcome.close_received == 1000
                assert len(service.sessions) == 2


async def test_the_control_socket_moves_where_it_can(tmp_path: Path, cards: list[SoftCard]) -> None:
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write(tmp_path, service, station("lobby", cards[0])))
            async with daemon(setting) as running:
                await running.wait_until(lambda now: now["state"] == "agent_ready", "lobby")
                old = setting.configuration.read_text()
                taken = tmp_path / "taken"
                taken.write_text("this is no socket")
                setting.configuration.write_text(old.replace(str(setting.socket), str(taken)))
                await reload(running, manager)
                assert "taken is not a socket" in (await running.status())["problems"][0]

                setting.configuration.write_text(old.replace("c.sock", "moved.sock"))
                await reload(running, manager)
                assert not setting.socket.exists()
                assert (tmp_path / "moved.sock").is_socket()
