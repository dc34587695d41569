"""Where in a known sound a recording of it lies, and how alike the two are. Pure; arrays of one channel at 16 kHz.

A lag is in samples: `recording[n]` resembles `reference[n + lag]`. It need not be whole, because a converter may delay
by a fraction of a 16 kHz sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import FRAME_SAMPLES, WIRE_RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]

BAND_HZ = 6_800.0
"""Sounds are compared up to here: a conversion to 16 kHz keeps 7 kHz, and how it ends above is its own affair."""
SPOKEN_RANGE_DB = 40.0
"""A frame of the reference counts as spoken if it is no further than this below its loudest frame."""
WINDOW_FRAMES = 25
"""Frames whose place is found together: half a second."""
WINDOW_SAMPLES = WINDOW_FRAMES * FRAME_SAMPLES
REACH_SAMPLES = WIRE_RATE_HZ // 2
"""How far from the whole recording's place a window may lie: half a second, which no pause in playback exceeds."""
JUMP_SAMPLES = 1.0
"""Lags of neighbouring windows that differ by more belong to different pieces of sound."""
ALIKE = 0.9
"""Normalised correlation from which on two short stretches count as the same sound."""
_KERNEL_REACH = 128
"""Samples on either side of the band-limiting filter's centre: its edge is 300 Hz wide at 80 dB."""
_KERNEL_BETA = 7.86
"""Kaiser window, 80 dB: 0.1102 (80 - 8.7)."""
_NOTHING = 1e-12
"""Energy of a frame that only rounding put there."""
_FINE_STEPS = 64
"""Steps to a sample in which a lag is found."""
_FINE_REACH = 64
"""Samples of the correlation on either side that go into its interpolation."""
_FINE_BETA = 5.0


@dataclass(frozen=True)
class Similarity:
    """How much of the spoken part arrived as it was."""

    value: float
    """Mean over the spoken frames of the normalised correlation; 1 for the same sound, whatever its loudness."""
    lag: float
    spoken_frames: int
    """How many frames of 20 ms were compared."""
    damaged_frames: int
    """How many of them have a normalised correlation below `ALIKE`."""


def similarity(reference: Sound, recording: Sound, *, gaps_allowed: bool = False) -> Similarity:
    """Compare `recording` with that part of `reference` that lies under it at the best lag.

    Both are limited to `BAND_HZ` and cut into frames of 20 ms. For each frame that is spoken in either of them, the
    normalised correlation is sum(r h) / sqrt(sum(r^2) sum(h^2)), or 0 where one of them is silent; the result is their
    mean. Every frame counts alike, so that a lost consonant weighs as much as a lost vowel, and a frame that should not
    be there as much as one that is missing.

    With `gaps_allowed` each half second has a lag of its own: sound that is late by a pause put in before it, or early
    by what was left out, counts as what it is; only the pause, and what was left out, is damage.
    """
    lag = find_lag(reference, recording)
    lags = _lags_of_windows(reference, recording, lag) if gaps_allowed else [lag] * _window_count(recording)
    heard = _frames(stretch(recording, 0.0, len(recording)))
    heard_spoken, loudest = _spoken(heard, heard), _frames(reference)
    compared = [np.zeros(_frames_left_out(lags))]
    for number in range(len(lags)):
        rows = slice(number * WINDOW_FRAMES, (number + 1) * WINDOW_FRAMES)
        best = np.full(len(heard[rows]), -np.inf)
        spoken = heard_spoken[rows].copy()
        # The place of a change is in one of two neighbours, and not known any closer: each frame takes the better lag.
        for candidate in dict.fromkeys((lags[number], *lags[max(number - 1, 0) : number + 2])):
            known = _frames(stretch(reference, number * WINDOW_SAMPLES + candidate, len(best) * FRAME_SAMPLES))
            correlations = _correlations(known, heard[rows])
            better = correlations > best
            spoken[better] = (heard_spoken[rows] | _spoken(known, loudest))[better]
            best = np.maximum(best, correlations)
        compared.append(best[spoken])
    values = np.concatenate(compared)
    if not len(values):
        return Similarity(0.0, lag, 0, 0)
    return Similarity(float(values.mean()), lag, len(values), int((values < ALIKE).sum()))


