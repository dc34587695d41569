"""What capture and playback converters do with formats, channels, gain, full scale and gaps."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES, SampleFormat, StreamParameters
from tests.audio.sound import BITS, decode, encode, fit_tone, mono, sine, wire

FORMATS = list(SampleFormat)
INTEGER_FORMATS = list(BITS)


def wire_stream(sample_format: SampleFormat = SampleFormat.S16_LE, channels: int = 1) -> StreamParameters:
    """A card at the rate of the wire: what comes out can be told number by number."""
    return StreamParameters(16_000, sample_format, channels)


def frame_of(*numbers: int) -> bytes:
    """A wire frame that repeats `numbers`."""
    return np.resize(np.array(numbers, "<i2"), FRAME_SAMPLES).tobytes()


@given(data=st.binary(min_size=FRAME_BYTES, max_size=3 * FRAME_BYTES))
def test_what_is_wire_sound_already_passes_bit_for_bit(data: bytes) -> None:
    whole = len(data) // FRAME_BYTES * FRAME_BYTES
    assert b"".join(CaptureConverter(wire_stream(), pick=[0]).feed(data)) == data[:whole]
    assert PlaybackConverter(wire_stream()).feed(data) == data[:whole]


@pytest.mark.parametrize("sample_format", FORMATS)
def test_every_wire_sample_survives_the_way_to_a_card_and_back(sample_format: SampleFormat) -> None:
    every_sample = np.resize(np.arange(-32768, 32768), 205 * FRAME_SAMPLES).astype("<i2").tobytes()
    parameters = wire_stream(sample_format, channels=2)

    native = PlaybackConverter(parameters).feed(every_sample)

    assert len(native) == len(every_sample) // 2 * parameters.frame_bytes
    assert b"".join(CaptureConverter(parameters, pick=[1]).feed(native)) == every_sample
    assert b"".join(CaptureConverter(parameters, pick=[0, 1]).feed(native)) == every_sample


@pytest.mark.parametrize("sample_format", FORMATS)
def test_a_native_sample_is_what_alsa_says_it_is(sample_format: SampleFormat) -> None:
    native = {
        SampleFormat.S16_LE: struct.pack("<h", -8192),
        SampleFormat.S24_LE: struct.pack("<i", -(2**21)),
        SampleFormat.S24_3LE: struct.pack("<i", -(2**21))[:3],
        SampleFormat.S32_LE: struct.pack("<i", -(2**29)),
        SampleFormat.FLOAT_LE: struct.pack("<f", -0.25),
    }[sample_format]

    assert CaptureConverter(wire_stream(sample_format), pick=[0]).feed(native * 320) == [frame_of(-8192)]
    assert PlaybackConverter(wire_stream(sample_format)).feed(frame_of(-8192)) == native * 320


@given(top=st.integers(0, 255), value=st.integers(-(2**15), 2**15 - 1))
def test_the_highest_byte_of_s24_le_means_nothing(top: int, value: int) -> None:
    native = struct.pack("<i", value * 256)[:3] + bytes([top])

    assert CaptureConverter(wire_stream(SampleFormat.S24_LE), pick=[0]).feed(native * 320) == [frame_of(value)]


@pytest.mark.parametrize("sample_format", FORMATS)
@pytest.mark.parametrize("channels", [1, 2, 3, 16])
def test_only_the_channels_picked_are_heard(sample_format: SampleFormat, channels: int) -> None:
    sound = np.tile(np.arange(1, channels + 1) / 32.0, (FRAME_SAMPLES, 1))
    parameters = wire_stream(sample_format, channels)
    native = encode(sound, sample_format)

    for channel in range(channels):
        assert CaptureConverter(parameters, pick=[channel]).feed(native) == [frame_of(1024 * (channel + 1))]
    everything = CaptureConverter(parameters, pick=list(range(channels))).feed(native)
    assert everything == [frame_of(512 * (channels + 1))]


@pytest.mark.parametrize("sample_format", FORMATS)
def test_a_microphone_in_the_left_slot_of_48_khz_stereo(sample_format: SampleFormat) -> None:
    left = sine(1000.0, 48_000, 0.4)
    native = encode(np.stack([left, np.zeros_like(left)], axis=1), sample_format)

    heard = wire(CaptureConverter(StreamParameters(48_000, sample_format, 2), pick=[0]).feed(native))
    averaged = wire(CaptureConverter(StreamParameters(48_000, sample_format, 2), pick=[0, 1]).feed(native))

    assert fit_tone(heard, 1000.0, 16_000).level_dbfs == pytest.approx(-6.0, abs=0.01)
    assert fit_tone(averaged, 1000.0, 16_000).level_dbfs == pytest.approx(-12.02, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("sample_format", FORMATS)
def test_playback_is_the_same_in_every_channel(sample_format: SampleFormat, channels: int) -> None:
    wire_sound = encode(sine(440.0, 16_000, 0.4), SampleFormat.S16_LE)
    parameters = StreamParameters(48_000, sample_format, channels)

    played = decode(PlaybackConverter(parameters, volume=0.5).feed(wire_sound), sample_format, channels)

    assert played.shape == (19_200, channels)
    assert (played == played[:, :1]).all()
    assert fit_tone(played[:, 0], 440.0, 48_000).level_dbfs == pytest.approx(-12.02, abs=0.01)


def test_gain_amplifies_and_attenuates() -> None:
    sound = encode(sine(300.0, 44_100, 0.4, amplitude=0.01), SampleFormat.S32_LE)

    louder = wire(CaptureConverter(mono(44_100), pick=[0], gain_db=30.0).feed(sound))
    softer = wire(CaptureConverter(mono(44_100), pick=[0], gain_db=-12.0).feed(sound))

    assert fit_tone(louder, 300.0, 16_000).level_dbfs == pytest.approx(-10.0, abs=0.01)
    assert fit_tone(softer, 300.0, 16_000).level_dbfs == pytest.approx(-52.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("sample_format", FORMATS)
def test_a_full_scale_square_wave_saturates_and_never_wraps(sample_format: SampleFormat, rate_hz: int) -> None:
    # Its overshoot after a low-pass is what wraps in arithmetic without limits: a sample of the wrong sign.
    sound = np.where(np.arange(rate_hz // 2) // (rate_hz // 200) % 2 == 0, 1.0, -1.0)
    heard = wire(
        CaptureConverter(mono(rate_hz, sample_format), pick=[0], gain_db=20.0).feed(encode(sound, sample_format))
    )
    delay = round(CaptureConverter(mono(rate_hz), pick=[0]).delay_s * 16_000)
    expected = np.where((np.arange(len(heard)) - delay) // 80 % 2 == 0, 1.0, -1.0)

    # away from the edges, and after the start
    middle = ((np.arange(len(heard)) - delay) % 80 > 20) & ((np.arange(len(heard)) - delay) % 80 < 60)
    middle[:160] = False
    assert (np.sign(heard) == expected)[middle].all()
    assert heard.max() == 32767 / 32768
    assert heard.min() == -1.0


@pytest.mark.parametrize("sample_format", FORMATS)
def test_playback_saturates_and_never_wraps(sample_format: SampleFormat) -> None:
    square = np.where(np.arange(16_000) // 80 % 2 == 0, 32767, -32768).astype("<i2")
    played = decode(PlaybackConverter(mono(48_000, sample_format)).feed(square.tobytes()), sample_format)[:, 0]

    step = 0.0 if sample_format is SampleFormat.FLOAT_LE else 2.0 ** (1 - BITS[sample_format])
    if sample_format is SampleFormat.S32_LE:
        step = 2.0**-24  # the greatest number of single precision below full scale
    assert played.max() == 1.0 - step
    assert played.min() == -1.0
    places = np.arange(len(played)) - 84  # the delay, 1.75 ms
    middle = (places > 480) & (places % 240 > 60) & (places % 240 < 180)
    assert (np.sign(played) == np.where(places // 240 % 2 == 0, 1.0, -1.0))[middle].all()


@pytest.mark.parametrize("highpass_hz", [0.0, 80.0])
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_what_is_no_number_is_silence_and_leaves_no_trace(rate_hz: int, highpass_hz: float) -> None:
    clean = sine(700.0, rate_hz, 0.4)
    poisoned = clean.astype(np.float32)
    poisoned[1000:1003] = [np.nan, np.inf, -np.inf]
    poisoned[1010:1014] = [3e38, -3e38, 7.0, -7.0]
    limited = clean.copy()
    limited[1000:1003] = [0.0, 1.0, -1.0]
    limited[1010:1014] = [1.0, -1.0, 1.0, -1.0]
    converter = CaptureConverter(mono(rate_hz, SampleFormat.FLOAT_LE), pick=[0], highpass_hz=highpass_hz)

    heard = converter.feed(poisoned.astype("<f4").tobytes())
    converter.reset()

    assert heard == converter.feed(encode(limited, SampleFormat.FLOAT_LE))


def test_a_channel_that_is_not_picked_cannot_poison_the_one_that_is() -> None:
    sound = np.full((FRAME_SAMPLES, 3), np.nan)
    sound[:, 1] = 0.5

    heard = CaptureConverter(wire_stream(SampleFormat.FLOAT_LE, 3), pick=[1]).feed(encode(sound, SampleFormat.FLOAT_LE))

    assert heard == [frame_of(16384)]


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 48_000])
def test_after_a_reset_nothing_of_what_was_before_is_heard(rate_hz: int) -> None:
    loud = encode(sine(500.0, rate_hz, 0.05), SampleFormat.S32_LE)
    fresh = encode(sine(900.0, rate_hz, 0.1), SampleFormat.S32_LE)
    converter = CaptureConverter(mono(rate_hz), pick=[0], highpass_hz=100.0)
    expected = converter.feed(fresh)

    converter.reset()
    converter.feed(loud + b"\x01")  # ends inside a sample, and inside a block
    converter.reset()

    assert converter.feed(fresh) == expected


@pytest.mark.parametrize("rate_hz", [11_025, 48_000])
def test_after_a_reset_of_playback_nothing_of_what_was_before_is_heard(rate_hz: int) -> None:
    fresh = frame_of(1000, -1000) * 3
    converter = PlaybackConverter(mono(rate_hz))
    expected = converter.feed(fresh)

    converter.reset()
    converter.feed(frame_of(30000) + b"\x01\x02\x03")
    converter.reset()

    assert converter.feed(fresh) == expected


@pytest.mark.parametrize(
    ("parameters", "options", "told"),
    [
        (mono(12_345), {}, "rate of 12345 Hz: must be one of 8000, 11025, 16000"),
        (StreamParameters(48_000, SampleFormat.S16_LE, 0), {}, "0 channels: must be 1 to 16"),
        (StreamParameters(48_000, SampleFormat.S16_LE, 17), {}, "17 channels: must be 1 to 16"),
        (mono(48_000), {"pick": []}, r"pick \[\]: must name one or more of channels 0 to 0"),
        (mono(48_000), {"pick": [1]}, r"pick \[1\]: must name one or more of channels 0 to 0"),
        (mono(48_000), {"pick": [-1]}, r"pick \[-1\]"),
        (mono(48_000), {"gain_db": float("nan")}, "gain of nan dB: must lie between -60 and 60"),
        (mono(48_000), {"gain_db": 61.0}, "gain of 61.0 dB"),
        (mono(48_000), {"highpass_hz": -1.0}, "cut-off of -1.0 Hz: must lie between 0 and 8000 Hz"),
        (mono(48_000), {"highpass_hz": 8000.0}, "cut-off of 8000.0 Hz"),
        (mono(48_000), {"highpass_hz": float("nan")}, "cut-off of nan Hz"),
    ],
)
def test_capture_refuses_what_it_cannot_do(parameters: StreamParameters, options: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        CaptureConverter(parameters, **{"pick": [0], **options})  # type: ignore[arg-type]  # a table of wrong values


@pytest.mark.parametrize("volume", [-0.1, 1.1, float("nan")])
def test_playback_refuses_a_volume_outside_0_to_1(volume: float) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        PlaybackConverter(mono(48_000), volume=volume)


def test_playback_refuses_a_rate_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="rate of 192000 Hz"):
        PlaybackConverter(mono(192_000))


def test_volume_zero_is_digital_silence() -> None:
    assert set(PlaybackConverter(mono(48_000), volume=0.0).feed(frame_of(32767, -32768) * 5)) == {0}
