"""What is said of a microphone from the samples its card gives."""

from __future__ import annotations

import numpy as np
import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.control.schema import ChannelStatus, FindingKind, MicrophoneHealth
from tests.audio.card import MONO_8K, STEREO_8K, Card
from tests.audio.sound import encode, sine

OK, STARTING, SILENT, STUCK, CLIPPING = (
    MicrophoneHealth.OK,
    MicrophoneHealth.STARTING,
    MicrophoneHealth.SILENT,
    MicrophoneHealth.STUCK,
    MicrophoneHealth.CLIPPING,
)
LSB = 2.0**-15
"""One step of 16 bits."""
SAMPLE_S = 1 / 8000
FORMATS = list(SampleFormat)


def test_a_microphone_starts_for_a_second_and_then_is_ok() -> None:
    card = Card(MONO_8K)
    assert card.monitor.health is STARTING
    card.give_noise(1.0 - SAMPLE_S, -40.0)
    assert card.monitor.health is STARTING
    card.give_noise(SAMPLE_S, -40.0)
    assert card.monitor.health is OK


def test_one_that_never_gave_anything_is_silent_after_two_seconds_and_never_ok() -> None:
    card = Card(MONO_8K)
    card.give_constant(2.0 - SAMPLE_S, 0.0)
    assert card.monitor.health is STARTING
    card.give_constant(SAMPLE_S, 0.0)
    assert card.monitor.health is SILENT
    assert card.found == [], "nothing that health does not say"


def test_one_that_goes_dead_is_silent_after_two_seconds_and_ok_within_half_a_second_of_sound() -> None:
    card = Card(MONO_8K)
    card.give_noise(3.0, -40.0)
    card.give_constant(2.0 - SAMPLE_S, 0.0)
    assert card.monitor.health is OK
    card.give_constant(SAMPLE_S, 0.0)
    assert card.monitor.health is SILENT
    card.give_constant(100.0, 0.0)
    assert card.monitor.health is SILENT
    card.give_noise(0.5, -40.0)
    assert card.monitor.health is OK


def test_two_seconds_of_zero_that_begin_anywhere_are_told_within_half_a_second() -> None:
    card = Card(MONO_8K)
    card.give_noise(3.1, -40.0)
    card.give_constant(2.4 - SAMPLE_S, 0.0)
    assert card.monitor.health is OK
    card.give_constant(SAMPLE_S, 0.0)
    assert card.monitor.health is SILENT


@pytest.mark.parametrize("place", [0, 79, 80, 799, 800, 1234, 3999])
@pytest.mark.parametrize("value", [1, -1])
def test_one_step_of_the_converter_in_half_a_second_is_life_wherever_it_is(place: int, value: int) -> None:
    card = Card(MONO_8K)
    half_second = np.zeros(4000)
    half_second[place] = value * LSB
    for _ in range(8):
        card.give(half_second)
    assert card.monitor.health is OK


def test_one_value_over_and_over_is_stuck() -> None:
    card = Card(MONO_8K)
    card.give_constant(2.0, -417 * LSB)
    assert card.monitor.health is STUCK
    (channel,) = card.monitor.channels
    assert (channel.level_dbfs, channel.health) == (None, STUCK)
    assert channel.peak_dbfs == pytest.approx(-37.9, abs=0.02)


@pytest.mark.parametrize("value", [0.1, -0.7, 1.0, 3 * 2.0**-31])
def test_a_constant_has_no_level_however_large_it_is(value: float) -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 1))
    card.give_constant(2.0, value)
    assert card.monitor.health is STUCK
    assert card.monitor.channels[0].level_dbfs is None


def test_another_value_begins_the_two_seconds_anew() -> None:
    card = Card(MONO_8K)
    card.give_noise(1.0, -40.0)
    card.give_constant(1.5, 5 * LSB)
    card.give_constant(1.5, 0.0)
    assert card.monitor.health is OK
    card.give_constant(0.5, 0.0)
    assert card.monitor.health is SILENT


def test_a_jump_between_two_values_is_not_yet_a_microphone_that_works() -> None:
    card = Card(MONO_8K)
    card.give_constant(1.5, 5 * LSB)
    card.give_constant(1.0, 0.0)
    assert card.monitor.health is STARTING


def test_a_voice_cut_off_at_full_scale_is_clipping_until_a_second_after_it() -> None:
    card = Card(MONO_8K)
    card.give(sine(200.0, 8000, 2.0, amplitude=0.9))
    assert card.monitor.health is OK
    card.give(sine(200.0, 8000, 0.5, amplitude=1.2))
    assert card.monitor.health is CLIPPING
    card.give(sine(200.0, 8000, 1.0 - SAMPLE_S, amplitude=0.5))
    assert card.monitor.health is CLIPPING
    card.give(sine(200.0, 8000, SAMPLE_S, amplitude=0.5))
    assert card.monitor.health is OK


