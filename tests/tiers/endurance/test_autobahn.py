"""The Autobahn test suite against the WebSocket transport, as a client that echoes.

Optional: needs `kosoku` (PyPI), which runs Autobahn's own cases without Python 2. It is found by the variable KOSOKU,
beside this Python, or on PATH; where it is not, the test is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import sys
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.errors import CloudError
from tests.tiers.endurance.show import show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LEFT_OUT = ("9.*", "12.*", "13.*")
"""Messages of up to 16 MiB (here a message has at most 64 KiB), and compression, which is never asked for."""
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
BEGINNING_LIMIT_S, CASE_LIMIT_S, REPORT_LIMIT_S = 10.0, 20.0, 30.0
ADDRESS_ANNOUNCED = "fuzzingserver listening on "


def program() -> str:
    beside = Path(sys.executable).with_name("kosoku")
    found = os.environ.get("KOSOKU") or (str(beside) if beside.exists() else shutil.which("kosoku"))
    if not found:
        pytest.skip("kosoku is not installed; `pip install kosoku` into any environment and set KOSOKU to its path")
    return found


@asynccontextmanager
async def suite(folder: Path) -> AsyncIterator[tuple[trio.Process, str]]:
    """The suite's server, and its address. It ends by itself when asked for its report."""
    command = [program(), "--mode", "fuzzingserver", "127.0.0.1:0", "--outdir", str(folder)]
    for cases in LEFT_OUT:
        command += ["--exclude", cases]
    process = await trio.lowlevel.open_process(command, stderr=-1)
    assert process.stderr is not None
    try:
        said = ""
        with trio.fail_after(BEGINNING_LIMIT_S):
            while "\n" not in said:
                said += bytes(await process.stderr.receive_some(4096)).decode()
        yield process, said.partition(ADDRESS_ANNOUNCED)[2].split()[0]
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            await process.stderr.aclose()


async def echo(transport: WebSocketTransport, url: str) -> list[str | bytes]:
    """Send back what comes until the connection ends; what came."""
    heard: list[str | bytes] = []
    with trio.fail_after(CASE_LIMIT_S):
        try:
            async with transport.connect(url) as connection:
                while True:
                    heard.append(await connection.receive())
                    if isinstance(message := heard[-1], str):
                        await connection.send_text(message)
                    else:
                        await connection.send_binary(message)
        except CloudError:
            return heard


async def test_every_case_of_the_suite_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transport = WebSocketTransport(TcpDialer(tls_context=ssl.create_default_context()), connect_timeout_s=10)
    async with suite(tmp_path) as (process, address):
        count = int((await echo(transport, f"{address}/getCaseCount"))[0])
        for case in range(1, count + 1):
            await echo(transport, f"{address}/runCase?case={case}&agent=gatewayd")
        await echo(transport, f"{address}/updateReports?agent=gatewayd")
        with trio.fail_after(REPORT_LIMIT_S):
            await process.wait()
    results = json.loads((tmp_path / "index.json").read_text())["gatewayd"]
    verdicts = Counter((result["behavior"], result["behaviorClose"]) for result in results.values())
    show(capsys, f"{count} cases; {', '.join(f'{a} / {b}: {number}' for (a, b), number in verdicts.items())}")
    bad = {
        case: (result["behavior"], result["behaviorClose"])
        for case, result in results.items()
        if not {result["behavior"], result["behaviorClose"]} <= GOOD
    }
    assert bad == {}
    assert len(results) == count > 200
