"""`gatewayd run`: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import resource
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from gatewayd.app import Daemon
from gatewayd.assembly import assemble
from gatewayd.cli.options import add_sysroot
from gatewayd.configuration.load import load
from gatewayd.errors import ExitCode
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.hardware.resolve import check_stations

if TYPE_CHECKING:
    from pathlib import Path


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "run",
        parents=parents,
        help="the daemon, in the foreground, as systemd starts it",
        description="Hold the conversation between every station and its agent until SIGTERM or SIGINT, then end the "
        "sessions, close the sound devices and leave with 0 within 3 s. A second signal leaves at once.",
        epilog="Example:\n  gatewayd run --config /etc/gatewayd/gatewayd.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon. Raises `ConfigurationInvalid`, and `Unavailable` where another one is running."""
    with suppress(OSError, ValueError):  # a sandbox that forbids it sets the limit itself
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold tokens and credentials
    daemon = make_daemon(arguments.config, arguments.sysroot)
    trio.run(daemon.run)
    return ExitCode.OK


def make_daemon(config: Path, sysroot: Path) -> Daemon:
    """Everything that `config` asks for, ready to run. Raises `ConfigurationInvalid` with all problems at once."""
    configuration = load(config)
    profiles = load_profiles(profile_directories(sysroot))
    check_stations(configuration, profiles)
    parts = assemble(configuration, profiles, source=str(config), sysroot=sysroot)
    return Daemon(parts, configuration.control.socket)
