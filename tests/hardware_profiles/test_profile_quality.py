"""The figures conversion is promised to have (tests/audio/test_quality.py), in the form of sound of every profile.

Profiles that leave something open are measured with what sound cards offer most: S16_LE, 48 kHz, as many channels as
are picked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, WIRE_RATE_HZ, SampleFormat, StreamParameters
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir
from tests.audio.sound import decode, encode, fit_tone, rms_dbfs, sine, wire

if TYPE_CHECKING:
    from gatewayd.hardware.profile import Profile
    from tests.audio.sound import FittedTone, Sound

SECONDS = 0.2
TONES_HZ = (211.3, 1017.7, 3511.3, 6999.3)
"""Low, in the middle of a voice, high, and the end of the band."""


def captured_as(profile: Profile) -> tuple[StreamParameters, tuple[int, ...]]:
    capture = profile.capture
    pick = capture.pick or (0,)
    parameters = StreamParameters(
        capture.rate_hz or 48_000, capture.format or SampleFormat.S16_LE, capture.channels or max(pick) + 1
    )
    return parameters, pick


def played_as(profile: Profile) -> StreamParameters:
    captured, _ = captured_as(profile)
    playback = profile.playback
    return StreamParameters(
        playback.rate_hz or captured.rate_hz, playback.format or captured.format, playback.channels or captured.channels
    )


SHIPPED = load_profiles([resource_dir("hw-profiles")]).values()
CAPTURED = sorted({captured_as(profile) for profile in SHIPPED}, key=str)
PLAYED = sorted({played_as(profile) for profile in SHIPPED if profile.playback.enabled}, key=str)
EACH_CAPTURED = pytest.mark.parametrize(("parameters", "pick"), CAPTURED, ids=str)
EACH_PLAYED = pytest.mark.parametrize("parameters", PLAYED, ids=str)


def clean_db(parameters: StreamParameters) -> float:
    """What a tone is promised to stand over noise and distortion by; 16 bits at the card round once more than the wire
    does, which costs up to 3 of the 92 dB that a tone of -6 dBFS has in 16 bits.
    """
    rounded_twice = parameters.format is SampleFormat.S16_LE and parameters.rate_hz != WIRE_RATE_HZ
    return 89.0 if rounded_twice else 90.0


def capture(sound: Sound, parameters: StreamParameters, pick: tuple[int, ...]) -> Sound:
    """`sound` in the channels that are picked, full-scale noise in all others, through the converter."""
    frames = np.random.default_rng(7).uniform(-1.0, 1.0, (len(sound), parameters.channels))
    frames[:, list(pick)] = sound[:, np.newaxis]
    return wire(CaptureConverter(parameters, pick=pick).feed(encode(frames, parameters.format)))


def captured_tone(frequency_hz: float, parameters: StreamParameters, pick: tuple[int, ...]) -> FittedTone:
    sound = sine(frequency_hz, parameters.rate_hz, SECONDS)
    return fit_tone(capture(sound, parameters, pick), frequency_hz, WIRE_RATE_HZ)


def play(sound: Sound, parameters: StreamParameters) -> Sound:
    """Every channel of what the card gets, (frames, channels)."""
    data = PlaybackConverter(parameters).feed(encode(sound, SampleFormat.S16_LE))
    return decode(data, parameters.format, parameters.channels)


def test_every_form_of_sound_of_a_profile_is_measured() -> None:
    # so few that all are measured, and the odd ones among them
    assert 10 <= len(CAPTURED) <= 25
    assert (StreamParameters(48_000, SampleFormat.S32_LE, 8), (0,)) in CAPTURED
    assert (StreamParameters(16_000, SampleFormat.S16_LE, 4), (0, 1, 2, 3)) in CAPTURED
    assert StreamParameters(16_000, SampleFormat.S16_LE, 2) in PLAYED


@EACH_CAPTURED
def test_a_picked_voice_arrives_flat_and_clean_whatever_the_other_channels_carry(
    parameters: StreamParameters, pick: tuple[int, ...]
) -> None:
    for frequency_hz in TONES_HZ:
        tone = captured_tone(frequency_hz, parameters, pick)
        assert tone.level_dbfs == pytest.approx(-6.0, abs=0.1), frequency_hz
        assert tone.sinad_db >= clean_db(parameters), frequency_hz


@EACH_CAPTURED
def test_nothing_above_the_band_folds_back(parameters: StreamParameters, pick: tuple[int, ...]) -> None:
    for frequency_hz in np.arange(9_000.0, parameters.rate_hz / 2, 1_411.0):
        folded = capture(sine(frequency_hz, parameters.rate_hz, 0.1), parameters, pick)[320:]
        assert rms_dbfs(folded) <= -80.0, frequency_hz


@EACH_CAPTURED
def test_it_is_late_by_what_is_told_and_at_most_two_milliseconds(
    parameters: StreamParameters, pick: tuple[int, ...]
) -> None:
    delay_s = CaptureConverter(parameters, pick=pick).delay_s
    tone = captured_tone(101.0, parameters, pick)
    assert delay_s <= 0.002
    assert (0.3 - tone.phase) / (2 * np.pi * 101.0) == pytest.approx(delay_s, abs=1e-6)


@EACH_CAPTURED
def test_too_loud_a_voice_saturates_and_never_wraps(parameters: StreamParameters, pick: tuple[int, ...]) -> None:
    sound = sine(317.3, parameters.rate_hz, SECONDS, amplitude=1.0)
    frames = np.zeros((len(sound), parameters.channels))
    frames[:, list(pick)] = sound[:, np.newaxis]
    data = encode(frames, parameters.format)
    loud = wire(CaptureConverter(parameters, pick=pick, gain_db=20.0).feed(data))[320:]
    clean = wire(CaptureConverter(parameters, pick=pick).feed(data))[320:]
    assert loud.max() == pytest.approx(1.0, abs=1e-4)
    assert loud.min() == -1.0
    # A sample that wrapped would stand on the other side of zero.
    assert (loud * clean >= 0.0).all()


@EACH_CAPTURED
def test_every_20_ms_in_give_20_ms_out_at_once(parameters: StreamParameters, pick: tuple[int, ...]) -> None:
    converter = CaptureConverter(parameters, pick=pick)
    period = bytes(parameters.rate_hz // 50 * parameters.frame_bytes)
    for _ in range(5):
        assert [len(frame) for frame in converter.feed(period)] == [FRAME_BYTES]


@EACH_PLAYED
def test_the_agent_s_voice_reaches_every_channel_flat_and_clean(parameters: StreamParameters) -> None:
    for frequency_hz in TONES_HZ:
        channels = play(sine(frequency_hz, WIRE_RATE_HZ, SECONDS), parameters)
        assert channels.shape[1] == parameters.channels
        assert (channels == channels[:, :1]).all()
        tone = fit_tone(channels[:, 0], frequency_hz, parameters.rate_hz)
        assert tone.level_dbfs == pytest.approx(-6.0, abs=0.1), frequency_hz
        assert tone.sinad_db >= clean_db(parameters), frequency_hz


@EACH_PLAYED
def test_the_agent_s_voice_is_late_by_at_most_two_milliseconds(parameters: StreamParameters) -> None:
    assert PlaybackConverter(parameters).delay_s <= 0.002
