"""The daemon as systemd starts it: a process of its own, with real ALSA, TLS, sockets and signals around it."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import Unavailable
from gatewayd.sim.certificates import Authority
from gatewayd.sim.script import Scenario
from gatewayd.sim.service import Service, SimOptions, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from tests.softcard.card import SoftCard

PATIENCE_S = 20.0
"""How long a test waits for what must happen; a loaded machine may need seconds."""
GATEWAYD = (sys.executable, "-m", "gatewayd")


@dataclass(frozen=True)
class Setting:
    """What a daemon under test is told."""

    configuration: Path
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()
    """More of them for `gatewayd run`."""

    @property
    def socket(self) -> Path:
        return self.configuration.with_name("c.sock")

    @property
    def log(self) -> Path:
        return self.configuration.with_name("daemon.log")


def write_configuration(
    folder: Path, service: Service, card: SoftCard, *, extra: str = "", station: str = ""
) -> Setting:
    """A configuration that leads to `service` and `card`, without start-up spread."""
    return write_agent(
        folder,
        service,
        f"""
        [stations.main]
        {station}
        [stations.main.capture]
        device = {json.dumps(card.device)}
        rate_hz = 16000
        format = "S16_LE"
        channels = 1
        """,
        extra=extra,
    )


def write_agent(folder: Path, service: Service, stations: str, *, extra: str = "") -> Setting:
    """A configuration that leads to `service` and has these `stations`, without start-up spread."""
    path = folder / "gatewayd.toml"
    path.write_text(
        f"""
        [agent]
        url = {json.dumps(service.ws_url)}
        ca_file = {json.dumps(service.ca_file or "")}
        [agent.token]
        url = {json.dumps(service.token_url)}
        [agent.heartbeat]
        url = {json.dumps(service.heartbeat_url)}
        interval_s = 0.2
        [agent.backoff]
        startup_spread_s = 0
        base_s = 0.1
        {extra}
        [control]
        socket = {json.dumps(str(folder / "c.sock"))}
        {stations}
        """
    )
    return Setting(path, {"ALSA_CONFIG_PATH": os.environ["ALSA_CONFIG_PATH"]})


@asynccontextmanager
async def voice_service(folder: Path, scenario: Scenario | None = None) -> AsyncIterator[Service]:
    """The local voice service with TLS, in this process."""
    options = SimOptions(tls=Authority(folder).server_tls(), scenario=scenario or Scenario())
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, options)
        nursery.cancel_scope.cancel()


class RunningDaemon:
    """A `gatewayd run` that was started."""

    def __init__(self, process: trio.Process, setting: Setting) -> None:
        self.process = process
        self._setting = setting

    async def status(self) -> dict[str, Any]:
        return await self.ask(Command.STATUS)

    async def ask(self, command: Command, station: str | None = None) -> dict[str, Any]:
        return await trio.to_thread.run_sync(lambda: request(self._setting.socket, command, station))

    async def wait_until(self, condition: Callable[[dict[str, Any]], bool], name: str = "main") -> dict[str, Any]:
        """Wait until the status of a station fulfils a condition."""
        station: dict[str, Any] = {}
        with trio.move_on_after(PATIENCE_S):
            while True:
                try:
                    station = (await self.status())["stations"][name]
                except Unavailable:
                    station = {}
                if station and condition(station):
                    return station
                await trio.sleep(0.02)
        raise AssertionError(f"never came to pass; the last status was {station}")

    async def wait_unreachable(self) -> None:
        """Wait until the heartbeat has been given up."""
        with trio.fail_after(PATIENCE_S):
            while (await self.status())["heartbeat"]["reachable"] is not False:  # noqa: ASYNC110 - another process
                await trio.sleep(0.05)

    async def wait_state(self, state: str) -> dict[str, Any]:
        return await self.wait_until(lambda station: bool(station["state"] == state))

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit code and how long it took, in seconds."""
        began_s = trio.current_time()
        self.process.send_signal(number)
        with trio.fail_after(PATIENCE_S):
            code = await self.process.wait()
        return code, trio.current_time() - began_s


@asynccontextmanager
async def daemon(setting: Setting) -> AsyncIterator[RunningDaemon]:
    """Start the daemon; it is killed if the block leaves it running."""
    command = [*GATEWAYD, "run", "--config", str(setting.configuration), *setting.options]
    with setting.log.open("ab") as log:
        process = await trio.lowlevel.open_process(command, env={**os.environ, **setting.environment}, stderr=log)
    try:
        yield RunningDaemon(process, setting)
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        print(setting.log.read_text())  # noqa: T201 - pytest shows it where a test failed


async def run_command(setting: Setting, *arguments: str) -> tuple[int, str, str]:
    """Run a command of gatewayd to its end: exit code, what it printed, and its errors."""
    with trio.fail_after(PATIENCE_S):
        done = await trio.run_process(
            [*GATEWAYD, *arguments],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env={**os.environ, **setting.environment},
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()
