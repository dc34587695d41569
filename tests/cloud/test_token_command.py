"""Tokens from a command: real processes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc

from gatewayd.cloud.token import CommandTokenSource
from gatewayd.configuration.model import TokenConfiguration
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from gatewayd.system.clock import SystemClock
from tests.cloud.peers import listening

if TYPE_CHECKING:
    from pathlib import Path


def shell(script: str, *, timeout_s: float = 60) -> CommandTokenSource:
    configuration = TokenConfiguration(command=("/bin/sh", "-c", script, "s3cr3t"), timeout_s=timeout_s)
    return CommandTokenSource(SystemClock(), configuration)


async def failure(tokens: CommandTokenSource) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await tokens.fetch()
    assert "s3cr3t" not in f"{caught.value!r} {caught.value.detail}"
    return caught.value


async def test_its_output_is_the_answer(no_descriptor_left: None) -> None:
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    token = await shell("""echo '{"token": "t0ken"}'""").fetch()
    assert token.value == "t0ken"
    assert before_s <= token.requested_at_s <= time.clock_gettime(time.CLOCK_BOOTTIME)


async def test_what_a_command_may_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    script = """echo "{\\"token\\": \\"$CREDENTIALS_DIRECTORY|$NOTIFY_SOCKET$WATCHDOG_USEC|$(cat)\\"}" """
    assert (await shell(script).fetch()).value == f"{tmp_path}||"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo s3cr3t; exit 3", "the token command /bin/sh ended with status 3; its own words are in the journal"),
        ("kill -TERM $$", "the token command /bin/sh was killed by SIGTERM; its own words are in the journal"),
    ],
)
async def test_a_command_that_fails(script: str, words: str) -> None:
    error = await failure(shell(script))
    assert (error.cause, error.detail) == (Cause.TOKEN_COMMAND_FAILED, words)


@pytest.mark.parametrize("command", ["/nowhere/mint-token", "/etc/passwd", "/"])
async def test_a_command_that_cannot_be_started(command: str, no_descriptor_left: None) -> None:
    error = await failure(CommandTokenSource(SystemClock(), TokenConfiguration(command=(command, "s3cr3t"))))
    assert error.cause is Cause.TOKEN_COMMAND_FAILED
    assert error.detail.startswith(f"the token command {command} cannot be started: ")


@pytest.mark.parametrize(("script", "words"), [("true", "is empty"), ("echo s3cr3t", "is not JSON")])
async def test_output_that_is_no_answer(script: str, words: str) -> None:
    error = await failure(shell(script))
    assert (error.cause, error.detail) == (Cause.TOKEN_UNUSABLE, f"the answer to the token request {words}")


async def test_endless_output_is_cut_off(no_descriptor_left: None) -> None:
    error = await failure(shell("while :; do echo s3cr3t; done"))
    assert (error.cause, error.detail) == (
        Cause.TOKEN_UNUSABLE,
        "the token command /bin/sh printed more than 65536 bytes",
    )


async def test_a_slow_command() -> None:
    error = await failure(shell("sleep 1000", timeout_s=0.2))
    assert error.cause is Cause.TOKEN_TIMED_OUT
    assert error.detail == "the token command /bin/sh did not finish within 0.2 s"


HOLD_A_CONNECTION = """
import os, socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.send(b"?")
if sys.argv[2] == "leave a child behind" and os.fork():
    sys.exit()
time.sleep(1000)
"""


@pytest.mark.parametrize("how", ["stay", "leave a child behind"])
async def test_cancelling_kills_it_with_all_it_started(how: str, no_descriptor_left: None) -> None:
    running, gone = trio.Event(), trio.Event()

    async def watch(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1)
        running.set()
        assert not await stream.receive_some(1)
        gone.set()

    async with listening(watch) as port:
        command = (sys.executable, "-c", HOLD_A_CONNECTION, str(port), how)
        tokens = CommandTokenSource(SystemClock(), TokenConfiguration(command=command, timeout_s=60))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tokens.fetch)
            await running.wait()
            nursery.cancel_scope.cancel()
        with trio.fail_after(60):
            await gone.wait()
