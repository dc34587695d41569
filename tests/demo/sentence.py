"""What the microphone of the demo hears: a spoken recording among pauses, as an I2S microphone would give it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from gatewayd.audio.formats import WIRE_RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]

SPEECH = Path(__file__).resolve().parents[1] / "data" / "speech.wav"
CARD_RATE_HZ = 48_000
LEAD_S = 1.5
"""Before the first word: by then a session is ready, so that the agent hears the sentence from its beginning."""
PAUSE_S = 1.2
"""Between two repetitions, the first time; each further pause is longer, so that no two stretches are alike."""
PAUSE_GROWTH_S = 0.37
MARGIN_S = 40.0
"""Of noise after the last word: more than starting, stopping and every time limit of the demo take together."""
PEAK_DBFS = -6.0
NOISE_DBFS = -75.0
"""RMS of the noise that lies under everything. A pause of exact zeros would rightly count as a dead microphone."""
_NOISE_SEED = 16_000


@dataclass(frozen=True)
class Sentence:
    """One channel at the card's rate, full scale at 1.0."""

    samples: Sound

    def until(self, end_s: float) -> Sentence:
        """Its beginning."""
        return Sentence(self.samples[: _frames(end_s)])

    def as_microphone(self) -> bytes:
        """Interleaved S32_LE in two channels: 24 bits of voice in the left slot, exact zeros in the right one."""
        frames = np.zeros((len(self.samples), 2), "<i4")
        frames[:, 0] = np.clip(np.rint(self.samples * 2**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
        return frames.tobytes()

    def as_agent_should_hear(self) -> Sound:
        """The same at 16 kHz, by another converter than the daemon's."""
        return resample(self.samples, CARD_RATE_HZ, WIRE_RATE_HZ)


def make_sentence(conversation_s: float, recording: Path = SPEECH) -> Sentence:
    """A pause, the recording once or as often as it fits whole into `conversation_s`, and a pause that outlasts all."""
    speech = load_speech(recording)
    total = np.zeros(_frames(LEAD_S + conversation_s + MARGIN_S))
    at_s, pause_s = LEAD_S, PAUSE_S
    while True:
        start = _frames(at_s)
        total[start : start + len(speech)] += speech
        at_s += len(speech) / CARD_RATE_HZ + pause_s
        pause_s += PAUSE_GROWTH_S
        if at_s + len(speech) / CARD_RATE_HZ > conversation_s:
            break
    noise = np.random.default_rng(_NOISE_SEED).standard_normal(len(total))
    return Sentence(total + noise * 10 ** (NOISE_DBFS / 20))


def load_speech(recording: Path) -> Sound:
    """The recording at the card's rate, its peak at `PEAK_DBFS`. Raises `ValueError` for other than mono of 16 bit."""
    with wave.open(str(recording), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{recording}: must be mono, 16 bit")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15
        speech = resample(samples, file.getframerate(), CARD_RATE_HZ)
    peak = float(np.abs(speech).max())
    return speech * (10 ** (PEAK_DBFS / 20) / peak)


def resample(samples: Sound, rate_in_hz: int, rate_out_hz: int) -> Sound:
    """One channel at another rate, without delay."""
    converted: Sound = soxr.resample(samples, rate_in_hz, rate_out_hz, quality="VHQ")
    return converted


def _frames(seconds: float) -> int:
    return round(seconds * CARD_RATE_HZ)
