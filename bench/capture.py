"""CPU that one second of captured sound costs, from libasound to wire frames, on a software sound card in real time.

    python -m bench.capture [SECONDS]

The adapter, the conversion, the level meter and one trio task take part; no session, no network. The card's own work (a
timer and a copy) is in the figure, as a kernel's would not be.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import trio

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice
from gatewayd.hardware.settings import CaptureSettings
from gatewayd.station.capture import CaptureSupervisor
from tests.softcard.card import SoundRack, StreamDefinition
from tests.station.fakes import STATION_LOG

WARM_UP_S = 1.0
CASES = (
    StreamParameters(48_000, SampleFormat.S16_LE, 2),
    StreamParameters(48_000, SampleFormat.S32_LE, 2),
    StreamParameters(16_000, SampleFormat.S16_LE, 1),
    StreamParameters(44_100, SampleFormat.S16_LE, 1),
)


async def measure(device: str, parameters: StreamParameters, seconds: float) -> tuple[float, int]:
    """CPU seconds per second captured, and the frames that came."""
    frames: list[bytes] = []

    async def note_presence(_present: bool) -> None:
        pass

    settings = CaptureSettings(device, parameters, pick=(0,))
    supervisor = CaptureSupervisor(
        device=AlsaCaptureDevice(settings),
        settings=settings,
        offer_frame=frames.append,
        report_presence=note_presence,
        chance=random.Random(),
        log=STATION_LOG,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(WARM_UP_S)
        frames.clear()
        before_s = time.process_time()
        await trio.sleep(seconds)
        used_s = time.process_time() - before_s
        nursery.cancel_scope.cancel()
    return used_s / seconds, len(frames)


def main() -> None:
    """Measure every case and print a line for each."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        rack = SoundRack(Path(folder))
        rack.activate()
        for number, parameters in enumerate(CASES):
            offered = StreamDefinition(
                formats=(parameters.format.value,), rates_hz=(parameters.rate_hz,), channels=(parameters.channels,)
            )
            card = rack.plug_in(f"Bench{number}", offered)
            card.play_in(random.Random(number).randbytes(parameters.rate_hz * parameters.frame_bytes))
            cpu_s, frames = trio.run(measure, card.device, parameters, seconds)
            print(f"{parameters!s:24} {1000 * cpu_s:6.1f} ms CPU per second captured, {frames} frames in {seconds:g} s")


if __name__ == "__main__":
    main()
