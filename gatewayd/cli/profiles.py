"""`gatewayd profiles`: which boards are known, and what is known of one."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from gatewayd.cli.options import UsageError, add_sysroot
from gatewayd.cli.profile_table import one, table
from gatewayd.configuration.tables import nearest
from gatewayd.errors import ExitCode
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.hardware.profile import Profile


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd profiles`."""
    parser = subparsers.add_parser(
        "profiles",
        parents=parents,
        help="list the boards that are known, or show what is known of one",
        description="List the hardware profiles, those of /etc/gatewayd/hw-profiles included; or show one whole, with\n"
        "each fact, how sure it is and where it comes from.",
        epilog="Example:\n  gatewayd profiles respeaker-xvf3800",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="show this one whole (default: a list of all)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the profiles, or show one.

    Raises `ConfigurationInvalid` with every problem of any of them, `UsageError` for a name that none has.
    """
    profiles = load_profiles(profile_directories(arguments.sysroot))
    if arguments.name is None:
        shown: object = {"profiles": [asdict(profile) for profile in profiles.values()]}
        text = table(profiles.values(), width=_width())
    else:
        profile = _named(arguments.name, profiles)
        shown, text = asdict(profile), one(profile, colours=_on_terminal() and not os.environ.get("NO_COLOR"))
    print(json.dumps(shown, indent=2) if arguments.json else text)
    return ExitCode.OK


def _named(name: str, profiles: Mapping[str, Profile]) -> Profile:
    if name not in profiles:
        raise UsageError(f"there is no profile '{one_line(name)}'; {nearest(name, profiles)}")
    return profiles[name]


def _width() -> int | None:
    """How wide a line may be; None where a program reads it."""
    return shutil.get_terminal_size().columns if _on_terminal() else None


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
