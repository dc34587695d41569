"""`gatewayd sim`: the local voice service."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.cli.options import UsageError
from gatewayd.errors import ConfigurationInvalid, ExitCode, Problem, Unavailable
from gatewayd.sim.agents import ECHO_DELAY_MAX_S, agent_factory
from gatewayd.sim.certificates import LOOPBACK, Authority, ServerTls
from gatewayd.sim.scenario_file import read_scenario
from gatewayd.sim.script import Scenario
from gatewayd.sim.service import Service, SimOptions, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEFAULT_LISTEN = "127.0.0.1:8765"
CREDENTIAL_LIMIT_BYTES = 4096


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "sim",
        parents=parents,
        help="the local voice service, for trying things out and for tests",
        description="Serve token requests, heartbeats and voice sessions as the cloud does, on this machine. When "
        "ready it prints its addresses on stdout as one line of JSON; everything else goes to stderr. Ctrl-C or "
        "SIGTERM ends it: sessions are closed and recordings finished.",
        epilog="Example:\n  gatewayd sim --tls --record /tmp/heard --agent echo\n"
        "  gatewayd sim --listen 127.0.0.1:0 --scenario docs/scenarios/flaky-setup.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default=DEFAULT_LISTEN,
        help=f"where to serve; port 0 takes any that is free (default: {DEFAULT_LISTEN})",
    )
    parser.add_argument("--tls", action="store_true", help="https and wss, with a certificate made on the spot")
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        help="where ca.pem is written (default: DIR of --record, else a new one)",
    )
    parser.add_argument(
        "--record", metavar="DIR", type=Path, help="write what is heard and said, frame times and a summary per session"
    )
    parser.add_argument(
        "--agent", metavar="echo|tone|FILE.wav", default="echo", help="who answers (default: echo); 16 kHz mono 16 bit"
    )
    parser.add_argument("--echo-delay", metavar="SECONDS", type=float, default=0.0, help="how late the echo comes")
    parser.add_argument("--scenario", metavar="FILE", type=Path, help="misbehave as scripted in FILE (docs/sim.md)")
    parser.add_argument(
        "--credential-file", metavar="FILE", type=Path, help="token requests must carry this file's content as bearer"
    )
    parser.add_argument("--strict", action="store_true", help="also close on wrong frame sizes and unexpected messages")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. Raises `GatewayError`."""
    host, port = parse_listen(arguments.listen)
    if not 0 <= arguments.echo_delay <= ECHO_DELAY_MAX_S:
        raise UsageError(f"--echo-delay must be from 0 to {ECHO_DELAY_MAX_S:g} s")
    with ExitStack() as files:
        if arguments.record is not None:
            _make_directory(arguments.record, "--record")
        options = SimOptions(
            host=host,
            port=port,
            tls=_make_tls(arguments, host, files) if arguments.tls else None,
            agent=agent_factory(arguments.agent, echo_delay_s=arguments.echo_delay),
            scenario=read_scenario(arguments.scenario) if arguments.scenario is not None else Scenario(),
            credential=_read_credential(arguments.credential_file) if arguments.credential_file is not None else None,
            record=arguments.record,
            strict=arguments.strict,
            keep_frames=0,
        )
        trio.run(_serve_until_signalled, options)
    return ExitCode.OK


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, IPv6 in brackets. Raises `UsageError`."""
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not colon or not host or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65_535:
        raise UsageError("--listen must be HOST:PORT, such as 127.0.0.1:8765 or [::1]:0, with a port up to 65535")
    return host, int(port)


async def _serve_until_signalled(options: SimOptions) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            service: Service = await nursery.start(serve, options)
            print(json.dumps(service.addresses()), flush=True)
            nursery.start_soon(_stop_on_signal, signals, service)
            await service.wait_stopped()
            nursery.cancel_scope.cancel()


async def _stop_on_signal(signals: AsyncIterator[int], service: Service) -> None:
    async for number in signals:
        print(f"gatewayd sim: {signal.Signals(number).name}: closing", file=sys.stderr)
        service.stop()


def _make_tls(arguments: argparse.Namespace, host: str, files: ExitStack) -> ServerTls:
    directory: Path | None = arguments.state_dir or arguments.record
    if directory is None:
        directory = Path(files.enter_context(tempfile.TemporaryDirectory(prefix="gatewayd-sim-")))
    else:
        _make_directory(directory, "--state-dir")
    hosts = LOOPBACK if host in (*LOOPBACK, "0.0.0.0", "::") else (*LOOPBACK, host)  # noqa: S104 - compared, not bound
    try:
        return Authority(directory).server_tls(*hosts)
    except OSError as error:
        raise Unavailable(f"{directory}: certificates cannot be written: {error.strerror}") from None


def _make_directory(directory: Path, option: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise Unavailable(f"{directory}: cannot be written ({error.strerror}); choose another with {option}") from None


def _read_credential(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(CREDENTIAL_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigurationInvalid([Problem(str(path), "", f"cannot be read: {error.strerror}")]) from None
    text = content.decode("latin-1").strip()
    if not text or len(content) > CREDENTIAL_LIMIT_BYTES or not text.isascii() or not text.isprintable():
        what = f"must hold one line of printable ASCII, at most {CREDENTIAL_LIMIT_BYTES} bytes"
        raise ConfigurationInvalid([Problem(str(path), "", what)])
    return text
