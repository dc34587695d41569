"""What every command's parser shares: its way of refusing, and the options understood everywhere."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gatewayd.errors import ExitCode, GatewayError
from gatewayd.text import one_line

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

DEFAULT_CONFIGURATION = Path("/etc/gatewayd/gatewayd.toml")
LOG_LEVELS = ("debug", "info", "warning", "error")


class UsageError(GatewayError):
    """A command line that cannot be carried out; says what can."""

    exit_code = ExitCode.USAGE


class CommandParser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` where argparse prints its usage and leaves with 2.

    Options are written out: an abbreviation in a script would break once a new option begins like it.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Refuse the command line in one line that says where to read on."""
        raise UsageError(f"{one_line(message)}; `{self.prog} --help` shows what is possible")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print help and version; nowhere if stdout and stderr are closed (Python 3.10 fails then)."""
        if file is not None or sys.stderr is not None:
            super()._print_message(message, file)


def shared_options() -> argparse.ArgumentParser:
    """The options that stand before or after any command. One that is not given leaves no trace in the namespace, so
    that a command's own parser cannot undo what stood before it; `defaults` has the values then.
    """
    shared = CommandParser(prog="gatewayd", add_help=False)
    shared.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help=f"the configuration (default: $GATEWAYD_CONFIG, else {DEFAULT_CONFIGURATION})",
    )
    shared.add_argument(
        "--log-level",
        metavar="LEVEL",
        choices=LOG_LEVELS,
        default=argparse.SUPPRESS,
        help=f"how much to tell on stderr: {', '.join(LOG_LEVELS)} (default: info)",
    )
    return shared


def defaults() -> argparse.Namespace:
    """The shared options' values where the command line gives none."""
    return argparse.Namespace(config=Path(os.environ.get("GATEWAYD_CONFIG") or DEFAULT_CONFIGURATION), log_level="info")


def add_sysroot(parser: argparse.ArgumentParser) -> None:
    """Add `--sysroot`, for the commands that look at the sound hardware."""
    parser.add_argument(
        "--sysroot",
        metavar="DIR",
        type=Path,
        default=Path("/"),
        help="look for /proc, /sys, the device tree and hardware profiles under DIR (default: /)",
    )
