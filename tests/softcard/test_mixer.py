"""The mixer of a software sound card, opened by pyalsaaudio as that of a real card is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import alsaaudio
import pytest

from tests.softcard.mixer import SoftChoice, SoftMixer, SoftSwitch, SoftVolume

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard, SoundRack

ARRAY = "hw:CARD=Array"
GAIN = "PGA Capture Volume"


@pytest.fixture
def mixer(sound_card: SoftCard) -> SoftMixer:
    mixer = sound_card.mixer
    mixer.define(
        SoftVolume(GAIN, 2, 40, high=127, low_db=-12.0),
        SoftSwitch("Mic Capture Switch", 2, 1),
        SoftSwitch("Mic Playback Switch"),
        SoftVolume("Mic Boost Volume", high=3),
        SoftChoice("ADC Input", value=1, items=("Mic", "Line In")),
        SoftVolume("Line Capture Volume"),
        SoftVolume("Line Capture Volume", index=1),
    )
    return mixer


def element(name: str, index: int = 0) -> Any:
    return closing(alsaaudio.Mixer(control=name, id=index, device=ARRAY))


def volume(name: str = "PGA", units: int = alsaaudio.VOLUME_UNITS_RAW) -> list[int]:
    with element(name) as opened:
        read: list[int] = opened.getvolume(pcmtype=alsaaudio.PCM_CAPTURE, units=units)
    return read


def test_controls_become_the_simple_elements_that_libasound_makes_of_their_names(mixer: SoftMixer) -> None:
    assert sorted(alsaaudio.mixers(device=ARRAY)) == ["ADC Input", "Line", "Line", "Mic", "Mic Boost", "PGA"]
    with element("PGA") as gain, element("Mic") as microphone, element("Mic Boost") as boost:
        assert (gain.volumecap(), gain.switchcap()) == (["Capture Volume"], [])
        assert microphone.volumecap() == []
        assert microphone.switchcap() == ["Playback Mute", "Joined Playback Mute", "Capture Mute"]
        assert boost.volumecap() == ["Volume", "Joined Volume"]
        assert gain.getrange(pcmtype=alsaaudio.PCM_CAPTURE) == [0, 127]


@pytest.mark.parametrize("name", ["hw:Array", "hw:CARD=Array"])
def test_it_has_the_names_that_a_card_has(mixer: SoftMixer, name: str) -> None:
    assert "PGA" in alsaaudio.mixers(device=name)


def test_a_card_without_a_mixer_file_has_no_controls(sound_card: SoftCard) -> None:
    assert alsaaudio.mixers(device=ARRAY) == []


def test_what_is_set_is_seen_from_outside_and_survives_closing(mixer: SoftMixer) -> None:
    with element("PGA") as gain:
        gain.setvolume(52, pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_RAW)
        assert mixer.values(GAIN) == [52, 52]
    with element("Mic") as microphone:
        microphone.setrec(0)
    with element("ADC Input") as source:
        source.setenum(0)
    assert volume() == [52, 52]
    assert mixer.values("Mic Capture Switch") == [0, 0]
    assert mixer.values("ADC Input") == [0]
    # libasound writes the whole control for each channel that changes.
    assert mixer.writes()[:2] == [(GAIN, [52, 40]), (GAIN, [52, 52])]


def test_what_is_set_from_outside_is_read(mixer: SoftMixer) -> None:
    assert volume() == [40, 40]
    mixer.set(GAIN, 3, 100)
    assert volume() == [3, 100]


def test_another_process_finds_it_too(mixer: SoftMixer, sound_rack: SoundRack) -> None:
    program = (
        f"import alsaaudio; m = alsaaudio.Mixer(control='PGA', device={ARRAY!r}); "
        "m.setvolume(7, pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_RAW)"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, **sound_rack.environment}, check=True)
    assert mixer.values(GAIN) == [7, 7]


def test_decibels_are_those_of_its_scale(mixer: SoftMixer) -> None:
    assert volume(units=alsaaudio.VOLUME_UNITS_DB) == [800, 800]  # -12 dB and 40 steps of 0.5
    with element("PGA") as gain:
        assert gain.getrange(pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_DB) == [-1200, 5150]
        gain.setvolume(1530, pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_DB)
    assert mixer.values(GAIN) == [55, 55]


def test_controls_of_one_name_are_told_apart_by_index(mixer: SoftMixer) -> None:
    with element("Line", 1) as second:
        second.setvolume(9, pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_RAW)
    assert (mixer.values("Line Capture Volume"), mixer.values("Line Capture Volume,1")) == ([0], [9])


def test_a_control_may_take_less_without_a_word(mixer: SoftMixer) -> None:
    mixer.define(SoftVolume(GAIN, high=127, at_most=60))
    with element("PGA") as gain:
        gain.setvolume(100, pcmtype=alsaaudio.PCM_CAPTURE, units=alsaaudio.VOLUME_UNITS_RAW)
    assert mixer.values(GAIN) == [60]
    assert mixer.writes() == [(GAIN, [100])]


def test_a_control_may_refuse_to_be_written(mixer: SoftMixer) -> None:
    mixer.define(SoftChoice("ADC Input", items=("Mic", "Line In"), write_error=errno.EIO))
    with element("ADC Input") as source, pytest.raises(alsaaudio.ALSAAudioError, match="Input/output error"):
        source.setenum(1)
    assert mixer.values("ADC Input") == [0]


def test_one_control_that_cannot_be_read_makes_the_whole_mixer_fail(mixer: SoftMixer) -> None:
    mixer.define(SoftVolume(GAIN), SoftVolume("Mic Capture Volume", read_error=errno.EINVAL))
    with pytest.raises(alsaaudio.ALSAAudioError, match="Invalid argument"):
        alsaaudio.mixers(device=ARRAY)


def test_a_card_that_is_unplugged_is_gone_for_those_who_have_it_open_too(
    mixer: SoftMixer, sound_card: SoftCard
) -> None:
    with element("ADC Input") as source:
        sound_card.unplug()
        with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
            source.setenum(0)
    with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
        element("PGA")
    sound_card.replug()
    assert volume() == [40, 40]


def test_a_control_may_take_the_card_with_it(mixer: SoftMixer) -> None:
    mixer.define(SoftVolume(GAIN), SoftChoice("ADC Input", items=("Mic", "Line In"), unplugs=True))
    with element("ADC Input") as source:
        for _ in range(2):
            with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
                source.setenum(1)
    with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
        element("PGA")
    mixer.come_back()
    assert volume() == [0]


def test_it_may_be_denied(mixer: SoftMixer) -> None:
    with mixer.denied(), pytest.raises(alsaaudio.ALSAAudioError, match="Permission denied"):
        element("PGA")
    assert volume() == [40, 40]


NOT_UNDERSTOOD = (
    *("control", "loudness 3", "range 0 1"),
    *(
        f"control A\n{line}"
        for line in ("range 5 4", "range 1", "value x", "value 1 2", "channels 9", "type knob", "db 0 0")
    ),
)


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_a_mixer_file_that_is_not_understood_is_refused(sound_card: SoftCard, text: str) -> None:
    (sound_card.folder / "mixer").write_text(f"{text}\n")
    with pytest.raises(alsaaudio.ALSAAudioError, match="Invalid argument"):
        alsaaudio.mixers(device=ARRAY)