@pytest.mark.parametrize("full_scale", [1.0, -1.0])
def test_between_the_two_thresholds_clipping_stays_what_it_was(full_scale: float) -> None:
    card = Card(MONO_8K)

    def give_second(at_full_scale: int) -> None:
        sound = np.resize([0.3, -0.3], 8000)
        # Anywhere in the half seconds: the glances see that it is loud, and then everything is counted.
        places = np.arange(at_full_scale) * 8000 // max(at_full_scale, 1) + 100
        sound[places] = full_scale
        card.give(sound)

    give_second(0)
    give_second(39)
    assert card.monitor.health is OK, "0.49 % on the way up"
    give_second(40)
    assert card.monitor.health is CLIPPING, "0.5 %"
    give_second(9)
    assert card.monitor.health is CLIPPING, "0.11 % on the way down"
    give_second(8)
    assert card.monitor.health is OK, "0.1 %"


def test_a_knock_between_glances_is_no_clipping() -> None:
    card = Card(MONO_8K)
    card.give_noise(2.0, -50.0)
    sound = np.zeros(4000)
    sound[::7] = LSB
    sound[100:180] = 1.0  # 10 ms, from 12.5 ms on
    card.give(sound)
    assert card.monitor.health is OK


def test_stuck_at_full_scale_is_stuck_rather_than_clipping() -> None:
    card = Card(MONO_8K)
    card.give_constant(2.0, 1.0)
    assert card.monitor.health is STUCK


@pytest.mark.parametrize("sample_format", FORMATS)
def test_every_format_is_read_before_gain(sample_format: SampleFormat) -> None:
    card = Card(StreamParameters(48_000, sample_format, 2), pick=(1,), gain_db=30.0)
    card.give(np.stack([sine(440.0, 48_000, 2.0, amplitude=0.001), sine(440.0, 48_000, 2.0, amplitude=0.5)], axis=1))
    first, second = card.monitor.channels
    assert (first.health, second.health, card.monitor.health) == (OK, OK, OK)
    assert first.level_dbfs == pytest.approx(-60.0, abs=0.3)
    assert first.peak_dbfs == pytest.approx(-60.0, abs=0.3)
    assert second.level_dbfs == pytest.approx(-6.02, abs=0.3)
    assert second.peak_dbfs == pytest.approx(-6.02, abs=0.1)

    card.give_constant(2.0, 0.25, 0.0)
    assert [channel.health for channel in card.monitor.channels] == [STUCK, SILENT]

    card.give(sine(440.0, 48_000, 1.0, amplitude=1.5))
    assert [channel.health for channel in card.monitor.channels] == [CLIPPING, CLIPPING]


@pytest.mark.parametrize("sample_format", [SampleFormat.S24_LE, SampleFormat.S24_3LE, SampleFormat.S32_LE])
def test_a_constant_with_the_last_bits_of_24_dithering_is_stuck(sample_format: SampleFormat) -> None:
    card = Card(StreamParameters(48_000, sample_format, 2))
    dither = np.random.default_rng(3).integers(-4, 5, (2 * 48_000, 2))
    card.give(0.06 + dither * 2.0**-23)
    assert card.monitor.health is STUCK


def test_a_stuck_constant_may_creep_as_a_microphone_warms_up_but_not_jump() -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 1))
    for step in range(4):
        card.give_constant(0.5, 0.06 - step * 7 * 2.0**-23)
    assert card.monitor.health is STUCK
    card.give_constant(0.5, 0.07)
    assert card.monitor.health is STARTING, "it has given nothing yet"
    card.give_constant(1.5, 0.07)
    assert card.monitor.health is STUCK


@pytest.mark.parametrize("bits", [16, 18, 20])
def test_one_step_of_a_converter_of_fewer_bits_in_s32_is_life(bits: int) -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 2))
    steps = np.zeros(48_000)
    steps[12_345::24_000] = 1.0
    for _ in range(4):
        card.give(-0.06 + steps * 2.0 ** (1 - bits))
    assert card.monitor.health is OK


def test_the_noise_of_the_quietest_microphone_is_life_under_a_large_constant() -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 2))
    noise = np.random.default_rng(3).normal(0.0, 10.0 ** (-110 / 20) / np.sqrt(2), (3 * 48_000, 2))
    card.give(0.1 + noise)
    assert card.monitor.health is OK
    assert card.monitor.channels[0].level_dbfs == pytest.approx(-110.0, abs=1.0), "without the constant"
    assert card.monitor.channels[0].peak_dbfs == pytest.approx(-20.0, abs=0.01), "with it"


@pytest.mark.parametrize("hum_hz", [50.0, 60.0, 100.0])
def test_hum_is_measured_although_only_a_tenth_of_the_sound_is(hum_hz: float) -> None:
    card = Card(STEREO_8K)
    card.give(sine(hum_hz, 8000, 3.0, amplitude=0.1))
    assert card.monitor.channels[0].level_dbfs == pytest.approx(-20.0, abs=1.0)


def test_one_of_several_picked_channels_that_works_is_enough() -> None:
    card = Card(STEREO_8K, pick=(0, 1))
    card.give_noise(2.0, None, -40.0)
    assert card.monitor.health is OK
    card.give_constant(2.0, 0.0, LSB)
    assert card.monitor.health is STUCK
    card.give_constant(2.0, 0.0)
    assert card.monitor.health is SILENT


