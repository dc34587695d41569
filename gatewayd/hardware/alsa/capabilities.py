"""What a live card can do, asked of its driver: for cards of which no file tells, such as I2S microphones.

pyalsaaudio's `getformats`, `getrates` and `getchannels` (0.11) are three lists that know nothing of each other: a card
with 16 kHz mono and 48 kHz stereo looks as if it had 16 kHz stereo too. So libasound is asked through ctypes, each time
with format and channel count already fixed, as `arecord --dump-hw-params` does. Nothing is set at the card, and no
sound moves.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat
from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.alsa.explaining import why_not_opened
from gatewayd.hardware.offers import Offer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewayd.audio.formats import StreamParameters

_EXACTLY = 0
"""Of `dir` in libasound's rate functions: neither a little below nor above."""


def offers(device: str, *, capture: bool, root: Path = Path("/")) -> tuple[Offer, ...]:
    """Every combination that `device` takes and this program can use; empty if there is none.

    Opens the device for some milliseconds, so nobody else may have it open; asks at most 900 questions. `root` is where
    /proc and /dev are looked for when an error is to name who holds it. Raises `DeviceMissing`, `DeviceBusy`,
    `DeviceDenied`, `DeviceRefused` or `DeviceLost`. Blocks, and must be called from the thread that opens devices.

    It is the driver's word: a few drivers promise what they refuse when it comes to it.
    """
    libasound.collect_messages()
    libasound.take_messages()
    try:
        pcm = libasound.open_handle(device, capture=capture)
        try:
            return _offers(pcm)
        finally:
            libasound.close_handle(pcm)
    except OSError as error:
        raise why_not_opened(device, error.strerror or str(error), capture=capture, root=root) from None


def _offers(pcm: ctypes.c_void_p) -> tuple[Offer, ...]:
    library = _library()
    with _parameters() as anything:
        result: int = library.snd_pcm_hw_params_any(pcm, anything)
        if result >= 0:
            result = library.snd_pcm_hw_params_set_access(pcm, anything, libasound.RW_INTERLEAVED)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return grouped({format_: _rates_by_channels(pcm, anything, format_) for format_ in SampleFormat})


def offered(parameters: StreamParameters, known: tuple[Offer, ...]) -> bool:
    """Whether these parameters are among what is offered."""
    return any(
        parameters.format in offer.formats
        and parameters.rate_hz in offer.rates_hz
        and parameters.channels in offer.channels
        for offer in known
    )


def grouped(rates_hz: Mapping[SampleFormat, Mapping[int, tuple[int, ...]]]) -> tuple[Offer, ...]:
    """The same combinations, given as rates by format and channel count, in few offers; formats in the order given."""
    by_rates: dict[SampleFormat, dict[tuple[int, ...], list[int]]] = {}
    for format_, by_channels in rates_hz.items():
        for channels, rates in by_channels.items():
            if rates:
                by_rates.setdefault(format_, {}).setdefault(rates, []).append(channels)
    formats: dict[tuple[tuple[int, ...], tuple[int, ...]], list[SampleFormat]] = {}
    for format_, groups in by_rates.items():
        for rates, channel_counts in groups.items():
            formats.setdefault((rates, tuple(channel_counts)), []).append(format_)
    return tuple(Offer(tuple(alike), rates, channels) for (rates, channels), alike in formats.items())


def _rates_by_channels(
    pcm: ctypes.c_void_p, anything: ctypes.c_void_p, format_: SampleFormat
) -> dict[int, tuple[int, ...]]:
    library = _library()
    number = library.snd_pcm_format_value(format_.value.encode())
    found: dict[int, tuple[int, ...]] = {}
    with _parameters() as of_format, _parameters() as of_channels:
        library.snd_pcm_hw_params_copy(of_format, anything)
        if library.snd_pcm_hw_params_set_format(pcm, of_format, number) < 0:
            return found
        for channels in range(1, MAX_CHANNELS + 1):
            library.snd_pcm_hw_params_copy(of_channels, of_format)
            if library.snd_pcm_hw_params_set_channels(pcm, of_channels, channels) < 0:
                continue
            found[channels] = tuple(
                rate_hz
                for rate_hz in RATES_HZ
                if library.snd_pcm_hw_params_test_rate(pcm, of_channels, rate_hz, _EXACTLY) == 0
            )
    return found


@contextmanager
def _parameters() -> Iterator[ctypes.c_void_p]:
    library = _library()
    parameters = ctypes.c_void_p()
    if library.snd_pcm_hw_params_malloc(ctypes.byref(parameters)) < 0:
        raise MemoryError
    try:
        yield parameters
    finally:
        library.snd_pcm_hw_params_free(parameters)


@cache
def _library() -> Any:
    library = libasound.library()
    pointer, number = ctypes.c_void_p, ctypes.c_uint
    library.snd_pcm_hw_params_malloc.argtypes = [ctypes.POINTER(pointer)]
    library.snd_pcm_hw_params_free.argtypes = [pointer]
    library.snd_pcm_hw_params_free.restype = None
    library.snd_pcm_hw_params_copy.argtypes = [pointer, pointer]
    library.snd_pcm_hw_params_copy.restype = None
    library.snd_pcm_hw_params_any.argtypes = [pointer, pointer]
    library.snd_pcm_hw_params_set_access.argtypes = [pointer, pointer, number]
    library.snd_pcm_hw_params_set_format.argtypes = [pointer, pointer, ctypes.c_int]
    library.snd_pcm_hw_params_set_channels.argtypes = [pointer, pointer, number]
    library.snd_pcm_hw_params_test_rate.argtypes = [pointer, pointer, number, ctypes.c_int]
    return library
