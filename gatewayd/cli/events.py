"""`gatewayd events`: what happens in the running daemon, as it happens."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from gatewayd.cli.events_view import line
from gatewayd.cli.orders import add_socket, socket_of
from gatewayd.control.client import follow
from gatewayd.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd events`."""
    parser = subparsers.add_parser(
        "events",
        parents=parents,
        help="follow what happens in the running daemon",
        description="Follow what happens in the running daemon, one line an event, until Ctrl-C.",
        epilog="Example:\n  gatewayd events --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "station", metavar="STATION", nargs="?", help="only this station, and the daemon as a whole (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, one object a line")
    add_socket(parser)
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace) -> int:
    """Print events until Ctrl-C. Raises `Unavailable` where no daemon answers, or no longer."""
    text = json.dumps if arguments.json else _for_a_person()
    try:
        events = follow(socket_of(arguments), arguments.station)
        next(events)
        for event in events:
            print(text(event), flush=True)
    except KeyboardInterrupt:
        pass
    return ExitCode.OK


def _for_a_person() -> Callable[[dict[str, object]], str]:
    colours = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return lambda event: line(event, colours=colours)
