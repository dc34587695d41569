"""A microphone's verdicts do not depend on how its sound is cut, and no bytes break them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.audio.formats import RATES_HZ, SampleFormat, StreamParameters
from gatewayd.audio.health import HealthMonitor
from tests.audio.sound import encode

LSB = 2.0**-15
"""One step of 16 bits."""
FORMATS = list(SampleFormat)
KINDS = ("zero", "constant", "dither", "one step", "quiet", "loud", "clipped", "any bytes")


def native(kind: str, frames: int, parameters: StreamParameters, seed: int) -> bytes:
    """A stretch of sound in every channel, or bytes that mean nothing."""
    chance = np.random.default_rng(seed)
    shape = (frames, parameters.channels)
    if kind == "any bytes":
        return chance.bytes(frames * parameters.frame_bytes)
    sound = np.zeros(shape)
    if kind == "constant":
        sound += chance.uniform(-1.0, 1.0)
    if kind == "dither":
        sound += chance.integers(-3, 4, shape) * 2.0**-23
    if kind == "one step":
        sound[chance.integers(frames)] = LSB
    if kind in ("quiet", "loud", "clipped"):
        sound = chance.normal(0.0, {"quiet": 0.001, "loud": 0.3, "clipped": 2.0}[kind], shape)
    return encode(sound, parameters.format)


@given(
    rate_hz=st.sampled_from(RATES_HZ[:4]),
    sample_format=st.sampled_from(FORMATS),
    channels=st.integers(1, 3),
    stretches=st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.01, 1.2), st.integers(0, 2**32 - 1)), max_size=5),
    cuts=st.lists(st.floats(0.0, 1.0), max_size=20),
    period_ms=st.sampled_from([5, 20, 100]),
)
@settings(max_examples=120, deadline=None)
def test_any_way_of_cutting_gives_the_same(
    *,
    rate_hz: int,
    sample_format: SampleFormat,
    channels: int,
    stretches: list[tuple[str, float, int]],
    cuts: list[float],
    period_ms: int,
) -> None:
    parameters = StreamParameters(rate_hz, sample_format, channels)
    data = b"".join(native(kind, round(s * rate_hz), parameters, seed) for kind, s, seed in stretches)
    frames = len(data) // parameters.frame_bytes
    whole = HealthMonitor(parameters, [0, channels - 1])
    whole.feed(data, frames / rate_hz)

    for places in (
        [0, *sorted(round(share * frames) for share in cuts), frames],
        [*range(0, frames, rate_hz * period_ms // 1000), frames],
    ):
        cut = HealthMonitor(parameters, [0, channels - 1])
        for start, end in pairwise(places):
            cut.feed(data[start * parameters.frame_bytes : end * parameters.frame_bytes], end / rate_hz)
        assert cut.health is whole.health
        assert cut.channels == whole.channels
        assert cut.findings == whole.findings

    for status in whole.channels:
        assert status.peak_dbfs is None or status.peak_dbfs <= 0.0
        assert status.level_dbfs is None or status.level_dbfs <= (status.peak_dbfs or 0.0) + 3.02
