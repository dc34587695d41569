"""The `gatewayd` command: finds the command, runs it, and turns whatever happens into an exit code.

A command is a module with `add_parser(subparsers, parents)`, which adds its parser and sets `run=function` as a
default, where `function(arguments) -> int` returns the exit code. Only the chosen command's module is imported, so
that `gatewayd status` does not pay for numpy and sound.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from gatewayd import __version__
from gatewayd.cli.failures import finish_output, report
from gatewayd.cli.options import CommandParser, UsageError, defaults, shared_options
from gatewayd.system.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """A command as the overview lists it; `help` is the same text that its module gives its parser."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("run", "gatewayd.cli.run", "the daemon, in the foreground, as systemd starts it"),
    Command("check", "gatewayd.cli.check", "tell everything that is wrong with configuration and profiles"),
    Command("devices", "gatewayd.cli.devices", "sound cards, the profiles that match them, and why"),
    Command("profiles", "gatewayd.cli.profiles", "list the boards that are known, or show what is known of one"),
    Command("doctor", "gatewayd.cli.doctor", "find out what keeps this device from hearing, speaking or its agent"),
    Command("bundle", "gatewayd.cli.bundle", "collect what support needs into a file, without secrets or sound"),
    Command("meter", "gatewayd.cli.meter", "show the live level of every channel"),
    Command("record", "gatewayd.cli.record", "write what the agent would hear, or what the card gives, to a WAV file"),
    Command("tone", "gatewayd.cli.tone", "play a test tone on a station's speaker"),
    Command("status", "gatewayd.cli.status", "show the running daemon's state"),
    Command("start", "gatewayd.cli.start", "have a station hold a session"),
    Command("stop", "gatewayd.cli.stop", "end a station's session until the next start"),
    Command("mute", "gatewayd.cli.mute", "close a station's microphone"),
    Command("unmute", "gatewayd.cli.unmute", "open a muted station's microphone again"),
    Command("events", "gatewayd.cli.events", "follow what happens in the running daemon"),
    Command("metrics", "gatewayd.cli.metrics", "print what the daemon measures, or serve it to Prometheus"),
    Command("sim", "gatewayd.cli.sim", "the local voice service, for trying things out and for tests"),
)


def main(argv: Sequence[str] | None = None, *, commands: Sequence[Command] = COMMANDS) -> int:
    """Run the command that `argv` (the process's own by default) names, and return the process's exit code."""
    # numpy's OpenBLAS starts a thread a core when it loads; for one small product a block they only cost memory (40 MB
    # of address space) and wake-ups. It reads this when it loads, so it must be set before any command's module.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    debug = False
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv, commands)
        debug = arguments.log_level == "debug"
        configure_logging(arguments.log_level, sys.stderr)
        exit_code: int = arguments.run(arguments)
    except BaseException as error:  # noqa: ASYNC103, BLE001 - the outermost place: no traceback reaches a person
        exit_code = report(error, debug=debug)
    return finish_output(exit_code)  # noqa: ASYNC104 - no event loop runs any more


def parse(argv: Sequence[str], commands: Sequence[Command] = COMMANDS) -> argparse.Namespace:
    """Read the command line. Raises `UsageError`, and `SystemExit` after `--help` and `--version`."""
    # Without the shared options the first word that is no option names the command.
    _, rest = shared_options().parse_known_args(argv)
    chosen = next((word for word in rest if not word.startswith("-")), None)
    arguments = parser(chosen, commands).parse_args(argv, defaults())
    if arguments.command is None:
        names = ", ".join(command.name for command in commands)
        raise UsageError(f"say what to do: {names}; `gatewayd --help` tells what each does")
    return arguments


def parser(chosen: str | None, commands: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The whole command line's parser, in which only the `chosen` command knows its options."""
    top = CommandParser(
        prog="gatewayd",
        description="A voice terminal of a cloud agent on a headless sound device.",
        epilog="`gatewayd COMMAND --help` shows a command's options.\n\nExample:\n  gatewayd status --watch",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared_options()],
    )
    top.add_argument("--version", action="version", version=f"gatewayd {__version__}")
    subparsers = top.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in commands:
        if command.name == chosen:
            import_module(command.module).add_parser(subparsers, [shared_options()])
        else:
            subparsers.add_parser(command.name, help=command.help)
    return top
