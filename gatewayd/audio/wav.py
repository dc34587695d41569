"""WAV files: the header, and samples as such a file stores them.

A header is written with what is known, and again when more is: it is `HEADER_BYTES` long for every format, so that a
file whose writing ended anywhere can be made right by writing over its beginning. Formats are plain PCM whatever the
width and count, as `arecord` writes them: everything reads that, and the extensible form says nothing more about a
microphone array. The layout is Microsoft's "Multiple Channel Audio Data and WAVE Files" (RIFF).
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import SampleFormat

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters

HEADER_BYTES = 44
_PCM, _FLOAT = 1, 3
_RIFF_SIZE_OFFSET = 8
"""What the size in the first chunk does not count: that chunk's own eight bytes."""
UNKNOWN_SIZE = 0xFFFF_FFFF
"""What stands for a length that is not known when the header is written and cannot be written later, as in a pipe."""
DATA_BYTES_MAX = UNKNOWN_SIZE - HEADER_BYTES - 1
"""Sizes have 32 bits: six hours of stereo S16 at 48 kHz, three quarters of an hour of eight channels S32."""


def stored_parameters(parameters: StreamParameters) -> StreamParameters:
    """How sound of these parameters stands in a file: S24_LE as S24_3LE, as WAV has no 24 low bits of 32."""
    if parameters.format is SampleFormat.S24_LE:
        return replace(parameters, format=SampleFormat.S24_3LE)
    return parameters


def stored_samples(data: bytes, sample_format: SampleFormat) -> bytes:
    """Whole samples as a file stores them; only S24_LE changes, and loses nothing but its unused byte."""
    if sample_format is not SampleFormat.S24_LE:
        return data
    return np.frombuffer(data, np.uint8).reshape(-1, 4)[:, :3].tobytes()


def padding(data_bytes: int) -> bytes:
    """What follows so many bytes of samples, uncounted: chunks begin at even places."""
    return bytes(data_bytes % 2)


def header(parameters: StreamParameters, data_bytes: int | None) -> bytes:
    """The `HEADER_BYTES` before the samples, which have `parameters`; None where their length is not known.

    Raises `ValueError` for S24_LE (see `stored_parameters`) and for more than `DATA_BYTES_MAX`.
    """
    if parameters.format is SampleFormat.S24_LE:
        raise ValueError("S24_LE does not exist in WAV: store it as S24_3LE")
    if data_bytes is not None and not 0 <= data_bytes <= DATA_BYTES_MAX:
        raise ValueError(f"{data_bytes} bytes: a WAV file holds 0 to {DATA_BYTES_MAX}")
    riff_bytes = UNKNOWN_SIZE
    if data_bytes is not None:
        riff_bytes = data_bytes + len(padding(data_bytes)) + HEADER_BYTES - _RIFF_SIZE_OFFSET
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        riff_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _FLOAT if parameters.format is SampleFormat.FLOAT_LE else _PCM,
        parameters.channels,
        parameters.rate_hz,
        parameters.rate_hz * parameters.frame_bytes,
        parameters.frame_bytes,
        8 * parameters.format.sample_bytes,
        b"data",
        UNKNOWN_SIZE if data_bytes is None else data_bytes,
    )
