"""What the microphone hears arrives, and what is written is played: every bit, in every format."""

from __future__ import annotations

import numpy as np
import pytest

from gatewayd.audio.formats import SampleFormat
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.softcard.samples import decode, encode, random_frames
from tests.softcard.streams import capture, opened
from tests.softcard.timeline import Direction, EventKind

FORMATS = list(SampleFormat)
CHANNELS = range(1, 9)
FRAMES = 1000


def stepped(sample_format: SampleFormat, channels: int) -> StreamDefinition:
    return StreamDefinition(formats=(sample_format.value,), channels=(channels,), clock="manual")


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("sample_format", FORMATS, ids=lambda sample_format: sample_format.value)
def test_capture_is_bit_exact(sound_rack: SoundRack, sample_format: SampleFormat, channels: int) -> None:
    sound = random_frames(sample_format, channels, FRAMES)
    card = sound_rack.plug_in("Array", stepped(sample_format, channels))
    card.play_in(sound)
    with opened(card.device, Direction.CAPTURE, sample_format=sample_format.value, channels=channels) as pcm:
        assert pcm.read() == (0, b"")
        heard = b""
        for frames in (480, 1, 479, 33, 7):
            card.advance(frames)
            heard += pcm.read()[1]
    assert heard == sound


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("sample_format", FORMATS, ids=lambda sample_format: sample_format.value)
def test_playback_is_bit_exact(sound_rack: SoundRack, sample_format: SampleFormat, channels: int) -> None:
    sound = random_frames(sample_format, channels, FRAMES)
    frame_bytes = sample_format.sample_bytes * channels
    card = sound_rack.plug_in("Array", stepped(sample_format, channels))
    with opened(card.device, Direction.PLAYBACK, sample_format=sample_format.value, channels=channels) as pcm:
        written = 0
        for frames in (480, 1, 479, 40):
            assert pcm.write(sound[written * frame_bytes : (written + frames) * frame_bytes]) == frames
            written += frames
            card.advance(frames - 1)
        card.advance(3)
    assert card.played() == sound[: (FRAMES - 1) * frame_bytes]


def test_what_was_dropped_before_it_was_played_is_not_heard(stepped_card: SoftCard) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 1000)
    with opened(stepped_card.device, Direction.PLAYBACK) as pcm:
        pcm.write(sound)
        stepped_card.advance(300)
        pcm.drop()
        pcm.write(sound[: 100 * 8])
        stepped_card.advance(60)
    assert stepped_card.played() == sound[: 300 * 8] + sound[: 60 * 8]


def test_real_time_capture_and_playback_through_one_card(sound_card: SoftCard) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 4800)
    sound_card.play_in(sound)
    with opened(sound_card.device, Direction.PLAYBACK, blocking=True, periods=1000) as pcm:
        pcm.write(sound)
        with opened(sound_card.device, Direction.CAPTURE, periods=1000) as microphone:
            assert capture(microphone, len(sound))[: len(sound)] == sound
        pcm.drain()
    assert sound_card.played() == sound


def test_sound_begins_anew_at_its_end(stepped_card: SoftCard) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 100)
    stepped_card.play_in(sound)
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        pcm.read()
        stepped_card.advance(250)
        assert pcm.read() == (250, sound * 2 + sound[: 50 * 8])


def test_silence_follows_sound_that_does_not_loop(sound_rack: SoundRack) -> None:
    once = StreamDefinition(formats=("S16_LE",), channels=(1,), clock="manual", loop=False)
    card = sound_rack.plug_in("Array", once)
    card.play_in(b"\1\2" * 100)
    with opened(card.device, Direction.CAPTURE, sample_format="S16_LE", channels=1) as pcm:
        pcm.read()
        card.advance(150)
        assert pcm.read() == (150, b"\1\2" * 100 + bytes(100))


def test_a_microphone_without_sound_hears_silence(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        pcm.read()
        stepped_card.advance(480)
        assert pcm.read() == (480, bytes(480 * 8))


def test_new_sound_is_heard_from_the_next_frame_on_and_the_timeline_says_which(stepped_card: SoftCard) -> None:
    before, after = (random_frames(SampleFormat.S32_LE, 2, 400, seed) for seed in (1, 2))
    stepped_card.play_in(before)
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        pcm.read()
        stepped_card.advance(300)
        stepped_card.play_in(after)
        stepped_card.advance(100)
        assert pcm.read() == (400, before[: 300 * 8] + after[: 100 * 8])
    assert [event.frame for event in stepped_card.timeline(Direction.CAPTURE).of(EventKind.SOUND)] == [300]


def test_plughw_converts_what_the_card_does_not_offer(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Array", stepped(SampleFormat.S32_LE, 2))
    sound = random_frames(SampleFormat.S32_LE, 2, 480)
    card.play_in(sound)
    with opened(f"plug{card.device}", Direction.CAPTURE, sample_format="S16_LE") as pcm:
        pcm.read()
        card.advance(480)
        frames, data = pcm.read()
    assert frames == 480
    heard = decode(sound, SampleFormat.S32_LE, 2)
    assert np.max(np.abs(decode(data, SampleFormat.S16_LE, 2) - heard)) <= 2**-15


def test_plughw_plays_what_the_card_does_not_offer(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Array", stepped(SampleFormat.S32_LE, 2))
    sound = random_frames(SampleFormat.S16_LE, 1, 480)
    with opened(f"plug{card.device}", Direction.PLAYBACK, sample_format="S16_LE", channels=1) as pcm:
        assert pcm.write(sound) == 480
        card.advance(479)
    said = decode(sound, SampleFormat.S16_LE, 1)[:479]
    assert np.array_equal(decode(card.played(), SampleFormat.S32_LE, 2), np.repeat(said, 2, axis=1))


@pytest.mark.parametrize("sample_format", FORMATS, ids=lambda sample_format: sample_format.value)
def test_samples_are_encoded_and_decoded_alike(sample_format: SampleFormat) -> None:
    samples = np.array([[-1.0, 0.5], [0.25, -0.125], [0.0, -(2.0**-15)]])
    data = encode(samples, sample_format)
    assert len(data) == samples.size * sample_format.sample_bytes
    assert np.array_equal(decode(data, sample_format, 2), samples)


def test_encoding_is_little_endian_and_saturates() -> None:
    samples = np.array([[1.0, -1.0, 2.0**-15]])
    assert encode(samples, SampleFormat.S16_LE) == b"\xff\x7f\x00\x80\x01\x00"
    assert encode(samples, SampleFormat.S24_3LE) == b"\xff\xff\x7f\x00\x00\x80\x00\x01\x00"
    assert encode(samples, SampleFormat.S24_LE) == b"\xff\xff\x7f\x00\x00\x00\x80\xff\x00\x01\x00\x00"
    assert encode(samples, SampleFormat.S32_LE) == b"\xff\xff\xff\x7f\x00\x00\x00\x80\x00\x00\x01\x00"
