"""The high-pass: against its recursion, against the analogue filter it is made from, and for what it is there."""

from __future__ import annotations

from math import log10, pi, sqrt, tan
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.formats import FRAME_SAMPLES, SampleFormat, StreamParameters
from gatewayd.audio.highpass import HighPass
from tests.audio.sound import encode, fit_tone, mono, rms_dbfs, sine, wire

if TYPE_CHECKING:
    from tests.audio.sound import Sound

RATE_HZ = 16_000


def run(sound: Sound, cutoff_hz: float) -> Sound:
    highpass = HighPass(cutoff_hz, rate_hz=RATE_HZ, block_samples=FRAME_SAMPLES)
    blocks = sound.astype(np.float32).reshape(-1, FRAME_SAMPLES)
    for block in blocks:
        highpass.run(block)
    return blocks.reshape(-1).astype(np.float64)


def recursion(sound: Sound, cutoff_hz: float) -> Sound:
    """A Butterworth high-pass sample by sample, from the bilinear transform of s^2 / (s^2 + sqrt(2) s + 1)."""
    warped = tan(pi * cutoff_hz / RATE_HZ)
    norm = 1.0 / (1.0 + sqrt(2.0) * warped + warped**2)
    x1 = x2 = y1 = y2 = 0.0
    heard = []
    for x in sound:
        y = norm * (x - 2.0 * x1 + x2 - 2.0 * (warped**2 - 1.0) * y1 - (1.0 - sqrt(2.0) * warped + warped**2) * y2)
        x1, x2, y1, y2 = x, x1, y, y1
        heard.append(y)
    return np.array(heard)


@pytest.mark.parametrize("cutoff_hz", [0.5, 20.0, 80.0, 300.0, 1000.0, 7900.0])
def test_blocks_give_what_the_recursion_gives_sample_by_sample(cutoff_hz: float) -> None:
    sound = np.random.default_rng(3).uniform(-1.0, 1.0, 10 * FRAME_SAMPLES).astype(np.float32).astype(np.float64)

    assert np.abs(run(sound, cutoff_hz) - recursion(sound, cutoff_hz)).max() < 2e-7


@pytest.mark.parametrize("frequency_hz", [20.0, 40.0, 80.0, 160.0, 1000.0, 7000.0])
def test_it_falls_by_12_db_per_octave_below_the_cut_off_and_is_flat_above(frequency_hz: float) -> None:
    tone = fit_tone(run(sine(frequency_hz, RATE_HZ, 1.0), 80.0), frequency_hz, RATE_HZ, skip_s=0.5)

    analogue_db = -10.0 * log10(1.0 + (80.0 / frequency_hz) ** 4)
    assert tone.level_dbfs == pytest.approx(-6.0 + analogue_db, abs=0.03)


def test_dc_is_gone_before_gain_can_saturate_it() -> None:
    """An I2S microphone: speech at -50 dBFS on an offset of a tenth of full scale, amplified by 30 dB."""
    left = 0.1 + sine(440.0, 48_000, 1.0, amplitude=10 ** (-50 / 20))
    native = encode(np.stack([left, np.zeros_like(left)], axis=1), SampleFormat.S32_LE)
    converter = CaptureConverter(
        StreamParameters(48_000, SampleFormat.S32_LE, 2), pick=[0], gain_db=30.0, highpass_hz=80.0
    )

    heard = wire(converter.feed(native))

    tone = fit_tone(heard, 440.0, 16_000, skip_s=0.3)
    assert tone.level_dbfs == pytest.approx(-20.0, abs=0.05)
    assert abs(heard[4800:].mean()) < 1e-4
    assert tone.rest_dbfs < -95.0
    assert heard[800:].max() < 0.2, "settled within 50 ms"


def test_without_it_the_same_offset_drowns_the_speech() -> None:
    sound = encode(0.1 + sine(440.0, 48_000, 0.4, amplitude=10 ** (-50 / 20)), SampleFormat.S32_LE)

    heard = wire(CaptureConverter(mono(48_000), pick=[0], gain_db=30.0).feed(sound))

    assert (heard[640:] == 32767 / 32768).all()


def test_it_is_stable_and_falls_wholly_silent() -> None:
    highpass = HighPass(40.0, rate_hz=RATE_HZ, block_samples=FRAME_SAMPLES)
    loud = np.random.default_rng(4).choice([-32768.0, 32767.0], 500 * FRAME_SAMPLES).astype(np.float32)
    for block in loud.reshape(-1, FRAME_SAMPLES):
        highpass.run(block)
        assert np.abs(block).max() < 4 * 32768

    for _ in range(50):
        block = np.zeros(FRAME_SAMPLES, np.float32)
        highpass.run(block)
    assert not block.any(), "not even the smallest numbers are left, which would make every product slow"


def test_rumble_goes_and_speech_stays() -> None:
    rumble = sine(12.0, 48_000, 1.0, amplitude=0.5)
    speech = sine(600.0, 48_000, 1.0, amplitude=0.1)
    converter = CaptureConverter(mono(48_000), pick=[0], highpass_hz=120.0)

    heard = wire(converter.feed(encode(rumble + speech, SampleFormat.S32_LE)))

    tone = fit_tone(heard, 600.0, 16_000, skip_s=0.2)
    assert tone.level_dbfs == pytest.approx(-20.0, abs=0.05)
    assert tone.rest_dbfs < -44.0
    assert rms_dbfs(heard[3200:]) == pytest.approx(-20.0, abs=0.1)
