"""`gatewayd record`: what the agent would hear, or what the card gives, as a WAV file."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.convert import WIRE, CaptureConverter
from gatewayd.audio.stretch import StretchMeter
from gatewayd.cli.sound import (
    WarmUp,
    add_sound_options,
    chosen_settings,
    opened_capture,
    rounded,
    seconds,
    until_stopped,
)
from gatewayd.cli.wav_file import STDOUT, WavFile
from gatewayd.errors import ExitCode

if TYPE_CHECKING:
    from gatewayd.audio.stretch import StretchLevel
    from gatewayd.hardware.settings import CaptureSettings, StationSettings
    from gatewayd.seams.audio import CapturedBlock


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "record",
        parents=parents,
        help="write what the agent would hear, or what the card gives, to a WAV file",
        description="Write what the agent would hear (16 kHz mono, with the station's gain and filter) to a WAV file, "
        "or with --raw what the card gives: its own rate and format, all channels. Until --seconds are over, Ctrl-C or "
        "SIGTERM; whatever ends it, the file is whole up to there.",
        epilog="Example:\n  gatewayd record heard.wav --seconds 10\n  gatewayd record --raw card.wav lobby\n"
        "  gatewayd record - --seconds 5 | aplay",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the WAV file to write; - for stdout")
    add_sound_options(parser)
    parser.add_argument("--raw", action="store_true", help="as the card gives it, all channels")
    parser.add_argument("--seconds", metavar="N", type=seconds, help="end after so much sound (default: at Ctrl-C)")
    parser.add_argument("--force", action="store_true", help="write over FILE if there is one")
    parser.add_argument("--json", action="store_true", help="tell what was recorded as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Record. Raises `DeviceError`, and `Unavailable` for the file; what was recorded until then is kept and told."""
    settings = chosen_settings(arguments)
    recording = Recording(settings.capture, raw=arguments.raw, limit_s=arguments.seconds)
    # Opened outside the event loop: a FIFO is waited for, which Ctrl-C could not end in there.
    file = WavFile(arguments.file, recording.parameters, force=arguments.force)
    try:
        with file:
            trio.run(until_stopped, partial(_record, settings, recording, file, arguments))
            recording.complete = True
    finally:
        if file.seconds:
            told_on = sys.stderr if arguments.file == STDOUT else sys.stdout
            print(json.dumps(as_json(recording, file)) if arguments.json else as_text(recording, file), file=told_on)
    return ExitCode.OK


async def _record(
    settings: StationSettings, recording: Recording, file: WavFile, arguments: argparse.Namespace
) -> None:
    async with opened_capture(settings, arguments.config) as stream:
        if sys.stderr is not None and sys.stderr.isatty() and arguments.seconds is None:
            print(f"recording from {stream.device}; Ctrl-C ends it", file=sys.stderr)
        while not recording.full:
            block = await stream.receive()
            await file.write(recording.take(block, trio.current_time()))


class Recording:
    """Turns what a card gives into what a file gets, and keeps count."""

    def __init__(self, settings: CaptureSettings, *, raw: bool, limit_s: float | None = None) -> None:
        self._native = settings.parameters
        self._converter = None
        self._warm_up = WarmUp(settings)
        if not raw:
            self._converter = CaptureConverter(
                settings.parameters, pick=settings.pick, gain_db=settings.gain_db, highpass_hz=settings.highpass_hz
            )
        self.parameters = settings.parameters if raw else WIRE
        self._meter = StretchMeter(self.parameters)
        self._left = None if limit_s is None else max(1, round(limit_s * self.parameters.rate_hz))
        self._captured_until_s: float | None = None
        self.overruns = 0
        self.gap_s = 0.0
        """How long sound was lost for, by the clock."""
        self.complete = False
        """It ended because that was asked for."""

    @property
    def full(self) -> bool:
        """Nothing more is wanted."""
        return self._left == 0

    def take(self, block: CapturedBlock, now_s: float) -> bytes:
        """What the file gets for this block, which was there at `now_s`."""
        length_s = len(block.data) / self._native.frame_bytes / self._native.rate_hz
        if block.overrun:
            self._note_overrun(now_s - length_s)
        self._captured_until_s = now_s
        samples = block.data
        if self._converter is not None:
            samples = b"".join(self._converter.feed(self._warm_up.cut(block.data)))
        if self._left is not None:
            samples = samples[: self._left * self.parameters.frame_bytes]
            self._left -= len(samples) // self.parameters.frame_bytes
        self._meter.feed(samples)
        return samples

    def levels(self) -> list[StretchLevel]:
        """Of every channel, over all that was taken; to be asked once."""
        return self._meter.take()

    def _note_overrun(self, resumed_s: float) -> None:
        self.overruns += 1
        if self._captured_until_s is not None:
            self.gap_s += max(0.0, resumed_s - self._captured_until_s)
        self._meter.reset()
        if self._converter is not None:
            self._converter.reset()


def as_json(recording: Recording, file: WavFile) -> dict[str, object]:
    """What was recorded, for scripts."""
    return {
        "file": file.name,
        "complete": recording.complete,
        "seconds": round(file.seconds, 3),
        "rate_hz": file.parameters.rate_hz,
        "format": file.parameters.format.value,
        "channels": file.parameters.channels,
        "levels": [
            {"level_dbfs": rounded(one.level_dbfs), "peak_dbfs": rounded(one.peak_dbfs), "clipped": one.clipped}
            for one in recording.levels()
        ],
        "overruns": recording.overruns,
        "gap_s": round(recording.gap_s, 3),
    }


def as_text(recording: Recording, file: WavFile) -> str:
    """The same for people."""
    ended = "" if recording.complete else ", and then it ended early"
    lost = f"{recording.overruns} overruns, {recording.gap_s:.2f} s lost" if recording.overruns else "no overruns"
    stored = ""
    if file.parameters != recording.parameters:
        stored = f" (the card's {recording.parameters.format.value} without its unused byte)"
    levels = [_level_text(level) for level in recording.levels()]
    lines = [f"{file.name}: {file.seconds:.2f} s of {file.parameters}{stored}, {lost}{ended}"]
    if len(levels) == 1:
        return f"{lines[0]}; {levels[0]}"
    return "\n".join(lines + [f"  channel {channel}: {level}" for channel, level in enumerate(levels)])


def _level_text(level: StretchLevel) -> str:
    if level.level_dbfs is None or level.peak_dbfs is None:
        return "digital zero"
    clipped = f", {level.clipped} samples at full scale" if level.clipped else ""
    return f"level {level.level_dbfs:.1f} dBFS, peak {level.peak_dbfs:.1f} dBFS{clipped}"
