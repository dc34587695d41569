"""A picture of the conversation: waveform and spectrogram of each stage, over the time at which the sound was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gatewayd.audio.formats import WIRE_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    Sound = npt.NDArray[np.float64]

FLOOR_DB = -100.0
"""The darkest colour: sound this far below a full-scale sine, and all below it."""
WINDOW_SAMPLES = 512
"""32 ms to a column: narrow enough to see syllables, fine enough to see a voice's harmonics."""
HOP_SAMPLES = 128
_WAVE_COLOUR = "#2b6cb0"
_COLOURS = "magma"


@dataclass(frozen=True)
class Row:
    """One stage of the sound's way."""

    title: str
    samples: Sound
    """At 16 kHz."""
    begins_s: float
    """When its first sample was there, on the axis that all rows share."""


def draw_conversation(path: Path, heading: str, rows: list[Row], *, ends_s: float) -> None:
    """Write a PNG with the rows below one another, on one time axis from 0 to `ends_s`."""
    figure = Figure(figsize=(13.0, 0.9 + 2.9 * len(rows)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(heading, x=0.01, ha="left", fontsize=13, fontweight="bold")
    grid = figure.add_gridspec(2 * len(rows), 1, height_ratios=[1.0, 1.9] * len(rows))
    first: Axes | None = None
    spectrograms: list[Axes] = []
    image: AxesImage | None = None
    for number, row in enumerate(rows):
        wave = figure.add_subplot(grid[2 * number], sharex=first)
        first = first or wave
        _draw_wave(wave, row)
        spectrogram = figure.add_subplot(grid[2 * number + 1], sharex=first)
        image = _draw_spectrogram(spectrogram, row)
        spectrogram.tick_params(labelbottom=number == len(rows) - 1)
        spectrograms.append(spectrogram)
    if first is not None and image is not None:
        first.set_xlim(0.0, ends_s)
        spectrograms[-1].set_xlabel("seconds since the microphone began")
        bar = figure.colorbar(image, ax=spectrograms, pad=0.01, fraction=0.02, aspect=40)
        bar.set_label("dBFS", fontsize=9)
    figure.savefig(path)


def spectrogram_db(samples: Sound) -> Sound:
    """Levels in dB relative to a full-scale sine, in an array (frequencies, columns)."""
    padded = np.pad(samples, WINDOW_SAMPLES // 2)
    columns = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    window = np.hanning(WINDOW_SAMPLES)
    # A sine of amplitude 1 has a bin of half the window's sum.
    amplitudes = np.abs(np.fft.rfft(columns * window, axis=1)) / (window.sum() / 2)
    levels: Sound = 20.0 * np.log10(np.maximum(amplitudes.T, 1e-9))
    return levels


def _draw_wave(axes: Axes, row: Row) -> None:
    times_s = row.begins_s + np.arange(len(row.samples)) / WIRE_RATE_HZ
    axes.set_title(row.title, loc="left", fontsize=11)
    axes.plot(times_s, row.samples, color=_WAVE_COLOUR, linewidth=0.5)
    reach = 1.1 * float(np.abs(row.samples).max(initial=0.01))
    axes.set_ylim(-reach, reach)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False, bottom=False)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _draw_spectrogram(axes: Axes, row: Row) -> AxesImage:
    levels = spectrogram_db(row.samples)
    half_hop_s = HOP_SAMPLES / 2 / WIRE_RATE_HZ
    left_s = row.begins_s - half_hop_s
    right_s = left_s + levels.shape[1] * HOP_SAMPLES / WIRE_RATE_HZ
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(left_s, right_s, 0.0, WIRE_RATE_HZ / 2000),
        cmap=_COLOURS,
        vmin=FLOOR_DB,
        vmax=-20.0,
        interpolation="antialiased",
    )
    axes.set_facecolor("#f2f2f2")
    axes.set_ylabel("kHz", fontsize=9)
    axes.set_yticks([0, 2, 4, 6, 8])
    return image