def test_of_several_picked_channels_one_that_clips_makes_it_clip() -> None:
    card = Card(STEREO_8K, pick=(0, 1))
    card.give(np.stack([sine(200.0, 8000, 1.0, amplitude=0.1), sine(200.0, 8000, 1.0, amplitude=1.5)], axis=1))
    assert card.monitor.health is CLIPPING


def test_a_dead_slot_beside_one_with_sound_is_found_within_three_seconds() -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 2))
    card.give_noise(2.0 - 1 / 48_000, None, -60.0)
    assert card.found == []
    card.give_noise(1 / 48_000, None, -60.0)
    assert card.monitor.health is SILENT
    assert card.found == [(FindingKind.SLOT_SILENT, 0)]
    assert card.text() == (
        "channel 0 gives digital zero, channel 1 gives sound: set pick = [1], "
        "unless what it gives is not the microphone"
    )


def test_a_picked_channel_among_others_that_dies_is_found_and_goes_only_after_a_second_of_sound() -> None:
    card = Card(StreamParameters(16_000, SampleFormat.S16_LE, 6), pick=(1, 2, 4))
    card.give_noise(2.0, -40.0)
    assert card.found == []
    card.give_noise(2.0, -40.0, -40.0, None, -40.0)
    assert (card.monitor.health, card.found) == (OK, [(FindingKind.SLOT_SILENT, 2)])
    assert card.text() == (
        "channel 2 gives digital zero, channels 0, 1, 3, 4 and 5 give sound: it only makes the others quieter; "
        "look for its microphone's connection, or set pick = [1, 4]"
    )
    card.give_noise(0.5, -40.0)
    card.give_noise(1.0, -40.0, -40.0, None, -40.0)
    assert card.found == [(FindingKind.SLOT_SILENT, 2)], "a loose contact"
    card.give_noise(1.0, -40.0)
    assert card.found == []


def test_a_stuck_channel_beside_several_others() -> None:
    card = Card(StreamParameters(16_000, SampleFormat.S16_LE, 4))
    card.give_noise(2.0, -40.0, -40.0, None, -40.0)
    card.give(np.random.default_rng(2).normal(0.0, 0.01, (32_000, 4)) * [0, 1, 0, 1] + [0.5, 0, 0, 0])
    assert card.found == [(FindingKind.SLOT_STUCK, 0)]
    assert card.text() == (
        "channel 0 gives one value over and over, channels 1 and 3 give sound: "
        "set pick to that of [1, 3] which is the microphone; `gatewayd meter` shows them"
    )


def test_a_dead_channel_that_is_not_used_is_as_it_should_be() -> None:
    card = Card(StreamParameters(48_000, SampleFormat.S32_LE, 2), pick=(1,))
    card.give_noise(4.0, None, -60.0)
    assert (card.monitor.health, card.found) == (OK, [])


def test_what_dies_together_is_no_finding() -> None:
    card = Card(STEREO_8K)
    card.give_noise(3.0, -40.0)
    card.give_constant(4.0, 0.0)
    assert (card.monitor.health, card.found) == (SILENT, [])


def test_a_channel_that_has_just_begun_to_sound_proves_nothing_about_another() -> None:
    card = Card(STEREO_8K)
    card.give_constant(3.0, 0.0)
    card.give_noise(1.5, None, -40.0)
    assert card.found == []
    card.give_noise(0.5, None, -40.0)
    assert card.found == [(FindingKind.SLOT_SILENT, 0)]


def test_a_quiet_night_raises_nothing() -> None:
    card = Card(MONO_8K)
    card.give_noise(10.0, -30.0)
    night = encode(
        np.random.default_rng(4).normal(0.0, 10.0 ** (-75 / 20) / np.sqrt(2), 8000 * 60), SampleFormat.S16_LE
    )
    half_seconds = [night[start : start + 8000] for start in range(0, len(night), 8000)]
    for step in range(8 * 3600 * 2):
        card.monitor.feed(half_seconds[step % 120], 1010.5 + step / 2)
    assert (card.monitor.health, card.found) == (OK, [])
    assert card.monitor.channels[0].level_dbfs == pytest.approx(-75.0, abs=1.0)


def test_a_reset_begins_anew() -> None:
    card = Card(STEREO_8K)
    card.give_noise(2.25, None, -40.0)
    assert card.found == [(FindingKind.SLOT_SILENT, 0)]
    card.monitor.reset()
    assert (card.monitor.health, card.found, card.monitor.measured_rate_hz) == (STARTING, [], None)
    assert card.monitor.channels == (ChannelStatus(None, None, STARTING),) * 2
    card.give_noise(1.0 - SAMPLE_S, -40.0)
    assert card.monitor.health is STARTING, "what was begun before is forgotten"
    card.give_noise(SAMPLE_S, -40.0)
    assert card.monitor.health is OK
