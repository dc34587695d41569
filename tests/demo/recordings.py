"""What the local voice service wrote down of a session: both directions' sound, and when each frame passed."""

from __future__ import annotations

import csv
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]
    Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recorded:
    """One direction of a session: frame n is `samples[320 n : 320 (n + 1)]`, full scale at 1.0."""

    samples: Sound
    times_ns: Times
    """CLOCK_MONOTONIC: when frame n arrived at the service, or when the service sent it."""

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.times_ns)

    def frames_between(self, begin_ns: int, end_ns: int) -> int:
        """How many passed from `begin_ns` on and before `end_ns`."""
        return int(((self.times_ns >= begin_ns) & (self.times_ns < end_ns)).sum())


@dataclass(frozen=True)
class SessionRecording:
    """What the service heard and what it said."""

    heard: Recorded
    said: Recorded
    heard_wav: Path
    said_wav: Path


class RecordingUnusable(Exception):
    """The service's files do not tell what is asked of them; says why."""


def read_session(directory: Path) -> SessionRecording:
    """The only session that the service recorded in `directory`.

    Raises `RecordingUnusable` where there are none or several, or where a message was no wire frame.
    """
    tables = sorted(directory.glob("*-frames.csv"))
    if len(tables) != 1:
        raise RecordingUnusable(f"the service recorded {len(tables)} sessions; one is wanted")
    stem = tables[0].name.removesuffix("-frames.csv")
    heard_wav, said_wav = directory / f"{stem}-heard.wav", directory / f"{stem}-said.wav"
    times = _read_times(tables[0])
    return SessionRecording(
        heard=Recorded(_read_wav(heard_wav, len(times["heard"])), times["heard"]),
        said=Recorded(_read_wav(said_wav, len(times["said"])), times["said"]),
        heard_wav=heard_wav,
        said_wav=said_wav,
    )


def _read_times(path: Path) -> dict[str, Times]:
    times: dict[str, list[int]] = {"heard": [], "said": []}
    with path.open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            if int(row["bytes"]) != FRAME_BYTES:
                raise RecordingUnusable(f"a message of {row['bytes']} bytes was recorded as {row['direction']}")
            times[row["direction"]].append(int(row["monotonic_ns"]))
    return {direction: np.array(column, np.int64) for direction, column in times.items()}


def _read_wav(path: Path, frames: int) -> Sound:
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15
    if len(samples) != frames * FRAME_SAMPLES:
        raise RecordingUnusable(f"{path.name} holds {len(samples)} samples for {frames} frames")
    return samples
