"""Sound between a card and the wire: any supported rate, format and channel count from and to 16 kHz mono s16le.

Both converters are streaming and pure. They gather their input into blocks of exactly 20 ms, so that any way of cutting
the same bytes gives the same bytes; whatever comes in 20 ms goes out for the same 20 ms, and nothing is withheld but a
block that is not complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.audio.blocks import BlockGatherer, block_samples
from gatewayd.audio.formats import (
    FRAME_MS,
    FRAME_SAMPLES,
    MAX_CHANNELS,
    RATES_HZ,
    WIRE_RATE_HZ,
    SampleFormat,
    StreamParameters,
)
from gatewayd.audio.highpass import HighPass
from gatewayd.audio.resampler import BlockLengths, make_rate_conversion
from gatewayd.audio.samples import READ_FULL_SCALE, WRITE_FULL_SCALE, SampleWriter, make_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

WIRE = StreamParameters(WIRE_RATE_HZ, SampleFormat.S16_LE, 1)
"""Sound as the voice protocol carries it."""
MAX_GAIN_DB = 60
"""Either way. An I2S microphone needs about 30 dB; with more than twice that there is only its noise left."""
_BLOCKS_PER_S = 1000 // FRAME_MS


class CaptureConverter:
    """What a card captured, to wire frames.

    The channels in `pick` (counted from 0) are averaged, amplified by `gain_db`, and what lies below `highpass_hz` is
    removed (0: nothing is) before anything can saturate. Mono S16_LE at 16 kHz with no gain and no high-pass passes
    bit for bit. Raises `ValueError` for what is not supported.
    """

    def __init__(
        self, parameters: StreamParameters, *, pick: Sequence[int], gain_db: float = 0.0, highpass_hz: float = 0.0
    ) -> None:
        _require_supported(parameters)
        if not pick or not all(0 <= channel < parameters.channels for channel in pick):
            raise ValueError(f"pick {list(pick)}: must name one or more of channels 0 to {parameters.channels - 1}")
        if not -MAX_GAIN_DB <= gain_db <= MAX_GAIN_DB:
            raise ValueError(f"gain of {gain_db} dB: must lie between -{MAX_GAIN_DB} and {MAX_GAIN_DB}")
        highpass = None
        if highpass_hz != 0.0:
            highpass = HighPass(highpass_hz, rate_hz=WIRE_RATE_HZ, block_samples=FRAME_SAMPLES)
        gain = 10.0 ** (gain_db / 20.0) / len(pick)
        self._chain = _Chain(parameters, WIRE, pick=pick, gain=gain, highpass=highpass)

    @property
    def delay_s(self) -> float:
        """What the low-pass filter delays sound by, in seconds; gathering 20 ms is not counted."""
        return self._chain.delay_s

    def feed(self, data: bytes) -> list[bytes]:
        """Take interleaved native sound, cut anywhere, even inside a sample; return the wire frames now complete."""
        return self._chain.feed(data)

    def reset(self) -> None:
        """Forget all sound so far: after a gap, what comes next has nothing to do with what came before."""
        self._chain.reset()


class PlaybackConverter:
    """Wire frames, to what a card plays: the same in every channel, multiplied by `volume` (0.0 to 1.0).

    Raises `ValueError` for what is not supported.
    """

    def __init__(self, parameters: StreamParameters, *, volume: float = 1.0) -> None:
        _require_supported(parameters)
        if not 0.0 <= volume <= 1.0:
            raise ValueError(f"volume of {volume}: must lie between 0.0 and 1.0")
        self._chain = _Chain(WIRE, parameters, pick=(0,), gain=volume, highpass=None)

    @property
    def delay_s(self) -> float:
        """What the low-pass filter delays sound by, in seconds."""
        return self._chain.delay_s

    def feed(self, frame: bytes) -> bytes:
        """Take wire sound, cut anywhere; return interleaved native sound for every 20 ms now complete.

        Where 20 ms is no whole number of samples (11 025 Hz), wire frames give 220 and 221 samples in turn.
        """
        return b"".join(self._chain.feed(frame))

    def reset(self) -> None:
        """Forget all sound so far."""
        self._chain.reset()


class _Chain:
    """Gather, read and pick, convert the rate, take away DC, round and write: one block of 20 ms after another."""

    def __init__(
        self,
        source: StreamParameters,
        sink: StreamParameters,
        *,
        pick: Sequence[int],
        gain: float,
        highpass: HighPass | None,
    ) -> None:
        inputs = block_samples(source.rate_hz, _BLOCKS_PER_S)
        outputs = block_samples(sink.rate_hz, _BLOCKS_PER_S)
        length = max(len(inputs), len(outputs))
        cycle = [BlockLengths(inputs[turn % len(inputs)], outputs[turn % len(outputs)]) for turn in range(length)]
        self._gatherer = BlockGatherer([block.inputs * source.frame_bytes for block in cycle])
        self._conversion = make_rate_conversion(
            source.rate_hz,
            sink.rate_hz,
            cycle=cycle,
            gain=gain * WRITE_FULL_SCALE[sink.format] / READ_FULL_SCALE[source.format],
        )
        self._readers = [make_reader(source, pick, room) for room in self._conversion.rooms]
        self._highpass = highpass
        self._writers = [SampleWriter(sink.format, sink.channels, block.outputs) for block in cycle]
        self._turn = 0

    @property
    def delay_s(self) -> float:
        return self._conversion.delay_s

    def feed(self, data: bytes) -> list[bytes]:
        return [self._convert(block) for block in self._gatherer.gather(data)]

    def _convert(self, block: bytes) -> bytes:
        turn = self._turn
        self._turn = (turn + 1) % len(self._readers)
        self._readers[turn].read(block)
        samples = self._conversion.run(turn)
        if self._highpass is not None:
            self._highpass.run(samples)
        return self._writers[turn].write(samples)

    def reset(self) -> None:
        self._gatherer.reset()
        self._conversion.reset()
        if self._highpass is not None:
            self._highpass.reset()
        self._turn = 0


def _require_supported(parameters: StreamParameters) -> None:
    if parameters.rate_hz not in RATES_HZ:
        allowed = ", ".join(str(rate_hz) for rate_hz in RATES_HZ)
        raise ValueError(f"rate of {parameters.rate_hz} Hz: must be one of {allowed}")
    if not 1 <= parameters.channels <= MAX_CHANNELS:
        raise ValueError(f"{parameters.channels} channels: must be 1 to {MAX_CHANNELS}")
