"""`gatewayd doctor`: every step from the configuration to the agent, and the one thing to do about each that fails."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import trio

from gatewayd.cli.doctor_view import DoctorView, Quiet
from gatewayd.cli.options import UsageError, add_sysroot
from gatewayd.cli.sound import opened_capture, opened_playback
from gatewayd.cli.status import DEFAULT_SOCKET
from gatewayd.configuration.load import load
from gatewayd.diagnosis.doctor import Doctor, Outside, Scope
from gatewayd.diagnosis.results import exit_code, summary
from gatewayd.diagnosis.sound import SoundAccess
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatewayd.diagnosis.results import Result
    from gatewayd.diagnosis.walk import Display
    from gatewayd.hardware.settings import PlaybackSettings
    from gatewayd.seams.audio import PlaybackStream

TONE_HZ, TONE_DBFS, TONE_S = 1000.0, -20.0, 1.0
"""What `--tone` plays: as loud as speech, and short."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "doctor",
        parents=parents,
        help="find out what keeps this device from hearing, speaking or its agent",
        description="Walk the chain: configuration, credentials, daemon, card, levels, speaker, clock, DNS, connect,\n"
        "TLS, heartbeat, token, session. Each step says pass, warn, fail or skipped, and the one thing to do next.\n"
        "While gatewayd runs, its own word is taken for what it holds open; else the microphone is heard for 2.5 s,\n"
        "and the speaker is opened without a sound. Nothing is changed. Leaves with 0 where nothing failed, 78 where\n"
        "the configuration or a credential did, 69 where anything else did.",
        epilog="Example:\n  gatewayd doctor\n  gatewayd doctor lobby --tone\n  gatewayd doctor --no-session --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("station", metavar="STATION", nargs="?", help="only this station's sound and session")
    parser.add_argument("--json", action="store_true", help="a JSON list with an object for each step")
    parser.add_argument("--offline", action="store_true", help="leave out whatever needs the network")
    parser.add_argument(
        "--no-session",
        action="store_true",
        help="ask for no token and hold no session: both cost the service something",
    )
    parser.add_argument("--tone", action="store_true", help="play a tone of a second on the speaker")
    add_sysroot(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Walk, and tell. Raises `UsageError` for a station that the configuration does not have."""
    _check_station(arguments)
    scope = Scope(arguments.config, arguments.station, network=not arguments.offline, session=not arguments.no_session)
    outside = outside_of(arguments.config, arguments.sysroot, tone=arguments.tone)
    if arguments.json:
        results = trio.run(diagnose, scope, outside, Quiet())
        print(json.dumps([result.as_json() for result in results], indent=2))
    else:
        with DoctorView.on(sys.stdout) as view:
            results = trio.run(diagnose, scope, outside, view)
        print(f"\n{summary(results)}")
    return exit_code(results)


def _check_station(arguments: argparse.Namespace) -> None:
    if arguments.station is None:
        return
    try:
        names = [station.name for station in load(arguments.config).stations]
    except ConfigurationInvalid:  # which the walk tells
        return
    if arguments.station not in names:
        raise UsageError(f"there is no station '{one_line(arguments.station)}'; configured are: {', '.join(names)}")


async def diagnose(scope: Scope, outside: Outside, display: Display) -> Sequence[Result]:
    """Take every step."""
    return await Doctor(scope, outside, display).run()


def outside_of(config: Path, sysroot: Path, *, tone: bool) -> Outside:
    """What the doctor looks at on a real device."""
    sound = SoundAccess(
        open_capture=lambda settings: opened_capture(settings, config),
        open_playback=lambda settings: opened_playback(settings, config),
        mixer=AlsaMixer(sysroot),
        play=play_tone if tone else None,
        root=sysroot,
    )
    return Outside(sound, DEFAULT_SOCKET)


async def play_tone(playback: PlaybackSettings, stream: PlaybackStream) -> None:
    """Play a short tone to its end; see `SoundAccess.play`."""
    from gatewayd.cli.tone import Tone, drain, native_sound  # noqa: PLC0415 - only with --tone

    for sound in native_sound(Tone(hz=TONE_HZ, dbfs=TONE_DBFS, seconds=TONE_S), playback, None):
        await stream.send(sound)
    await drain(stream)
