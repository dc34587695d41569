"""Holds one conversation between real processes: a local voice service, and the daemon with its sound card."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import Unavailable
from tests.demo import installed
from tests.demo.plan import STATION, configuration
from tests.demo.process_usage import Usage, read_usage
from tests.demo.snapshot import AGENT_READY, Snapshot, parse_snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.demo.plan import Plan, Workplace

SERVICE_LIMIT_S = 20.0
"""For the service to make its certificates and listen."""
READY_LIMIT_S = 20.0
"""From the daemon's start to `agent_ready`."""
STOP_LIMIT_S = 10.0
"""For a process to leave after SIGTERM, before it is killed."""
STATUS_LIMIT_S = 2.0
"""For one answer of the control socket."""
POLL_STARTING_S = 0.02
"""Between two looks until the agent is ready: short states are to be seen."""
POLL_TALKING_S = 0.25
"""Between two looks during the conversation: what is measured must not be disturbed."""
ADDRESS_LINE_LIMIT_BYTES = 4096


class ConversationFailed(Exception):
    """The conversation could not be begun; says why and where to read on."""


class Observer(Protocol):
    """Whoever watches."""

    def entered(self, state: str, at_s: float) -> None:
        """The station reached a state, so many seconds after the daemon's start."""
        ...

    def saw(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """The daemon told of itself, so many seconds into the conversation; negative before it."""
        ...


@dataclass(frozen=True)
class Course:
    """How it went. Times are CLOCK_MONOTONIC."""

    begun_ns: int
    """When the agent was ready."""
    ended_ns: int
    """When the daemon was asked to stop."""
    ready_after_s: float
    """From the daemon's start until the agent was ready."""
    last: Snapshot
    """Right before the daemon was asked to stop."""
    usage: Usage
    """At the same moment."""
    cpu_talking_s: float
    """Processor time between `begun_ns` and `ended_ns`."""
    exit_code: int
    stop_s: float
    """From SIGTERM until the daemon had left."""

    @property
    def talked_s(self) -> float:
        """How long the conversation lasted."""
        return (self.ended_ns - self.begun_ns) / 1e9


async def converse(plan: Plan, place: Workplace, environment: Mapping[str, str], observer: Observer) -> Course:
    """Start the service and the daemon, let them talk, stop both, and tell how it went.

    Raises `ConversationFailed` where it did not come to a conversation. However it ends, cancelled or not, both
    processes are gone.
    """
    service = ["sim", "--listen", "127.0.0.1:0", "--tls", "--record", str(place.recordings), "--agent", "echo"]
    service += ["--echo-delay", str(plan.echo_delay_s)]
    await trio.to_thread.run_sync(installed.compile_into, place.bytecode)
    async with _running(service, place.service_log, environment) as sim:
        addresses = await _addresses(sim, place.service_log)
        place.configuration.write_text(configuration(plan.card, addresses, place.control_socket))
        daemon_command = ["run", "--config", str(place.configuration)]
        started_ns = time.monotonic_ns()
        as_installed = {**environment, **installed.environment(place.bytecode)}
        async with _running(daemon_command, place.daemon_log, as_installed) as daemon:
            watch = _Watch(daemon, place, observer, started_ns)
            await watch.until_ready()
            cpu_before_s = read_usage(daemon.pid).cpu_s
            last = await watch.for_seconds(plan.conversation_s)
            usage = read_usage(daemon.pid)
            ended_ns = time.monotonic_ns()
            exit_code = await _stop(daemon)
            stop_s = (time.monotonic_ns() - ended_ns) / 1e9
        await _stop(sim)
    return Course(
        begun_ns=watch.begun_ns,
        ended_ns=ended_ns,
        ready_after_s=(watch.begun_ns - started_ns) / 1e9,
        last=last,
        usage=usage,
        cpu_talking_s=usage.cpu_s - cpu_before_s,
        exit_code=exit_code,
        stop_s=stop_s,
    )


class _Watch:
    """Looks at the daemon through its control socket, again and again."""

    def __init__(self, daemon: trio.Process, place: Workplace, observer: Observer, started_ns: int) -> None:
        self.begun_ns = 0
        self._daemon = daemon
        self._place = place
        self._observer = observer
        self._started_ns = started_ns
        self._state = ""

    async def until_ready(self) -> None:
        """Until the agent is ready. Raises `ConversationFailed` after `READY_LIMIT_S`, or when the daemon left."""
        state, why = "the daemon did not answer", ""
        with trio.move_on_after(READY_LIMIT_S):
            while True:
                snapshot = await self._look()
                if snapshot is not None:
                    self._observer.saw(snapshot, -1.0)
                    state, why = f"the station is in the state {snapshot.state}", snapshot.last_end
                    if snapshot.state == AGENT_READY:
                        self.begun_ns = time.monotonic_ns() - round(snapshot.since_s * 1e9)
                        return
                await trio.sleep(POLL_STARTING_S)
        raise ConversationFailed(
            f"the agent was not ready within {READY_LIMIT_S:g} s: {state}{f' ({why})' if why else ''}\n"
            f"{_tail(self._place.daemon_log)}"
        )

    async def for_seconds(self, conversation_s: float) -> Snapshot:
        """Until so long after the agent was ready; returns what was seen last. Raises when the daemon left."""
        end_ns = self.begun_ns + round(conversation_s * 1e9)
        while True:
            snapshot = await self._look()
            now_ns = time.monotonic_ns()
            if snapshot is not None:
                self._observer.saw(snapshot, (now_ns - self.begun_ns) / 1e9)
                if now_ns >= end_ns:
                    return snapshot
            await trio.sleep(min(POLL_TALKING_S, max(0.0, (end_ns - now_ns) / 1e9)))

    async def _look(self) -> Snapshot | None:
        if self._daemon.poll() is not None:
            raise ConversationFailed(f"the daemon left with {self._daemon.returncode}\n{_tail(self._place.daemon_log)}")
        ask = partial(request, self._place.control_socket, Command.STATUS, timeout_s=STATUS_LIMIT_S)
        try:
            # The client blocks, for `STATUS_LIMIT_S` at most; a cancelled look leaves its thread to that bound.
            snapshot = parse_snapshot(await trio.to_thread.run_sync(ask, abandon_on_cancel=True), STATION)
        except Unavailable:
            return None
        if snapshot is not None and snapshot.state != self._state:
            self._state = snapshot.state
            at_s = (time.monotonic_ns() - self._started_ns) / 1e9 - snapshot.since_s
            self._observer.entered(snapshot.state, max(0.0, at_s))
        return snapshot


@asynccontextmanager
async def _running(command: list[str], log: Path, environment: Mapping[str, str]) -> AsyncIterator[trio.Process]:
    """A `gatewayd` process; if it still runs on leaving, it is asked to stop, and killed after `STOP_LIMIT_S`."""
    with ExitStack() as files:
        stderr = files.enter_context(log.open("wb"))
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "gatewayd", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if command[0] == "sim" else subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, **environment},
        )
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            await _stop(process)
            if process.stdout is not None:
                await process.stdout.aclose()


async def _stop(process: trio.Process) -> int:
    """SIGTERM, and the exit code; a process that does not leave within `STOP_LIMIT_S` is killed (-9)."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    with trio.move_on_after(STOP_LIMIT_S):
        return await process.wait()
    process.kill()
    return await process.wait()


async def _addresses(sim: trio.Process, log: Path) -> dict[str, str]:
    """The line of JSON that the service prints when it listens."""
    assert sim.stdout is not None
    line = b""
    with trio.move_on_after(SERVICE_LIMIT_S):
        while not line.endswith(b"\n"):
            data = await sim.stdout.receive_some(ADDRESS_LINE_LIMIT_BYTES)
            if not data or len(line) > ADDRESS_LINE_LIMIT_BYTES:
                raise ConversationFailed(f"the local service did not start\n{_tail(log)}")
            line += data
        addresses: dict[str, str] = json.loads(line)
        return addresses
    raise ConversationFailed(f"the local service does not listen after {SERVICE_LIMIT_S:g} s\n{_tail(log)}")


def _tail(log: Path) -> str:
    """The last lines of a log, for whoever has to find out."""
    lines = log.read_text(errors="replace").splitlines()[-12:]
    return "\n".join([f"the end of {log}:", *(f"    {line}" for line in lines)])
