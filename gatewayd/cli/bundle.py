"""`gatewayd bundle`: everything that support needs in one file, without secrets and without sound."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd import __version__
from gatewayd.cli.doctor import diagnose, outside_of
from gatewayd.cli.doctor_view import Quiet
from gatewayd.cli.options import UsageError, add_sysroot
from gatewayd.cli.status import DEFAULT_SOCKET
from gatewayd.configuration.load import load
from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.diagnosis.archive import Bundle
from gatewayd.diagnosis.collecting import (
    Device,
    collect_configuration,
    collect_journal,
    collect_kernel_log,
    collect_root,
    collect_system,
    collect_unit,
    known_secrets,
)
from gatewayd.diagnosis.doctor import Scope
from gatewayd.diagnosis.programs import output_of
from gatewayd.diagnosis.results import summary
from gatewayd.diagnosis.scrubbing import Scrubber
from gatewayd.errors import ConfigurationInvalid, ExitCode, GatewayError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from gatewayd.configuration.model import Configuration

STDOUT = "-"
_LATER = (
    (collect_root, "what the kernel shows of the sound cards"),
    (collect_unit, "how systemd sees the service"),
    (collect_journal, "the journal"),
    (collect_kernel_log, "the kernel's log"),
    (collect_system, "the system"),
)


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "bundle",
        parents=parents,
        help="collect what support needs into a file, without secrets or sound",
        description="Write a .tar.gz for support: the diagnosis of `gatewayd doctor --offline`, the status of the\n"
        "running daemon, the configuration, what the kernel shows of the sound cards, the journal of the service,\n"
        "versions. Secrets are taken out of every text; sound, tokens, keys, credentials and the environment are\n"
        "never in it. manifest.json lists what is, and what could not be had. As root it can have more.",
        epilog="Example:\n  gatewayd bundle lobby.tar.gz\n  ssh lobby sudo gatewayd bundle - > lobby.tar.gz",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the archive to write, or - for stdout")
    parser.add_argument("--force", action="store_true", help="write over FILE if it is there")
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Collect and write. Raises `UsageError` for a file that is there, and `Unavailable` where it cannot be written."""
    target = None if arguments.file == STDOUT else Path(arguments.file)
    if target is not None and target.exists() and not arguments.force:
        raise UsageError(f"{target} is there already; another name, or --force, writes it")
    device = Device(arguments.config, arguments.sysroot, output_of, os.environ)
    bundle = collected(device, _tell)
    if target is None:
        _write_to_stdout(bundle)
    else:
        write_file(target, bundle.write)
    for missing in bundle.missing:
        _tell(f"not in it: {missing['name']}: {missing['why']}")
    _tell(f"{target or 'stdout'} holds {len(bundle.names)} files; look through them before they leave your hands")
    return ExitCode.OK


def collected(device: Device, tell: Callable[[str], None]) -> Bundle:
    """Everything that can be had. Raises nothing for what cannot."""
    configuration = _configuration(device.config)
    scrubber = Scrubber(known_secrets(device))
    now = datetime.now(timezone.utc)
    bundle = Bundle(made_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", version=__version__)
    tell("collecting: the diagnosis (the microphone is listened to for 2.5 s, and not recorded)")
    scope = Scope(device.config, network=False)
    results = trio.run(diagnose, scope, outside_of(device.config, device.root, tone=False), Quiet())
    bundle.add("doctor.json", scrubber.json([result.as_json() for result in results]), summary(results))
    tell("collecting: the status of the running daemon")
    socket_path = Path(configuration.control.socket) if configuration else DEFAULT_SOCKET
    try:
        bundle.add("status.json", scrubber.json(request(socket_path, Command.STATUS)), "the running daemon's status")
    except GatewayError as error:
        bundle.miss("status.json", str(error))
    collect_configuration(bundle, device, scrubber)
    for collect, what in _LATER:
        tell(f"collecting: {what}")
        collect(bundle, device, scrubber)
    return bundle


def _configuration(config: Path) -> Configuration | None:
    try:
        return load(config)
    except ConfigurationInvalid:  # which the diagnosis tells
        return None


def write_file(target: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises `Unavailable`."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None


def _write_to_stdout(bundle: Bundle) -> None:
    if sys.stdout is None:
        raise Unavailable("stdout is closed, so nothing can be written to it")
    if sys.stdout.isatty():
        raise UsageError("an archive would be gibberish on a terminal; `gatewayd bundle - > FILE` writes a file")
    bundle.write(sys.stdout.buffer)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
