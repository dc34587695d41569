"""`gatewayd meter`: the level of every channel of a microphone, live."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections import deque
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.convert import WIRE, CaptureConverter
from gatewayd.audio.health import HealthMonitor
from gatewayd.audio.stretch import StretchMeter
from gatewayd.cli.meter_view import Reading, Row, as_json, line, screen
from gatewayd.cli.sound import WarmUp, add_sound_options, chosen_settings, opened_capture, seconds, until_stopped
from gatewayd.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewayd.audio.stretch import StretchLevel
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.audio import CapturedBlock

REDRAWN_PER_S = 10
PEAK_HOLD_S = 1.5
"""How long a peak stays on the screen: long enough to be read."""
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_UP_AND_CLEAR = "\x1b[{}F\x1b[J"


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add the command to `gatewayd`."""
    parser = subparsers.add_parser(
        "meter",
        parents=parents,
        help="show the live level of every channel",
        description="Show how loud every channel of a microphone is, which of them the agent hears, how loud that is, "
        "and which clip or are dead. Bars on a terminal, else a line a second, until Ctrl-C or SIGTERM.",
        epilog="Example:\n  gatewayd meter lobby\n"
        "  gatewayd meter --device hw:CARD=Array,DEV=0 --rate-hz 48000 --format S32_LE --channels 2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sound_options(parser)
    parser.add_argument("--seconds", metavar="N", type=seconds, help="end after so much sound (default: at Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="a JSON object a second")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show until asked to stop. Raises `DeviceError`."""
    settings = chosen_settings(arguments)
    on_terminal = not arguments.json and sys.stdout is not None and sys.stdout.isatty()
    if on_terminal:
        meter = Meter(settings, readings_per_s=REDRAWN_PER_S, peak_hold_s=PEAK_HOLD_S)
        with _redrawn() as show:
            trio.run(until_stopped, partial(_measure, settings, meter, show, arguments))
        return ExitCode.OK
    meter = Meter(settings, readings_per_s=1, peak_hold_s=1.0)
    text = _json_line if arguments.json else line
    trio.run(
        until_stopped,
        partial(_measure, settings, meter, lambda reading: print(text(reading), flush=True), arguments),
    )
    return ExitCode.OK


async def _measure(
    settings: StationSettings, meter: Meter, show: Callable[[Reading], None], arguments: argparse.Namespace
) -> None:
    async with opened_capture(settings, arguments.config) as stream:
        while True:
            block = await stream.receive()
            for reading in meter.take(block, trio.current_time()):
                show(reading)
                if arguments.seconds is not None and reading.seconds >= arguments.seconds:
                    return


class Meter:
    """Turns what a card gives into readings, so many for each second of sound; peaks are held for `peak_hold_s`."""

    def __init__(self, settings: StationSettings, *, readings_per_s: int, peak_hold_s: float) -> None:
        capture = settings.capture
        self._parameters = capture.parameters
        self._pick = capture.pick
        origin = f"profile {settings.profile}" if settings.profile else "no profile"
        self._title = f"{capture.device}, {capture.parameters}, {origin}"
        self._device = capture.device
        self._warm_up = WarmUp(capture)
        self._health = HealthMonitor(capture.parameters, capture.pick, gain_db=capture.gain_db)
        self._converter = CaptureConverter(
            capture.parameters, pick=capture.pick, gain_db=capture.gain_db, highpass_hz=capture.highpass_hz
        )
        self._meters = (StretchMeter(capture.parameters), StretchMeter(WIRE))
        self._held: deque[list[StretchLevel]] = deque(maxlen=max(1, round(peak_hold_s * readings_per_s)))
        self._reading_bytes = capture.parameters.rate_hz // readings_per_s * capture.parameters.frame_bytes
        self._missing_bytes = self._reading_bytes
        self._readings_per_s = readings_per_s
        self._readings = 0
        self._overruns = 0

    def take(self, block: CapturedBlock, now_s: float) -> Iterator[Reading]:
        """Measure a block that was there at `now_s`; gives the readings it completes, usually none or one."""
        data = self._warm_up.cut(block.data)
        if block.overrun:
            self._overruns += 1
            self._converter.reset()
            for meter in self._meters:
                meter.reset()
        if data:
            self._health.feed(data, now_s, gap=block.overrun)
        while data:
            portion, data = data[: self._missing_bytes], data[self._missing_bytes :]
            native, heard = self._meters
            native.feed(portion)
            heard.feed(b"".join(self._converter.feed(portion)))
            self._missing_bytes -= len(portion)
            if self._missing_bytes == 0:
                self._missing_bytes = self._reading_bytes
                self._readings += 1
                yield self._reading()

    def _reading(self) -> Reading:
        native, heard = self._meters
        levels = native.take() + heard.take()
        self._held.append(levels)
        rows = [_row(level, [held[place] for held in self._held]) for place, level in enumerate(levels)]
        channels = [
            Row(row.level_dbfs, row.peak_dbfs, row.clipped, number in self._pick, status.health)
            for number, (row, status) in enumerate(zip(rows[:-1], self._health.channels, strict=True))
        ]
        return Reading(
            title=self._title,
            device=self._device,
            seconds=self._readings / self._readings_per_s,
            channels=channels,
            agent=rows[-1],
            health=self._health.health,
            findings=self._health.findings,
            overruns=self._overruns,
            measured_rate_hz=self._health.measured_rate_hz,
        )


def _row(level: StretchLevel, held: list[StretchLevel]) -> Row:
    peaks = [one.peak_dbfs for one in held if one.peak_dbfs is not None]
    return Row(level.level_dbfs, max(peaks, default=None), sum(one.clipped for one in held))


def _json_line(reading: Reading) -> str:
    return json.dumps(as_json(reading))


@contextmanager
def _redrawn() -> Iterator[Callable[[Reading], None]]:
    """Draws each reading over the one before; afterwards the terminal is as it was, below the last one."""
    colours = not os.environ.get("NO_COLOR")
    drawn = 0

    def show(reading: Reading) -> None:
        nonlocal drawn
        columns, rows = shutil.get_terminal_size()
        lines = screen(reading, columns=columns, rows=rows, colours=colours)
        before = _UP_AND_CLEAR.format(drawn) if drawn else _HIDE_CURSOR
        print(before + "\n".join(lines), flush=True)
        drawn = len(lines)

    try:
        yield show
    finally:
        if drawn:
            print(_SHOW_CURSOR, end="", flush=True)
