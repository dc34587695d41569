"""`gatewayd status`: the running daemon's state, for people and for scripts."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.cli.options import DEFAULT_CONFIGURATION, UsageError
from gatewayd.control.client import request
from gatewayd.control.protocol import Command, RequestRefused
from gatewayd.errors import ConfigurationInvalid, ExitCode, GatewayError, Unavailable
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SOCKET = Path("/run/gatewayd/control.sock")
WATCH_INTERVAL_S = 1.0
_CLEAR_SCREEN = "\x1b[H\x1b[J"


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd status`."""
    parser = subparsers.add_parser(
        "status",
        parents=parents,
        help="show the running daemon's state",
        description="Show the running daemon's state.",
        epilog="Example:\n  gatewayd status lobby --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("station", metavar="STATION", nargs="?", help="only this station (default: all)")
    parser.add_argument("--json", action="store_true", help="as JSON; with --watch one line a second")
    parser.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    parser.add_argument(
        "--socket", metavar="PATH", type=Path, help="the daemon's control socket (default: as the configuration says)"
    )
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace) -> int:
    """Ask and print, once or until Ctrl-C."""
    socket_path = arguments.socket or configured_socket(arguments.config)

    def ask() -> dict[str, object]:
        return only(request(socket_path, Command.STATUS), arguments.station)

    text = _as_json if arguments.json else _as_table
    if arguments.watch:
        return _watch(ask, lambda status: text(status, compact=True))
    print(text(ask(), compact=False))
    return ExitCode.OK


def configured_socket(configuration_path: Path) -> Path:
    """The control socket that the configuration names.

    A default configuration that is missing or broken says nothing about a daemon that runs, so the default socket is
    taken then; one that was named must load. Raises `ConfigurationInvalid`.
    """
    from gatewayd.configuration.load import load  # noqa: PLC0415 - not needed with --socket

    try:
        return Path(load(configuration_path).control.socket)
    except ConfigurationInvalid:
        if configuration_path != DEFAULT_CONFIGURATION:
            raise
        return DEFAULT_SOCKET


def only(status: dict[str, object], station: str | None) -> dict[str, object]:
    """The status with this one station alone; with all of them for None. Raises `UsageError` if there is no such."""
    if station is None:
        return status
    stations = status.get("stations")
    known = stations if isinstance(stations, dict) else {}
    if station not in known:
        names = ", ".join(one_line(name) for name in known) or "none"
        raise UsageError(f"there is no station '{one_line(station)}'; gatewayd runs with these: {names}")
    return {**status, "stations": {station: known[station]}}


def _watch(ask: Callable[[], dict[str, object]], text: Callable[[dict[str, object]], str]) -> int:
    """Print until Ctrl-C; a daemon that is away or busy is told about and asked again."""
    clear = _CLEAR_SCREEN if _on_terminal() else ""
    try:
        while True:
            try:
                print(f"{clear}{text(ask())}", flush=True)
            except (Unavailable, RequestRefused) as error:
                _tell(error, clear)
            time.sleep(WATCH_INTERVAL_S)
    except KeyboardInterrupt:
        return ExitCode.OK


def _tell(error: GatewayError, clear: str) -> None:
    if clear:
        print(clear, end="", flush=True)
    print(f"gatewayd: {error}", file=sys.stderr, flush=True)


def _as_json(status: dict[str, object], *, compact: bool) -> str:
    return json.dumps(status, indent=None if compact else 2)


def _as_table(status: dict[str, object], *, compact: bool) -> str:  # noqa: ARG001 - both forms are called alike
    from gatewayd.cli.status_table import table  # noqa: PLC0415 - --json does without

    return table(status, colours=_on_terminal() and not os.environ.get("NO_COLOR"))


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
