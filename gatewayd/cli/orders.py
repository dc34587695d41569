"""What `start`, `stop`, `mute` and `unmute` share: they tell the running daemon something, and say that it was done."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.cli.status import configured_socket
from gatewayd.control.client import request
from gatewayd.errors import ExitCode
from gatewayd.text import one_line

if TYPE_CHECKING:
    from gatewayd.control.protocol import Command


def add_order(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    parents: list[argparse.ArgumentParser],
    command: Command,
    *,
    summary: str,
    description: str,
    done: str,
) -> None:
    """Add a command that tells the daemon `command`, and then says of each station that it is `done`."""
    parser = subparsers.add_parser(
        command.value,
        parents=parents,
        help=summary,
        description=description,
        epilog=f"Example:\n  gatewayd {command.value} lobby",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("station", metavar="STATION", nargs="?", help="only this station (default: all)")
    add_socket(parser)
    parser.set_defaults(run=partial(_order, command=command, done=done))


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Add `--socket`, for the commands that talk to the running daemon."""
    parser.add_argument(
        "--socket", metavar="PATH", type=Path, help="the daemon's control socket (default: as the configuration says)"
    )


def socket_of(arguments: argparse.Namespace) -> Path:
    """The socket that the command line or the configuration names. Raises `ConfigurationInvalid`."""
    chosen: Path | None = arguments.socket
    return chosen or configured_socket(arguments.config)


def _order(arguments: argparse.Namespace, *, command: Command, done: str) -> int:
    """Raises `Unavailable` where no daemon answers, and `RequestRefused`."""
    status = request(socket_of(arguments), command, arguments.station)
    stations = status.get("stations")
    names = list(stations) if isinstance(stations, dict) else []
    for name in [arguments.station] if arguments.station else names:
        print(f"{one_line(name)}: {done}")
    return ExitCode.OK