def _window_count(recording: Sound) -> int:
    """Windows that hold all of the recording; the last one need not be whole."""
    return -(-len(recording) // WINDOW_SAMPLES)


def _lags_of_windows(reference: Sound, recording: Sound, lag: float) -> list[float]:
    """Each window's own lag where it has one; where not, the one before it."""
    lags: list[float] = []
    for local in local_lags(reference, recording, lag, window=WINDOW_SAMPLES, reach=REACH_SAMPLES):
        lags.append(local if local is not None else lags[-1] if lags else lag)
    rest = _window_count(recording) - len(lags)
    return lags + [lags[-1] if lags else lag] * rest


def _frames_left_out(lags: list[float]) -> int:
    """How many frames of the reference the recording jumps over; a clock that is a little off makes no jump."""
    jumps = [after - before for before, after in pairwise(lags)]
    return sum(int(np.ceil(jump / FRAME_SAMPLES)) for jump in jumps if jump > JUMP_SAMPLES)


def find_lag(reference: Sound, recording: Sound) -> float:
    """The lag at which the cross-correlation of the two is highest."""
    correlation = _correlate(reference, recording)
    lag, _ = _interpolated_peak(correlation, int(np.argmax(correlation)))
    return lag - len(correlation) if lag > len(reference) else lag


def stretch(sound: Sound, start: float, length: int) -> Sound:
    """`length` samples of `sound` from the place `start` on, which may lie between samples or outside, where it is 0.

    Limited to `BAND_HZ`.
    """
    first = int(np.floor(start))
    taps = np.arange(-_KERNEL_REACH, _KERNEL_REACH + 1)
    share = 2.0 * BAND_HZ / WIRE_RATE_HZ
    kernel = share * np.sinc(share * (taps + (start - first))) * np.kaiser(len(taps), _KERNEL_BETA)
    return np.convolve(_cut(sound, first - _KERNEL_REACH, length + 2 * _KERNEL_REACH), kernel, "valid")


def local_lags(reference: Sound, recording: Sound, lag: float, *, window: int, reach: int) -> list[float | None]:
    """The lag of each whole window of `recording` on its own, looked for within `reach` samples of `lag`.

    None for a window whose normalised correlation stays below `ALIKE` everywhere: it cannot be told where it belongs.
    """
    lags: list[float | None] = []
    whole = round(lag)
    for start in range(0, len(recording) - window + 1, window):
        around = _cut(reference, start + whole - reach, window + 2 * reach)
        offset = _find_window(around, recording[start : start + window])
        lags.append(None if offset is None else whole - reach + offset)
    return lags


def _find_window(around: Sound, piece: Sound) -> float | None:
    """Where in `around` the piece lies. Loudness must not decide: a period of a vowel is much like its louder next."""
    correlation = _correlate(around, piece)
    sums = np.concatenate(([0.0], np.cumsum(around**2)))
    energies = np.sqrt((sums[len(piece) :] - sums[: -len(piece)]) * (piece**2).sum())
    if energies.max() <= 0:
        return None
    normalised = correlation[: len(energies)] / np.maximum(energies, energies.max() * 1e-9)
    peak = int(np.argmax(normalised))
    offset, value = _interpolated_peak(correlation, peak)
    return offset if value >= ALIKE * energies[peak] else None


def _correlate(reference: Sound, recording: Sound) -> Sound:
    """sum over n of reference[n + lag] recording[n] for lags from 0 on; the negative ones stand at the end."""
    size = _transform_size(len(reference) + len(recording))
    return np.fft.irfft(np.fft.rfft(reference, size) * np.conj(np.fft.rfft(recording, size)), size)


def _interpolated_peak(correlation: Sound, peak: int) -> tuple[float, float]:
    """Place and value of the maximum between the samples about `peak`."""
    near = np.arange(peak - _FINE_REACH, peak + _FINE_REACH + 1)
    fine = peak + np.arange(-_FINE_STEPS, _FINE_STEPS + 1) / _FINE_STEPS
    window = np.kaiser(len(near), _FINE_BETA)
    values = np.sinc(fine[:, np.newaxis] - near) @ (correlation[near % len(correlation)] * window)
    best = int(np.argmax(values))
    return float(fine[best]), float(values[best])


def _cut(sound: Sound, first: int, length: int) -> Sound:
    """Samples `first` to `first + length`, with zeros where there are none."""
    piece = np.zeros(length)
    begin, end = max(first, 0), min(first + length, len(sound))
    if begin < end:
        piece[begin - first : end - first] = sound[begin:end]
    return piece


def _frames(sound: Sound) -> Sound:
    """Whole frames of 20 ms, one a row."""
    count = len(sound) // FRAME_SAMPLES
    return sound[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)


def _spoken(frames: Sound, whole: Sound) -> npt.NDArray[np.bool_]:
    """Which of the frames are not much quieter than the loudest one of the whole."""
    loudest = (whole**2).sum(axis=1).max(initial=0.0)
    spoken: npt.NDArray[np.bool_] = (frames**2).sum(axis=1) > max(loudest, _NOTHING) * 10 ** (-SPOKEN_RANGE_DB / 10)
    return spoken


def _correlations(known: Sound, heard: Sound) -> Sound:
    """The normalised correlation of each row."""
    energies = np.sqrt((known**2).sum(axis=1) * (heard**2).sum(axis=1))
    products = (known * heard).sum(axis=1)
    correlations: Sound = np.divide(products, energies, out=np.zeros_like(products), where=energies > _NOTHING)
    return correlations


def _transform_size(length: int) -> int:
    return 1 << (length - 1).bit_length()
