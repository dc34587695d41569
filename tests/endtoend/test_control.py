"""The whole daemon, told by people: mute and unmute, start and stop, and what they see of it."""

from __future__ import annotations

import json
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trio

from gatewayd.control.protocol import Command
from tests.endtoend.running import PATIENCE_S, daemon, run_command, voice_service, write_configuration
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.endtoend.running import Setting

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))
pytestmark = pytest.mark.slow


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 64_000).astype("<i2").tobytes())
    return card


class Follower:
    """What happens in a daemon, as it tells those who follow it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    async def wait_for(self, name: str) -> None:
        """Read on until this has happened once more."""
        with trio.fail_after(PATIENCE_S):
            while (event := await self.line())["event"] != name:
                self.events.append(event)
            self.events.append(event)

    async def line(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            data = await self._stream.receive_some(4096)
            assert data, "the daemon hung up"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        value = json.loads(line)
        assert isinstance(value, dict)
        return value


@asynccontextmanager
async def following(setting: Setting) -> AsyncIterator[Follower]:
    """Follow everything that happens from now on."""
    async with await trio.open_unix_socket(setting.socket) as stream:
        await stream.send_all(b'{"command":"events"}\n')
        follower = Follower(stream)
        assert (await follower.line())["ok"] is True
        yield follower


def hears(station: dict[str, Any]) -> bool:
    return bool(station["state"] == "agent_ready" and station["session"]["frames_sent"] > 0)


async def test_a_mute_closes_the_microphone_and_outlives_a_reconnect(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        async with daemon(setting) as running:
            await running.wait_until(hears)
            first = await service.wait_session()
            async with following(setting) as follower:
                answer = (await running.ask(Command.MUTE, "main"))["stations"]["main"]
                assert not card.is_open(Direction.CAPTURE)
                assert card.is_open(Direction.PLAYBACK)
                assert (answer["muted"], answer["capture"]["health"]) == (True, "muted")
                assert (await running.ask(Command.MUTE))["stations"]["main"]["muted"] is True

                first.fail("SESSION_SETUP_FAILED")
                with trio.fail_after(PATIENCE_S):
                    second = await service.wait_session(2)
                    await second.wait_agent_ready()
                muted = await running.wait_state("agent_ready")
                assert not card.is_open(Direction.CAPTURE)
                assert (muted["muted"], muted["capture"]["health"], muted["capture"]["problem"]) == (
                    True,
                    "muted",
                    None,
                )
                # the first session is over, so that whatever was on its way has arrived
                assert first.tally.frames_heard == answer["session"]["frames_sent"]
                assert second.tally.frames_heard == 0

                await running.ask(Command.UNMUTE, "main")
                with trio.fail_after(PATIENCE_S):
                    await second.wait_heard(5)
                again = await running.wait_until(hears)
                assert again["muted"] is False
                assert (again["capture"]["reopens"], again["capture"]["gaps"]) == (0, 0)
                assert again["session"]["frames_dropped"]["stalled"] == 0
                await follower.wait_for("unmuted")

        told = [(event["event"], event.get("state"), event.get("cause")) for event in follower.events]
        assert told == [
            ("muted", None, None),
            ("health_changed", None, None),
            ("state_changed", "ended", "session_setup_failed"),
            ("session_ended", None, "session_setup_failed"),
            ("state_changed", "waiting", "session_setup_failed"),
            ("state_changed", "connecting", None),
            ("state_changed", "connected", None),
            ("state_changed", "agent_ready", None),
            ("unmuted", None, None),
        ]


async def test_a_mute_that_is_to_persist_survives_a_restart(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        written = write_configuration(tmp_path, service, card, station="mute_persists = true")
        setting = replace(written, environment={**written.environment, "STATE_DIRECTORY": str(tmp_path / "state")})
        async with daemon(setting) as running:
            await running.wait_until(hears)
            await running.ask(Command.MUTE)
            assert (await running.stop())[0] == 0
        opened = card.timeline(Direction.CAPTURE)
        async with daemon(setting) as running:
            muted = await running.wait_state("agent_ready")
            assert (muted["muted"], muted["capture"]["health"]) == (True, "muted")
            assert card.timeline(Direction.CAPTURE) == opened
            await running.ask(Command.UNMUTE)
            await running.wait_until(hears)
            assert list((tmp_path / "state").iterdir()) == []


async def test_on_demand_nothing_leaves_the_device_until_start(tmp_path: Path, card: SoftCard) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card, station='activation = "on-demand"')
        config = ("--config", str(setting.configuration))
        async with daemon(setting) as running:
            idle = await running.wait_until(lambda station: station["capture"]["frames"] > 25)
            assert (idle["state"], idle["session"]["frames_sent"]) == ("idle", 0)
            assert (service.token_requests, service.sessions) == (0, [])

            assert await run_command(setting, "start", "main", *config) == (0, "main: start requested\n", "")
            await running.wait_state("agent_ready")
            assert (service.token_requests, len(service.sessions)) == (1, 1)

            assert await run_command(setting, "stop", *config) == (0, "main: stop requested\n", "")
            stopped = await running.wait_state("idle")
            captured = stopped["capture"]["frames"]
            later = await running.wait_until(lambda station: station["capture"]["frames"] > captured + 10)
            assert later["session"]["frames_sent"] == stopped["session"]["frames_sent"]
            assert (service.token_requests, len(service.sessions)) == (1, 1)

            # a new configuration opens no microphone that somebody muted
            await running.ask(Command.MUTE)
            async with following(setting) as follower:
                text = setting.configuration.read_text()
                setting.configuration.write_text(text.replace("channels = 1", "channels = 1\ngain_db = 6"))
                running.process.send_signal(signal.SIGHUP)
                await follower.wait_for("configuration_reloaded")
                assert follower.events[-1]["started"] == ["main"]
            muted = await running.wait_state("idle")
            assert (muted["muted"], muted["capture"]["health"]) == (True, "muted")
            assert not card.is_open(Direction.CAPTURE)
