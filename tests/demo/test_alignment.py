from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.formats import SampleFormat, StreamParameters
from tests.demo.alignment import find_lag, local_lags, similarity, stretch
from tests.demo.plan import I2S_MICROPHONE
from tests.demo.sentence import Sentence, resample
from tests.demo.sounds import from_wire
from tests.demo.verdict import SIMILARITY_HEARD_MIN, SIMILARITY_PLAYED_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]

CLEARLY_WRONG = SIMILARITY_PLAYED_MIN - 0.03
"""What is broken must not come near even the lower of the two limits."""


def noise(samples: int, seed: int = 1) -> Sound:
    return np.random.default_rng(seed).standard_normal(samples)


# where a recording lies


@settings(deadline=None, max_examples=25)
@given(place=st.integers(-500, 3500), seed=st.integers(0, 5))
def test_a_piece_is_found_where_it_was_cut(place: int, seed: int) -> None:
    reference = noise(4000, seed)
    piece = np.concatenate((np.zeros(500), reference, np.zeros(500)))[place + 500 : place + 1500]
    assert find_lag(reference, piece) == pytest.approx(place, abs=0.02)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1 / 3, 0.5, 0.9])
def test_a_place_between_two_samples_is_found(known: Sound, fraction: float) -> None:
    piece = stretch(known, 20_000 + fraction, 40_000)
    assert find_lag(known, piece) == pytest.approx(20_000 + fraction, abs=0.02)


def test_outside_of_a_sound_there_is_silence() -> None:
    assert not stretch(noise(1000), 2000.5, 300).any()
    assert not stretch(noise(1000), -1000.0, 300).any()


def test_each_window_is_found_on_its_own(known: Sound) -> None:
    recording = np.concatenate((known[30_000:46_000], np.zeros(480), known[46_000:62_000]))
    lags = local_lags(known, recording, 30_000.0, window=8000, reach=800)
    assert lags == [pytest.approx(lag, abs=0.02) for lag in (30_000, 30_000, 29_520, 29_520)]


def test_a_window_of_another_sound_is_found_nowhere(known: Sound) -> None:
    recording = np.concatenate((known[30_000:38_000], noise(8000), np.zeros(8000)))
    assert local_lags(known, recording, 30_000.0, window=8000, reach=800) == [
        pytest.approx(30_000, abs=0.02),
        None,
        None,
    ]


def test_a_window_is_not_mistaken_for_its_louder_next_period() -> None:
    times_s = np.arange(16_000) / 16_000
    turns = 120 * times_s + 2 * times_s**2
    vowel = (0.1 + times_s) ** 2 * sum(np.sin(2 * np.pi * number * turns) for number in (1, 2, 5))
    [lag] = local_lags(vowel, vowel[4000:8000], 4000.0, window=4000, reach=800)
    assert lag == pytest.approx(4000, abs=0.02)


# how alike they are: what the gateway does


def test_what_the_gateway_sends_is_the_sentence(known: Sound, heard: Sound) -> None:
    result = similarity(known, heard)
    assert result.value > 0.9999
    assert result.damaged_frames == 0
    assert result.spoken_frames > 400
    assert result.lag == pytest.approx(
        23 * 320 - 1000 * CaptureConverter(I2S_MICROPHONE, pick=[0]).delay_s * 16, abs=0.1
    )


def test_what_comes_back_is_the_sentence(known: Sound, played: Sound) -> None:
    assert similarity(known, played).value > 0.9999


@pytest.mark.parametrize("gain", [0.01, 0.5, 3.0])
def test_loudness_does_not_matter(known: Sound, heard: Sound, gain: float) -> None:
    assert similarity(known, gain * heard).value == pytest.approx(similarity(known, heard).value, abs=1e-6)


# how alike they are: what must not pass


def test_a_rate_wrong_by_one_percent(known: Sound, heard: Sound) -> None:
    assert similarity(known, resample(heard, 16_160, 16_000)).value < 0.2


def test_a_rate_wrong_by_one_permille(known: Sound, heard: Sound) -> None:
    assert similarity(known, resample(heard, 16_016, 16_000)).value < 0.3


def test_a_card_that_runs_at_44100_hz_and_says_48000(sentence: Sentence, known: Sound) -> None:
    wrong = StreamParameters(44_100, SampleFormat.S32_LE, 2)
    frames = CaptureConverter(wrong, pick=[0]).feed(sentence.as_microphone())
    assert similarity(known, from_wire(frames[23:773])).value < 0.2


