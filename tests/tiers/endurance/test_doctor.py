"""The doctor as a process beside a real daemon, which has the card open and holds the session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from tests.endtoend.running import daemon, run_command, voice_service, write_configuration
from tests.softcard.card import StreamDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoundRack

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))


async def test_beside_a_daemon_in_conversation(tmp_path: Path, sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Mic", MONO_16K)
    card.play_in(np.random.default_rng(2).integers(-9000, 9000, 64_000).astype("<i2").tobytes())
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        config = ("--config", str(setting.configuration))
        async with daemon(setting) as running:
            await running.wait_until(lambda one: one["state"] == "agent_ready" and one["capture"]["health"] == "ok")
            code, printed, errors = await run_command(setting, "doctor", "--json", *config)
            undisturbed = (await running.status())["stations"]["main"]
            assert (await running.stop())[0] == 0
        steps = {step["step"]: step for step in json.loads(printed)}
        assert (code, errors) == (0, "")
        assert {step["verdict"] for name, step in steps.items() if name != "clock"} == {"pass"}
        assert all("by the running gatewayd" in steps[name]["text"] for name in ("levels", "speaker", "session"))
        assert (undisturbed["capture"]["xruns"], undisturbed["capture"]["reopens"]) == (0, 0)
        assert undisturbed["session"]["connects"] == len(service.sessions) == 1
