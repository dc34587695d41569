"""`python -m tests.demo`: a whole conversation over ALSA, watched and measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gatewayd.audio.formats import SampleFormat, StreamParameters
from tests.demo.plan import I2S_MICROPHONE, SOFTWARE_CARD, CardUnderTest, FolderOccupied, Plan
from tests.demo.show import run_demo

if TYPE_CHECKING:
    from collections.abc import Sequence

EX_USAGE, EX_CANTCREAT = 64, 73
"""After sysexits.h."""
FILE_COLUMNS = 110
"""Width of what is printed where there is no terminal."""
REAL_CARD_ECHO_DELAY_S = 1.0
"""A real microphone beside a real speaker would howl with an echo at once, and nobody could tell it from theirs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 if the conversation happened and sounded right, 1 if not."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        plan = _plan(arguments)
    except ValueError as error:
        return _refuse(parser, error, EX_USAGE)
    try:
        console = Console()
        return run_demo(plan, arguments.output, console if console.is_terminal else Console(width=FILE_COLUMNS))
    except (FolderOccupied, OSError) as error:
        return _refuse(parser, error, EX_CANTCREAT)


def _refuse(parser: argparse.ArgumentParser, why: Exception, exit_code: int) -> int:
    sys.stderr.write(f"{parser.prog}: {why}\n")
    return exit_code


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.seconds < 5:
        raise ValueError("--seconds: a conversation of less than 5 s tells nothing")
    card = _real_card(arguments) if arguments.card else SOFTWARE_CARD
    delay_s = REAL_CARD_ECHO_DELAY_S if card.real else 0.0
    return Plan(card, arguments.seconds, delay_s, lenient_timing=arguments.lenient_timing)


def _real_card(arguments: argparse.Namespace) -> CardUnderTest:
    if not arguments.card.startswith("hw:"):
        raise ValueError(
            f"--card {arguments.card}: must be hw:…, as `arecord -l` numbers them; plughw would convert the sound, and "
            "that is gatewayd's work"
        )
    sample_format = SampleFormat(arguments.format)
    return CardUnderTest(
        device=arguments.card,
        capture=StreamParameters(arguments.rate, sample_format, arguments.channels),
        playback=StreamParameters(arguments.rate, sample_format, arguments.playback_channels or arguments.channels),
        pick=tuple(arguments.pick),
        real=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo",
        description="Hold a conversation over ALSA between gatewayd and a local voice service, and measure it: spoken "
        "sentences enter a software sound card, an echo agent answers, and the answer comes out of the card.",
        epilog="Example: python -m tests.demo --card hw:CARD=Device,DEV=0 --format S16_LE --channels 1 "
        "--playback-channels 2",
    )
    parser.add_argument("--card", metavar="hw:…", default="", help="a real card instead of the software card")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of the conversation (default: 15)")
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("build/demo"),
        help="where WAV files, picture and logs go (default: build/demo)",
    )
    parser.add_argument(
        "--lenient-timing",
        action="store_true",
        help="delays over their limit warn and do not fail; for machines that others use too",
    )
    card = parser.add_argument_group("what a real card takes (default: S32_LE, 48000 Hz, 2 channels, the first used)")
    card.add_argument("--format", choices=[kind.value for kind in SampleFormat], default=I2S_MICROPHONE.format.value)
    card.add_argument("--rate", metavar="HZ", type=int, default=I2S_MICROPHONE.rate_hz)
    card.add_argument("--channels", metavar="N", type=int, default=I2S_MICROPHONE.channels)
    card.add_argument("--playback-channels", metavar="N", type=int, help="where playback has another number of them")
    card.add_argument("--pick", metavar="N", type=int, nargs="+", default=[0], help="the channels to use, from 0")
    return parser


if __name__ == "__main__":
    sys.exit(main())
