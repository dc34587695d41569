"""The vocabulary of streams."""

from __future__ import annotations

from gatewayd.audio.formats import SampleFormat, StreamParameters


def test_a_stream_describes_itself_and_knows_its_frame_length() -> None:
    parameters = StreamParameters(48_000, SampleFormat.S24_3LE, 6)
    assert str(parameters) == "S24_3LE 48000 Hz 6 ch"
    assert parameters.frame_bytes == 18