def test_swapped_halves(known: Sound, heard: Sound) -> None:
    swapped = np.concatenate((heard[len(heard) // 2 :], heard[: len(heard) // 2]))
    assert similarity(known, swapped).value < 0.7


def test_20_ms_of_silence_every_200_ms(known: Sound, heard: Sound) -> None:
    gaps = heard.reshape(-1, 320).copy()
    gaps[::10] = 0.0
    result = similarity(known, gaps.reshape(-1))
    assert result.value < CLEARLY_WRONG
    assert result.damaged_frames > 0.08 * result.spoken_frames


def test_a_single_lost_frame_in_the_middle(known: Sound, heard: Sound) -> None:
    lost = np.concatenate((heard[: 375 * 320], heard[376 * 320 :]))
    assert similarity(known, lost).value < 0.7


def test_a_click_every_100_ms(known: Sound, heard: Sound) -> None:
    clicks = heard.copy()
    clicks[::1600] = 0.9
    assert similarity(known, clicks).value < CLEARLY_WRONG


def test_a_click_every_second_is_too_much_for_what_the_agent_hears(known: Sound, heard: Sound) -> None:
    clicks = heard.copy()
    clicks[::16_000] = 0.9
    assert similarity(known, clicks).value < SIMILARITY_HEARD_MIN


def test_the_silent_slot(sentence: Sentence, known: Sound) -> None:
    frames = CaptureConverter(I2S_MICROPHONE, pick=[1]).feed(sentence.as_microphone())
    result = similarity(known, from_wire(frames[23:773]))
    assert result.value == 0.0
    assert result.damaged_frames == result.spoken_frames > 0


def test_noise_alone(known: Sound) -> None:
    assert similarity(known, 0.1 * noise(240_000)).value < 0.1


def test_the_sentence_upside_down(known: Sound, heard: Sound) -> None:
    assert similarity(known, -heard).value < 0.3


def test_a_pause_alone_is_no_sentence(known: Sound) -> None:
    assert similarity(known, known[:1600]).spoken_frames < 10


# with pauses put in, as playback does when it runs dry


def with_gaps(played: Sound, *at_s: float, ms: int = 40) -> Sound:
    parts = np.split(played, [round(16_000 * seconds) for seconds in at_s])
    pause = np.zeros(16 * ms)
    return np.concatenate([part for piece in parts for part in (piece, pause)][:-1])


def test_a_gap_counts_as_damage_only_where_it_is(known: Sound, played: Sound) -> None:
    whole = similarity(known, played, gaps_allowed=True)
    gaps = similarity(known, with_gaps(played, 3.0, 7.03, 10.5), gaps_allowed=True)
    assert whole.value > 0.9999
    assert 0.97 < gaps.value < 0.9999
    assert 3 <= gaps.damaged_frames <= 12


def test_many_gaps_do_not_pass(known: Sound, played: Sound) -> None:
    result = similarity(known, with_gaps(played, *np.arange(1.0, 14.0, 0.3)), gaps_allowed=True)
    assert result.value < CLEARLY_WRONG


def test_frames_left_out_count_as_damage(known: Sound, played: Sound) -> None:
    once = np.concatenate((played[: 300 * 320], played[310 * 320 :]))
    result = similarity(known, once, gaps_allowed=True)
    assert 10 <= result.damaged_frames <= 15
    assert result.value < 0.985


def test_one_frame_in_25_left_out_does_not_pass(known: Sound, played: Sound) -> None:
    kept = played[: len(played) // 320 * 320].reshape(-1, 320)[np.arange(len(played) // 320) % 25 > 0]
    assert similarity(known, kept.ravel(), gaps_allowed=True).value < CLEARLY_WRONG


def test_a_card_whose_clock_is_off_by_100_ppm_passes(known: Sound, played: Sound) -> None:
    assert similarity(known, resample(played, 1_000_100, 1_000_000), gaps_allowed=True).value > SIMILARITY_PLAYED_MIN


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        (lambda sound: resample(sound, 16_160, 16_000), 0.6),
        (lambda sound: np.concatenate((sound[len(sound) // 2 :], sound[: len(sound) // 2])), 0.7),
        (lambda sound: (sound.reshape(-1, 320) * (np.arange(len(sound) // 320) % 10 > 0)[:, np.newaxis]).ravel(), 0.92),
        (np.zeros_like, 0.0),
        (np.negative, 0.3),
    ],
    ids=["one percent fast", "swapped halves", "20 ms of silence every 200 ms", "silence", "upside down"],
)
def test_what_is_wrong_does_not_pass_for_gaps(
    known: Sound, played: Sound, fault: Callable[[Sound], Sound], most: float
) -> None:
    assert similarity(known, fault(played), gaps_allowed=True).value <= most
