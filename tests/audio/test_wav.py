from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.wav import (
    DATA_BYTES_MAX,
    HEADER_BYTES,
    UNKNOWN_SIZE,
    header,
    padding,
    stored_parameters,
    stored_samples,
)
from tests.softcard.samples import decode, random_frames

INTEGERS = [SampleFormat.S16_LE, SampleFormat.S24_3LE, SampleFormat.S32_LE]


@given(st.sampled_from(INTEGERS), st.integers(1, 16), st.sampled_from([8_000, 44_100, 96_000]), st.integers(0, 50))
def test_python_reads_what_was_written(sample_format: SampleFormat, channels: int, rate_hz: int, frames: int) -> None:
    data = random_frames(sample_format, channels, frames)
    whole = header(StreamParameters(rate_hz, sample_format, channels), len(data)) + data + padding(len(data))
    assert len(whole) % 2 == 0
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    with wave.open(io.BytesIO(whole), "rb") as file:
        assert file.getparams()[:4] == (channels, sample_format.sample_bytes, rate_hz, frames)
        assert file.readframes(frames) == data


def test_floats_are_marked_as_such() -> None:
    floats, integers = (
        header(StreamParameters(48_000, sample_format, 2), 0)
        for sample_format in (SampleFormat.FLOAT_LE, SampleFormat.S32_LE)
    )
    assert (floats[20:22], integers[20:22]) == (b"\3\0", b"\1\0")
    assert floats[22:] == integers[22:]


def test_a_length_that_is_not_known_is_the_greatest_there_is() -> None:
    unknown = header(StreamParameters(16_000, SampleFormat.S16_LE, 1), None)
    assert len(unknown) == HEADER_BYTES
    assert int.from_bytes(unknown[4:8], "little") == int.from_bytes(unknown[40:], "little") == UNKNOWN_SIZE


def test_24_low_bits_of_32_are_stored_as_three_bytes() -> None:
    parameters = StreamParameters(48_000, SampleFormat.S24_LE, 2)
    assert stored_parameters(parameters) == StreamParameters(48_000, SampleFormat.S24_3LE, 2)
    data = random_frames(SampleFormat.S24_LE, 2, 100)
    stored = stored_samples(data, SampleFormat.S24_LE)
    assert (decode(stored, SampleFormat.S24_3LE, 2) == decode(data, SampleFormat.S24_LE, 2)).all()
    with pytest.raises(ValueError, match="store it as S24_3LE"):
        header(parameters, 0)


@pytest.mark.parametrize("sample_format", [*INTEGERS, SampleFormat.FLOAT_LE])
def test_every_other_format_is_stored_as_it_is(sample_format: SampleFormat) -> None:
    parameters = StreamParameters(48_000, sample_format, 2)
    data = random_frames(sample_format, 2, 10)
    assert stored_parameters(parameters) == parameters
    assert stored_samples(data, sample_format) == data


@pytest.mark.parametrize("data_bytes", [-1, DATA_BYTES_MAX + 1])
def test_a_length_that_no_header_can_tell(data_bytes: int) -> None:
    parameters = StreamParameters(16_000, SampleFormat.S16_LE, 1)
    assert len(header(parameters, DATA_BYTES_MAX)) == HEADER_BYTES
    with pytest.raises(ValueError, match=f"holds 0 to {DATA_BYTES_MAX}"):
        header(parameters, data_bytes)
