from __future__ import annotations

import itertools
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.demo.sentence import CARD_RATE_HZ, LEAD_S, SPEECH, Sentence, load_speech, make_sentence, resample

if TYPE_CHECKING:
    from pathlib import Path


def spoken_parts(sentence: Sentence) -> list[tuple[float, float]]:
    """Begin and end, in seconds, of stretches that no half second of pause interrupts."""
    windows = sentence.samples[: len(sentence.samples) // 2400 * 2400].reshape(-1, 2400)
    loud = np.flatnonzero(np.sqrt((windows**2).mean(axis=1)) > 10 ** (-60 / 20))
    cuts = np.flatnonzero(np.diff(loud) > 20)
    starts = loud[np.concatenate(([0], cuts + 1))]
    ends = loud[np.concatenate((cuts, [len(loud) - 1]))] + 1
    return [(float(start) / 20, float(end) / 20) for start, end in zip(starts, ends, strict=True)]


def test_the_recording_is_what_its_readme_says() -> None:
    with wave.open(str(SPEECH), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert 8.0 < file.getnframes() / 22_050 < 13.0
    assert SPEECH.stat().st_size < 600_000
    assert (SPEECH.parent / "speech.txt").read_text().count(".") == 2


def test_speech_fills_the_conversation_once_and_then_only_noise_follows(sentence: Sentence) -> None:
    [(begin_s, end_s)] = spoken_parts(sentence)
    assert begin_s == pytest.approx(LEAD_S, abs=0.1)
    assert end_s < 15.0
    assert len(sentence.samples) / CARD_RATE_HZ == pytest.approx(LEAD_S + 15.0 + 40.0)


def test_a_longer_conversation_hears_it_again_after_pauses_that_differ() -> None:
    parts = spoken_parts(make_sentence(60.0))
    pauses_s = [begin_s - end_s for (_, end_s), (begin_s, _) in itertools.pairwise(parts)]
    assert len(parts) == 4
    assert len({round(pause_s, 1) for pause_s in pauses_s}) == 3


def test_a_short_conversation_hears_its_beginning() -> None:
    assert spoken_parts(make_sentence(5.0))[0][0] == pytest.approx(LEAD_S, abs=0.1)


def test_the_microphone_gives_voice_on_the_left_and_exact_zeros_on_the_right(sentence_bytes: bytes) -> None:
    slots = np.frombuffer(sentence_bytes, "<i4").reshape(-1, 2)
    assert not slots[:, 1].any()
    assert not (slots[:, 0] & 0xFF).any()
    assert np.abs(slots[:, 0]).max() / 2**31 == pytest.approx(0.5, abs=0.01)


def test_a_pause_holds_noise_and_never_digital_silence(sentence_bytes: bytes) -> None:
    pause = np.frombuffer(sentence_bytes, "<i4").reshape(-1, 2)[:CARD_RATE_HZ, 0] / 2**31
    assert 20 * np.log10(pause.std()) == pytest.approx(-75.0, abs=0.2)
    assert np.abs(pause).reshape(-1, 960).max(axis=1).min() > 0


def test_it_is_the_same_each_time(sentence_bytes: bytes) -> None:
    assert make_sentence(15.0).as_microphone() == sentence_bytes


def test_resampling_does_not_delay() -> None:
    times_s = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 500 * times_s)
    assert resample(tone, 48_000, 16_000)[1000:15_000] == pytest.approx(tone[::3][1000:15_000], abs=1e-4)


def test_another_kind_of_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 22_050, 0, "NONE", ""))
        file.writeframes(bytes(400))
    with pytest.raises(ValueError, match="must be mono, 16 bit"):
        load_speech(path)
