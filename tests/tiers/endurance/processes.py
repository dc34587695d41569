"""The daemon as a process whose every word is kept, in a network of its own if wanted."""

from __future__ import annotations

import json
import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.sim.service import SimOptions, serve
from tests.endtoend.running import GATEWAYD, RunningDaemon, Setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from gatewayd.sim.service import Service
    from tests.softcard.card import SoftCard

ENDED_BY = re.compile(r"\[([a-z_]+)\]$")
"""How the log names the cause at the end of a line."""
PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Plan:
    """A daemon's configuration, as far as these tests vary it; TOML lines go into the table they are named after."""

    token: str = ""
    token_source: str = ""
    """Left out: the service's endpoint."""
    agent: str = ""
    heartbeat: str = ""
    backoff: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path, service: Service, card: SoftCard) -> Setting:
        path = folder / "gatewayd.toml"
        path.write_text(
            f"""
            [agent]
            url = {json.dumps(service.ws_url)}
            ca_file = {json.dumps(service.ca_file or "")}
            {self.agent}
            [agent.token]
            {self.token_source or f"url = {json.dumps(service.token_url)}"}
            {self.token}
            [agent.heartbeat]
            url = {json.dumps(service.heartbeat_url)}
            {self.heartbeat}
            [agent.backoff]
            startup_spread_s = 0
            base_s = 0.1
            {self.backoff}
            [stations.main.capture]
            device = {json.dumps(card.device)}
            rate_hz = 16000
            format = "S16_LE"
            channels = 1
            [control]
            socket = {json.dumps(str(folder / "c.sock"))}
            """
        )
        return Setting(path, {"ALSA_CONFIG_PATH": os.environ["ALSA_CONFIG_PATH"], **self.environment})


@asynccontextmanager
async def service_with(options: SimOptions) -> AsyncIterator[Service]:
    """The local voice service in this process."""
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, options)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def recorded_daemon(
    setting: Setting, *, prefix: Sequence[str] = (), options: Sequence[str] = ("--log-level", "debug")
) -> AsyncIterator[RunningDaemon]:
    """Run the daemon in its configuration's folder; what it writes goes to `stdout` and `stderr` there.

    It is killed if the block leaves it running.
    """
    folder = setting.configuration.parent
    command = [*prefix, *GATEWAYD, "run", "--config", str(setting.configuration), *options]
    with (folder / "stdout").open("ab") as printed, (folder / "stderr").open("ab") as errors:
        process = await trio.lowlevel.open_process(
            command,
            cwd=folder,
            stdout=printed,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **setting.environment},
        )
        try:
            yield RunningDaemon(process, setting)
        finally:
            if process.returncode is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


def causes_told(folder: Path) -> list[str]:
    """Why attempts and sessions ended, one after the other, by the log of a recorded daemon."""
    lines = (folder / "stderr").read_text().splitlines()
    return [match[1] for line in lines if (match := ENDED_BY.search(line))]
