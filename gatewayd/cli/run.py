"""`gatewayd run`: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import logging
import random
import resource
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.app import Daemon
from gatewayd.assembly import Assembly
from gatewayd.cli.options import add_sysroot
from gatewayd.errors import ExitCode
from gatewayd.lives import Lives
from gatewayd.plan import load_plan
from gatewayd.system.notify import Notifier

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "run",
        parents=parents,
        help="the daemon, in the foreground, as systemd starts it",
        description="Hold the conversation between every station and its agent until SIGTERM or SIGINT, then end the "
        "sessions, close the sound devices and leave with 0 within 3 s. A second signal leaves at once. SIGHUP has the "
        "configuration read anew; what it leaves as it is goes on without a gap.",
        epilog="Example:\n  gatewayd run --config /etc/gatewayd/gatewayd.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon. Raises `ConfigurationInvalid`, and `Unavailable` where another one is running."""
    with suppress(OSError, ValueError):  # a sandbox that forbids it sets the limit itself
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold tokens and credentials
    notifier = Notifier()
    lives = Lives(notifier)
    _wait(lives.begin(random.SystemRandom()), lives.deaths, notifier)
    daemon = make_daemon(arguments.config, arguments.sysroot)
    trio.run(daemon.run)
    lives.end()
    return ExitCode.OK


def _wait(delay_s: float, deaths: int, notifier: Notifier) -> None:
    """A signal ends the process here, as there is nothing yet to be ended in good order."""
    if delay_s > 0:
        line = f"died {deaths} times in a row, so it starts in {delay_s:.0f} s"
        notifier.status(line)
        _log.warning("gatewayd %s", line)
        time.sleep(delay_s)


def make_daemon(config: Path, sysroot: Path) -> Daemon:
    """Everything that `config` asks for, ready to run. Raises `ConfigurationInvalid` with all problems at once."""
    load = partial(load_plan, config, sysroot)
    plan = load()
    return Daemon(plan, Assembly(plan, sysroot), load)
