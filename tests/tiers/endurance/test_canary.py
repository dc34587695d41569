"""A token and a device key that the service repeats in every place it can are never written anywhere."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from gatewayd.errors import ExitCode
from gatewayd.session.causes import Cause
from gatewayd.sim.certificates import Authority
from gatewayd.sim.script import Accept, Place, Point, Respond, Scenario, Script, Step, Then
from gatewayd.sim.service import SimOptions
from tests.endtoend.running import PATIENCE_S, run_command
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.tiers.endurance import echoes
from tests.tiers.endurance.breaking import PLACES
from tests.tiers.endurance.canary import KEY, TOKEN, files_under, leaks
from tests.tiers.endurance.processes import Plan, causes_told, recorded_daemon, service_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gatewayd.sim.service import Service
    from tests.endtoend.running import RunningDaemon, Setting

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,), loop=True)
ECHOES_LIMIT_S = 90.0
"""For all attempts together: about half a second each."""
NAMES = [echo.name for echo in echoes.ALL]
NORMAL = Script(
    (
        Step(Point(Place.TOKEN), Respond(200, body=echoes.answered())),
        Step(Point(Place.AUTH), Accept()),
    ),
    name="a session with the canary",
)


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2").tobytes())
    return card


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    path = tmp_path / "device-key"
    path.write_text(KEY.value)
    path.chmod(0o600)
    return path


def plan(credential: Path, **environment: str) -> Plan:
    return Plan(
        token=f'credential = {json.dumps(str(credential))}\nurl_field = "url"',
        backoff="cap_s = 0.1\nrefused_min_s = 0.1\nrefused_max_s = 0.1",
        environment=environment,
    )


@asynccontextmanager
async def repeating_service(folder: Path) -> AsyncIterator[Service]:
    """A service that goes through all echoes once, and then holds sessions."""
    scenario = Scenario(connections=(*(echo.script for echo in echoes.ALL), NORMAL), then=Then.REPEAT)
    options = SimOptions(tls=Authority(folder).server_tls(), credential=KEY.value, scenario=scenario)
    async with service_with(options) as service:
        yield service


async def watch(running: RunningDaemon, said: list[str], until_connected: int) -> None:
    """Keep every status until the session after the last echo stands."""
    while True:
        status = await running.status()
        said.append(json.dumps(status))
        session = status["stations"]["main"]["session"]
        if status["stations"]["main"]["state"] == "agent_ready" and session["connects"] > until_connected:
            return
        await trio.sleep(0.1)


async def everything_shown(setting: Setting) -> list[tuple[str, str]]:
    """What the commands print about a running daemon."""
    config = ("--config", str(setting.configuration), "--log-level", "debug")
    commands = (("status",), ("status", "--json"), ("check",))
    return [(" ".join(command), "".join((await run_command(setting, *command, *config))[1:])) for command in commands]


async def test_no_echo_of_a_secret_is_written_anywhere(
    tmp_path: Path, card: SoftCard, credential: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    statuses: list[str] = []
    opened = sum(echo in echoes.SESSIONS for echo in echoes.ALL)
    async with repeating_service(tmp_path_factory.mktemp("service")) as service:
        setting = plan(credential).write(tmp_path, service, card)
        async with recorded_daemon(setting) as running:
            await running.wait_until(lambda station: station["capture"]["frames"] > 0)
            with trio.fail_after(ECHOES_LIMIT_S):
                await watch(running, statuses, opened)
            shown = await everything_shown(setting)
            assert (await running.stop())[0] == 0
        heard = [json.loads(session.texts[0])["token"] for session in list(service.sessions)[-2:]]
    assert heard == [TOKEN.value] * 2, "the daemon never had the canary"
    told = causes_told(tmp_path)
    assert list(zip(NAMES, told, strict=False)) == [(echo.name, echo.cause.value) for echo in echoes.ALL]
    assert leaks([*files_under(tmp_path, without=[credential]), *shown, ("status", "\n".join(statuses))]) == []


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
async def test_a_crash_writes_no_secret(
    tmp_path: Path, card: SoftCard, credential: Path, tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    scenario = Scenario(connections=(NORMAL,), then=Then.REPEAT)
    folder = tmp_path_factory.mktemp("service")
    options = SimOptions(tls=Authority(folder).server_tls(), scenario=scenario)
    async with service_with(options) as service:
        setting = plan(credential, PYTHONFAULTHANDLER="1").write(tmp_path, service, card)
        async with recorded_daemon(setting, prefix=("prlimit", "--core=unlimited")) as running:
            await running.wait_state("agent_ready")
            code, _ = await running.stop(number)
    assert code == -number
    assert "Current thread" in (tmp_path / "stderr").read_text(), "nothing was written about the crash"
    assert leaks(files_under(tmp_path, without=[credential])) == []


@pytest.mark.parametrize("place", PLACES)
async def test_a_bug_writes_no_secret_even_at_debug_level(
    tmp_path: Path, credential: Path, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    folder = tmp_path_factory.mktemp("service")
    scenario = Scenario(connections=(NORMAL,), then=Then.REPEAT)
    options = SimOptions(tls=Authority(folder).server_tls(), credential=KEY.value, scenario=scenario)
    async with service_with(options) as service:
        parts = (place, service.token_url, service.ws_url, str(service.ca_file), str(credential))
        with trio.fail_after(PATIENCE_S):
            ended = await trio.run_process(
                [sys.executable, "-m", "tests.tiers.endurance.breaking", "run", *parts, "--log-level", "debug"],
                capture_stderr=True,
                check=False,
            )
    written = ended.stderr.decode()
    assert ended.returncode == ExitCode.INTERNAL
    assert "Traceback (most recent call last)" in written
    assert ("UndefinedTransition" if place == "event" else "breaking.Bug") in written
    assert leaks([("stderr", written)]) == []


TOKEN_COMMAND = f"""#!/bin/sh
echo >> "$0.runs"
case $(wc -l < "$0.runs") in
    1) echo {TOKEN.value} ;;
    2) echo '{{"token": "{TOKEN.value}"}}'; exit 3 ;;
    3) echo '{{"token": "{TOKEN.value}"}}'; kill -KILL $$ ;;
    4) echo '{{"token": ["{TOKEN.value}"]}}' ;;
    5) while :; do echo {TOKEN.value}; done ;;
    *) echo '{{"token": "{TOKEN.value}"}}' ;;
