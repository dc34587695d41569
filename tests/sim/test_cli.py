"""`gatewayd sim` as people and the demo start it."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import wave
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.cli import sim
from gatewayd.cli.options import UsageError
from gatewayd.errors import GatewayError
from tests.sim.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

COMMAND = "import sys; from gatewayd.cli.main import main; sys.exit(main())"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str | None]]]:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sim", "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def port_of(addresses: dict[str, str | None]) -> int:
    url = addresses["ws_url"]
    assert url is not None
    return int(url.split(":")[2].split("/")[0])


@asynccontextmanager
async def conversing(addresses: dict[str, str | None], frames: int) -> AsyncIterator[Client]:
    """Say so many frames, hear them back, and keep the connection open for the block."""
    port = port_of(addresses)
    async with await trio.open_tcp_stream("127.0.0.1", port) as http:
        await http.send_all(b"POST /v1/session HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while received := await http.receive_some():
            answer += received
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        client = Client(stream)
        await client.upgrade()
        await client.send_token(json.loads(answer.partition(b"\r\n\r\n")[2])["token"])
        assert [await client.next(), await client.next()] == ["connected", "agent_ready"]
        for index in range(frames):
            await client.send_frame(bytes([index % 251]) * 640)
            assert await client.next() == "binary 640"
        yield client


def sound(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        data: bytes = file.readframes(file.getnframes())
    return data


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_sessions_and_finishes_recordings(tmp_path: Path, number: signal.Signals) -> None:
    with running("--record", str(tmp_path / "heard")) as (process, addresses):
        assert set(addresses) == {"token_url", "heartbeat_url", "ws_url", "ca_file"}
        assert addresses["ca_file"] is None
        async with conversing(addresses, 3) as client:
            process.send_signal(number)
            assert await client.transcript() == ["session_ended server_shutdown", "close 1000", "eof"]
        assert await trio.to_thread.run_sync(process.wait) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
    expected = b"".join(bytes([index]) * 640 for index in range(3))
    assert sound(tmp_path / "heard" / "0001-heard.wav") == expected
    assert sound(tmp_path / "heard" / "0001-said.wav") == expected
    summary = json.loads((tmp_path / "heard" / "0001-session.json").read_text())
    assert summary["outcome"]["close_received"] == 1000
    assert summary["tally"]["frames_heard"] == 3


@pytest.mark.slow
async def test_killed_it_leaves_whole_seconds(tmp_path: Path) -> None:
    with running("--record", str(tmp_path)) as (process, addresses):
        async with conversing(addresses, 120):
            process.kill()
        await trio.to_thread.run_sync(process.wait)
    heard = sound(tmp_path / "0001-heard.wav")
    assert heard == b"".join(bytes([index]) * 640 for index in range(100))


@pytest.mark.slow
def test_with_tls_the_authority_is_told(tmp_path: Path) -> None:
    with running("--tls", "--state-dir", str(tmp_path / "state")) as (_process, addresses):
        assert addresses["ca_file"] == str(tmp_path / "state" / "ca.pem")
        assert (tmp_path / "state" / "ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert (addresses["heartbeat_url"] or "").startswith("https://127.0.0.1:")


@pytest.mark.slow
def test_a_port_that_is_taken() -> None:
    with running() as (_process, addresses):
        other = subprocess.run(
            [sys.executable, "-c", COMMAND, "sim", "--listen", f"127.0.0.1:{port_of(addresses)}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert other.returncode == 69
    assert f"cannot listen on 127.0.0.1:{port_of(addresses)}: " in other.stderr
    assert "Traceback" not in other.stderr


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    sim.add_parser(parser.add_subparsers(), [])
    return parser.parse_args(["sim", *words])


@pytest.mark.parametrize("listen", ["", "8765", ":8765", "host:", "host:99999", "host:-1", "::1:8765", "host:٣"])
def test_where_to_listen_must_be_clear(listen: str) -> None:
    with pytest.raises(UsageError, match="--listen must be HOST:PORT"):
        sim.run(arguments("--listen", listen))


def test_where_to_listen() -> None:
    assert sim.parse_listen("localhost:0") == ("localhost", 0)
    assert sim.parse_listen("[::1]:8765") == ("::1", 8765)


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["--agent", "missing.wav"], 78, "missing.wav: cannot be read as WAV: No such file or directory"),
        (["--scenario", "missing.toml"], 78, "missing.toml: cannot be read: No such file or directory"),
        (["--credential-file", "missing"], 78, "missing: cannot be read: No such file or directory"),
        (["--credential-file", "/dev/null"], 78, "/dev/null: must hold one line of printable ASCII"),
        (
            ["--record", "/dev/null/x"],
            69,
            "/dev/null/x: cannot be written (Not a directory); choose another with --rec",
        ),
        (["--echo-delay", "nan"], 64, "--echo-delay must be from 0 to 10 s"),
    ],
)
def test_what_cannot_be_is_told(words: list[str], exit_code: int, said: str) -> None:
    with pytest.raises(GatewayError) as refused:
        sim.run(arguments(*words))
    assert refused.value.exit_code == exit_code
    assert str(refused.value).startswith(said)


@pytest.mark.slow
def test_without_trustme_tls_says_what_to_install() -> None:
    missing = "import sys; sys.modules['trustme'] = None; from gatewayd.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", missing, "sim", "--tls"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 69
    assert "pip install 'gatewayd[sim]'" in done.stderr
    assert "Traceback" not in done.stderr
