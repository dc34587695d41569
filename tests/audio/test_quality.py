"""The figures conversion is promised to have, at every rate and both ways, measured on sound that went through it.

Tones go in with 32 bits, so that what is found is the conversion's own: a 16-bit card adds its rounding once more.
Where a rate holds less than 7 kHz, "the band" ends at 7/8 of its Nyquist frequency: 3.5 kHz at 8 kHz, 4.8 kHz at
11.025 kHz.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, RATES_HZ, WIRE_RATE_HZ, SampleFormat, StreamParameters
from tests.audio.sound import decode, encode, fit_tone, mono, rms_dbfs, sine, wire

if TYPE_CHECKING:
    from tests.audio.sound import FittedTone, Sound

SECONDS = 0.4
RATES_ABOVE_WIRE_HZ = [rate_hz for rate_hz in RATES_HZ if rate_hz > WIRE_RATE_HZ]


def band_hz(rate_hz: int) -> list[float]:
    """Frequencies over the band, its end included, none a simple fraction of a rate."""
    top_hz = min(7000.0, rate_hz * 7 / 16)
    return [53.7, 211.3, *np.linspace(611.7, top_hz - 0.7, 17)]


def capture(sound: Sound, rate_hz: int, sample_format: SampleFormat = SampleFormat.S32_LE) -> Sound:
    converter = CaptureConverter(mono(rate_hz, sample_format), pick=[0])
    return wire(converter.feed(encode(sound, sample_format)))


def play(sound: Sound, rate_hz: int) -> Sound:
    # The wire itself has 16 bits: to find what playback adds, sound goes in that these hold exactly.
    converter = PlaybackConverter(mono(rate_hz))
    return np.frombuffer(converter.feed(encode(sound, SampleFormat.S16_LE)), "<i4") / 2.0**31


def captured_tone(frequency_hz: float, rate_hz: int) -> FittedTone:
    return fit_tone(capture(sine(frequency_hz, rate_hz, SECONDS), rate_hz), frequency_hz, WIRE_RATE_HZ)


def played_tone(frequency_hz: float, rate_hz: int) -> FittedTone:
    return fit_tone(play(sine(frequency_hz, WIRE_RATE_HZ, SECONDS), rate_hz), frequency_hz, rate_hz)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_capture_is_flat_within_a_tenth_of_a_decibel_over_the_band(rate_hz: int) -> None:
    for frequency_hz in band_hz(rate_hz):
        assert captured_tone(frequency_hz, rate_hz).level_dbfs == pytest.approx(-6.0, abs=0.1), frequency_hz


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_capture_leaves_every_tone_of_the_band_90_db_over_noise_and_distortion(rate_hz: int) -> None:
    for frequency_hz in band_hz(rate_hz):
        assert captured_tone(frequency_hz, rate_hz).sinad_db >= 90.0, frequency_hz


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_with_a_16_bit_card_it_is_still_90_db(rate_hz: int) -> None:
    for frequency_hz in band_hz(rate_hz):
        sound = capture(sine(frequency_hz, rate_hz, SECONDS), rate_hz, SampleFormat.S16_LE)
        assert fit_tone(sound, frequency_hz, WIRE_RATE_HZ).sinad_db >= 90.0, frequency_hz


@pytest.mark.parametrize("rate_hz", RATES_ABOVE_WIRE_HZ)
def test_no_tone_from_9_khz_up_folds_back_louder_than_80_db_under_full_scale(rate_hz: int) -> None:
    for frequency_hz in np.arange(9_000.0, rate_hz / 2, 97.0):
        assert rms_dbfs(capture(sine(frequency_hz, rate_hz, 0.1), rate_hz)[320:]) <= -80.0, frequency_hz


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_playback_is_flat_within_a_tenth_of_a_decibel_over_the_band(rate_hz: int) -> None:
    for frequency_hz in band_hz(rate_hz):
        assert played_tone(frequency_hz, rate_hz).level_dbfs == pytest.approx(-6.0, abs=0.1), frequency_hz


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_playback_leaves_every_tone_of_the_band_90_db_over_noise_images_and_distortion(rate_hz: int) -> None:
    for frequency_hz in band_hz(rate_hz):
        assert played_tone(frequency_hz, rate_hz).sinad_db >= 90.0, frequency_hz


@pytest.mark.parametrize("rate_hz", [8_000, 11_025])
def test_what_a_slow_loudspeaker_cannot_hold_does_not_fold_back_louder_than_80_db(rate_hz: int) -> None:
    for frequency_hz in np.arange(rate_hz * 9 / 16, 8_000.0, 97.0):
        assert rms_dbfs(play(sine(frequency_hz, WIRE_RATE_HZ, 0.1), rate_hz)[rate_hz // 50 :]) <= -80.0, frequency_hz


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_sound_is_late_by_exactly_the_delay_that_is_told(rate_hz: int) -> None:
    # 101 Hz: a period is longer than any delay here, so that the phase tells it without doubt
    capture_delay_s = CaptureConverter(mono(rate_hz), pick=[0]).delay_s
    playback_delay_s = PlaybackConverter(mono(rate_hz)).delay_s

    assert (0.3 - captured_tone(101.0, rate_hz).phase) / (2 * np.pi * 101.0) == pytest.approx(capture_delay_s, abs=1e-7)
    assert (0.3 - played_tone(101.0, rate_hz).phase) / (2 * np.pi * 101.0) == pytest.approx(playback_delay_s, abs=1e-7)


@pytest.mark.parametrize("rate_hz", [32_000, 48_000, 96_000])
def test_a_click_rings_as_much_before_as_after(rate_hz: int) -> None:
    # linear phase: no frequency is later than another, and no edge of the filter is cut off
    click = np.zeros(2 * 320)
    click[320] = 0.5
    centre = 320 * rate_hz // WIRE_RATE_HZ + round(PlaybackConverter(mono(rate_hz)).delay_s * rate_hz)

    ringing = play(click, rate_hz)
    before, after = ringing[centre - 200 : centre + 1][::-1], ringing[centre : centre + 201]

    assert ringing.argmax() == centre
    assert np.abs(before - after).max() < 5e-8


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000])
def test_the_delay_is_at_most_two_milliseconds(rate_hz: int) -> None:
    assert CaptureConverter(mono(rate_hz), pick=[0]).delay_s <= 0.002
    assert PlaybackConverter(mono(rate_hz)).delay_s <= 0.002


def test_slow_rates_are_longer_under_way_because_less_lies_between_band_and_alias() -> None:
    assert CaptureConverter(mono(8_000), pick=[0]).delay_s <= 0.0034
    assert PlaybackConverter(mono(8_000)).delay_s <= 0.0030
    assert CaptureConverter(mono(11_025), pick=[0]).delay_s <= 0.0025
    assert PlaybackConverter(mono(11_025)).delay_s <= 0.0022


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_20_ms_in_give_20_ms_out_at_once(rate_hz: int) -> None:
    converter = CaptureConverter(mono(rate_hz), pick=[0])
    given = 0
    for number in range(1, 51):
        due = number * rate_hz // 50
        frames = converter.feed(bytes((due - given) * 4))
        given = due
        assert [len(frame) for frame in frames] == [FRAME_BYTES]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_wire_frame_gives_its_20_ms_for_the_card_at_once(rate_hz: int) -> None:
    converter = PlaybackConverter(StreamParameters(rate_hz, SampleFormat.S16_LE, 2))
    played = 0
    for number in range(1, 51):
        played += len(converter.feed(bytes(FRAME_BYTES))) // 4
        assert played == number * rate_hz // 50


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_constant_stays_a_constant(rate_hz: int) -> None:
    # an offset must not turn into a tone, however the outputs fall between the inputs
    captured = capture(np.full(rate_hz // 5, 0.25), rate_hz)[640:]
    played = play(np.full(WIRE_RATE_HZ // 5, 0.25), rate_hz)[rate_hz // 25 :]

    assert set(captured) == {0.25}
    assert np.abs(played - 0.25).max() < 1e-6


@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_the_ruler_is_straight(sample_format: SampleFormat) -> None:
    # the tests' own encoding and fitting, proved on sound that went through nothing
    sound = decode(encode(sine(997.0, WIRE_RATE_HZ, 0.4), sample_format), sample_format)[:, 0]
    tone = fit_tone(sound, 997.0, WIRE_RATE_HZ)

    assert tone.level_dbfs == pytest.approx(-6.0, abs=0.001)
    assert tone.phase == pytest.approx(0.3, abs=1e-4)
    assert 91.0 < tone.sinad_db < (93.0 if sample_format is SampleFormat.S16_LE else 250.0)