esac
"""
"""What goes wrong with it, one run each, before it gives a token."""
COMMAND_CAUSES = (
    Cause.TOKEN_UNUSABLE,
    Cause.TOKEN_COMMAND_FAILED,
    Cause.TOKEN_COMMAND_FAILED,
    Cause.TOKEN_UNUSABLE,
    Cause.TOKEN_UNUSABLE,
    Cause.AUTH_REJECTED,
)


async def test_what_a_token_command_prints_is_not_repeated(
    tmp_path: Path, card: SoftCard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    command = tmp_path_factory.mktemp("command") / "mint-token"
    command.write_text(TOKEN_COMMAND)
    command.chmod(0o755)
    async with service_with(SimOptions()) as service:
        setting = Plan(token_source=f"command = [{json.dumps(str(command))}]").write(tmp_path, service, card)
        async with recorded_daemon(setting) as running:
            await running.wait_until(
                lambda station: (station["session"]["last_end"] or {}).get("cause") == COMMAND_CAUSES[-1].value
            )
            shown = await everything_shown(setting)
            assert (await running.stop())[0] == 0
    assert causes_told(tmp_path)[: len(COMMAND_CAUSES)] == [cause.value for cause in COMMAND_CAUSES]
    assert leaks([*files_under(tmp_path), *shown]) == []


UNUSABLE = {
    "two lines": f"{KEY.value}\n{KEY.value}\n",
    "a blank": f"{KEY.value} {KEY.value}",
    "no ASCII": f"{KEY.value}\N{LATIN SMALL LETTER E WITH ACUTE}",
    "too large": KEY.value * 1000,
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_a_credential_that_cannot_be_used_is_not_shown(
    tmp_path: Path, card: SoftCard, credential: Path, content: str
) -> None:
    credential.write_text(content)  # noqa: ASYNC240 - a few bytes, before anything runs
    async with service_with(SimOptions()) as service:
        setting = plan(credential).write(tmp_path, service, card)
        async with recorded_daemon(setting) as running:
            await running.wait_until(lambda station: station["session"]["last_end"] is not None)
            shown = await everything_shown(setting)
            assert (await running.stop())[0] == 0
        assert service.token_requests == 0
    assert str(credential) in (tmp_path / "stderr").read_text()
    assert leaks([*files_under(tmp_path, without=[credential]), *shown]) == []


MISPLACED = {
    "in a header": f'headers = {{ Authorization = "Bearer {KEY.value}" }}',
    "in a header of another name": f'headers = {{ X-Device = "Bearer {KEY.value}" }}',
    "in the body": f'body = {{ api_key = "{KEY.value}" }}',
    "as the token's field": f"token_field = 5\nbody = {{ password = '{KEY.value}' }}",
    "as method": f'method = "{KEY.value}"',
    "under an unknown key": f'api_key = "{KEY.value}"',
    "under the key of another table": f'credentials = ["{KEY.value}"]',
    "in a line that is no TOML": f"credential = {KEY.value}",
    "with an open end": f'credential = "{KEY.value}',
}


@pytest.mark.parametrize("line", MISPLACED.values(), ids=MISPLACED.keys())
async def test_a_key_that_a_person_wrote_into_the_configuration_is_not_repeated(
    tmp_path: Path, card: SoftCard, line: str
) -> None:
    async with service_with(SimOptions()) as service:
        setting = Plan(token=line).write(tmp_path, service, card)
    config = ("--config", str(setting.configuration), "--log-level", "debug")
    for command in ("check", "run"):
        code, printed, errors = await run_command(setting, command, *config)
        assert code == ExitCode.CONFIGURATION
        assert "agent.token" in errors or "line" in errors
        assert leaks([(command, printed + errors)]) == []
