"""`gatewayd tone`: a test sound on a station's speaker, on the way that the agent's words take."""

from __future__ import annotations

import argparse
import json
import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import trio

from gatewayd.audio.convert import PlaybackConverter
from gatewayd.audio.formats import FRAME_SAMPLES, WIRE_RATE_HZ
from gatewayd.cli.sound import add_sound_options, chosen_settings, opened_playback, seconds, until_stopped
from gatewayd.errors import ExitCode, Unavailable
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewayd.audio.formats import StreamParameters
    from gatewayd.hardware.settings import PlaybackSettings
    from gatewayd.seams.audio import PlaybackStream

HZ_MIN, HZ_MAX = 20.0, 7000.0
"""The voice protocol's 16 kHz carry up to 7 kHz unweakened."""
DBFS_MIN = -90.0
FADE_S = 0.01
"""The tone swells and fades for so long, so that neither end clicks."""
DRAIN_LIMIT_S = 2.0
"""Longest wait for the card to play what it was given: far more than its buffer holds."""
_DRAIN_STEP_S = 0.01


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "tone",
        parents=parents,
        help="play a test tone on a station's speaker",
        description="Play a tone on a station's speaker, converted and played as the agent's words are, the station's "
        "volume included. Ctrl-C ends it.",
        epilog="Example:\n  gatewayd tone --hz 440 --seconds 2\n  gatewayd tone lobby --each-channel",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sound_options(parser)
    parser.add_argument(
        "--hz", metavar="N", type=_frequency, default=1000.0, help=f"{HZ_MIN:g} to {HZ_MAX:g} (default: 1000)"
    )
    parser.add_argument(
        "--dbfs",
        metavar="N",
        type=_level,
        default=-20.0,
        help=f"its level, {DBFS_MIN:g} to 0, where 0 is the loudest possible (default: -20)",
    )
    parser.add_argument("--seconds", metavar="N", type=seconds, default=3.0, help="how long (default: 3)")
    parser.add_argument(
        "--each-channel", action="store_true", help="on one channel after the other, the others silent, --seconds each"
    )
    parser.add_argument("--json", action="store_true", help="tell what was played as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play. Raises `DeviceError`, and `Unavailable` for a station without a speaker."""
    playback = chosen_settings(arguments).playback
    if playback is None:
        raise Unavailable("this station has no speaker; `--device hw:…` plays on another device")
    trio.run(until_stopped, partial(_play, playback, arguments))
    return ExitCode.OK


async def _play(playback: PlaybackSettings, arguments: argparse.Namespace) -> None:
    tone = Tone(hz=arguments.hz, dbfs=arguments.dbfs, seconds=arguments.seconds)
    channels: list[int | None] = [None]
    if arguments.each_channel:
        channels = [*range(playback.parameters.channels)]
    async with opened_playback(playback, arguments.config) as stream:
        for channel in channels:
            if not arguments.json:
                print(_as_text(tone, playback, channel), flush=True)
            for sound in native_sound(tone, playback, channel):
                await stream.send(sound)
        await drain(stream)
        if arguments.json:
            print(json.dumps(_as_json(tone, playback, channels, stream.underruns)))
        elif stream.underruns:
            print(f"the card ran dry {stream.underruns} times: gaps were heard")


async def drain(stream: PlaybackStream) -> None:
    """Wait until the card has played what it was given, `DRAIN_LIMIT_S` at most."""
    with trio.move_on_after(DRAIN_LIMIT_S):
        while stream.queued_s > 0:  # noqa: ASYNC110 - only the card knows
            await trio.sleep(_DRAIN_STEP_S)


@dataclass(frozen=True)
class Tone:
    """A sine; `dbfs` is relative to a full-scale sine."""

    hz: float
    dbfs: float
    seconds: float

    def frames(self) -> Iterator[bytes]:
        """Its wire frames; the last is filled up with silence."""
        length = max(1, round(self.seconds * WIRE_RATE_HZ))
        fade = max(1, min(round(FADE_S * WIRE_RATE_HZ), length // 2))
        amplitude = 32767.0 * 10.0 ** (self.dbfs / 20.0)
        for start in range(0, length, FRAME_SAMPLES):
            position = np.arange(start, start + FRAME_SAMPLES)
            envelope = np.clip(np.minimum(position, length - 1 - position) / fade, 0.0, 1.0)
            sine = np.sin(2.0 * math.pi * self.hz / WIRE_RATE_HZ * position)
            yield np.rint(amplitude * envelope * sine).astype("<i2").tobytes()


def native_sound(tone: Tone, playback: PlaybackSettings, channel: int | None) -> Iterator[bytes]:
    """The tone as the card plays it, 20 ms at a time; on all channels, or on one alone."""
    converter = PlaybackConverter(playback.parameters, volume=playback.volume)
    for frame in tone.frames():
        sound = converter.feed(frame)
        yield sound if channel is None else only_channel(sound, playback.parameters, channel)


def only_channel(sound: bytes, parameters: StreamParameters, channel: int) -> bytes:
    """Native interleaved sound with every channel but one silenced."""
    samples = np.frombuffer(sound, np.uint8).reshape(-1, parameters.channels, parameters.format.sample_bytes)
    alone = np.zeros_like(samples)
    alone[:, channel] = samples[:, channel]
    return alone.tobytes()


def _as_text(tone: Tone, playback: PlaybackSettings, channel: int | None) -> str:
    where = playback.device if channel is None else f"channel {channel} of {playback.device}"
    volume = "" if playback.volume == 1.0 else f", with the station's volume of {playback.volume:g}"
    return f"{tone.hz:g} Hz at {tone.dbfs:g} dBFS for {tone.seconds:g} s on {where}, {playback.parameters}{volume}"


def _as_json(tone: Tone, playback: PlaybackSettings, channels: list[int | None], underruns: int) -> dict[str, object]:
    return {
        "device": playback.device,
        "rate_hz": playback.parameters.rate_hz,
        "format": playback.parameters.format.value,
        "channels": playback.parameters.channels,
        "played_on": [*range(playback.parameters.channels)] if channels == [None] else channels,
        "hz": tone.hz,
        "dbfs": tone.dbfs,
        "seconds": tone.seconds,
        "volume": playback.volume,
        "underruns": underruns,
    }


def _frequency(text: str) -> float:
    return _number_between(text, HZ_MIN, HZ_MAX)


def _level(text: str) -> float:
    return _number_between(text, DBFS_MIN, 0.0)


def _number_between(text: str, least: float, greatest: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= greatest:
        raise argparse.ArgumentTypeError(f"must be a number from {least:g} to {greatest:g}, not {text!r}")
    return value
