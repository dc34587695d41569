from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.cli.tone import Tone, native_sound
from gatewayd.hardware.settings import PlaybackSettings
from tests.cli.sound_commands import ARRAY, command, meanwhile, started
from tests.softcard.card import StreamDefinition
from tests.softcard.samples import decode
from tests.softcard.timeline import Direction, EventKind

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

I2S = StreamParameters(48_000, SampleFormat.S32_LE, 2)
ARRAY_PLAYBACK = PlaybackSettings("hw:CARD=Array,DEV=0", I2S)


def playing(card: SoftCard, frames: int) -> AbstractContextManager[None]:
    """While the block runs, wait until so many frames are in a card with a stepped clock, and let them be played.

    The card's buffer holds 120 ms, so that nothing depends on how fast they come.
    """
    return meanwhile(lambda: len(card.played()) >= frames * 8, lambda: card.advance(frames, Direction.PLAYBACK))


def test_it_is_a_tone_of_that_frequency_and_level(stepped_card: SoftCard, capsys: pytest.CaptureFixture[str]) -> None:
    with playing(stepped_card, 4800):
        assert command("tone", "--hz", "440", "--dbfs", "-6", "--seconds", "0.1", *ARRAY) == 0
    told = "440 Hz at -6 dBFS for 0.1 s on hw:CARD=Array,DEV=0, S32_LE 48000 Hz 2 ch\n"
    assert capsys.readouterr() == (told, "")
    played = decode(stepped_card.played(), SampleFormat.S32_LE, 2)
    assert (played[:, 0] == played[:, 1]).all()
    steady = played[1200:3600, 0]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady)), 48_000))
    assert spectrum.argmax() == pytest.approx(440, abs=2)
    assert 10 * np.log10(2 * np.mean(steady**2)) == pytest.approx(-6, abs=0.1)


def test_it_takes_the_way_of_the_agents_words(stepped_card: SoftCard) -> None:
    with playing(stepped_card, 4800):
        assert command("tone", "--seconds", "0.1", *ARRAY) == 0
    tone = Tone(hz=1000.0, dbfs=-20.0, seconds=0.1)
    assert stepped_card.played() == b"".join(native_sound(tone, ARRAY_PLAYBACK, None))


def test_each_channel_alone(stepped_card: SoftCard, capsys: pytest.CaptureFixture[str]) -> None:
    with playing(stepped_card, 3840):
        assert command("tone", "--each-channel", "--seconds", "0.04", *ARRAY) == 0
    left, right = np.split(decode(stepped_card.played(), SampleFormat.S32_LE, 2), 2)
    for sounding, silent in ((left[:, 0], left[:, 1]), (right[:, 1], right[:, 0])):
        assert sounding.any()
        assert not silent.any()
    out = capsys.readouterr().out
    assert [line.split(" on ")[1].split(" of ")[0] for line in out.splitlines()] == ["channel 0", "channel 1"]


def test_it_neither_begins_nor_ends_with_a_click() -> None:
    sound = np.frombuffer(b"".join(Tone(hz=1000.0, dbfs=0.0, seconds=0.5).frames()), "<i2")
    assert len(sound) == 8000
    assert np.abs(sound[[0, -1]]).max() == 0
    assert np.abs(sound[:16]).max() < np.abs(sound[80:96]).max() < 32_767
    assert np.abs(sound).max() == 32_767


def test_as_json_with_the_stations_volume(
    stepped_card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(tmp_path, "volume = 0.5")
    with playing(stepped_card, 4800):
        assert command("tone", "lobby", "--seconds", "0.1", "--json", "--config", config) == 0
    assert json.loads(capsys.readouterr().out) == {
        "device": "hw:CARD=Array,DEV=0",
        "rate_hz": 48_000,
        "format": "S32_LE",
        "channels": 2,
        "played_on": [0, 1],
        "hz": 1000.0,
        "dbfs": -20.0,
        "seconds": 0.1,
        "volume": 0.5,
        "underruns": 0,
    }
    settings = replace(ARRAY_PLAYBACK, volume=0.5)
    sound = native_sound(Tone(hz=1000.0, dbfs=-20.0, seconds=0.1), settings, None)
    assert stepped_card.played() == b"".join(sound)


def test_a_station_without_a_speaker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("tone", "--config", configuration(tmp_path, "enabled = false")) == 69
    assert capsys.readouterr().err == (
        "gatewayd: this station has no speaker; `--device hw:…` plays on another device\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--hz", "7500"], "argument --hz: must be a number from 20 to 7000, not '7500'"),
        (["--hz", "nan"], "argument --hz: must be a number from 20 to 7000, not 'nan'"),
        (["--dbfs", "3"], "argument --dbfs: must be a number from -90 to 0, not '3'"),
        (["--dbfs", "loud"], "argument --dbfs: must be a number from -90 to 0, not 'loud'"),
        (["--seconds", "0"], "argument --seconds: must be a number of seconds above 0, not '0'"),
    ],
)
def test_what_cannot_be_played_is_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("tone", *words, *ARRAY) == 64
    assert told in capsys.readouterr().err


def test_unplugged_it_says_so(stepped_card: SoftCard, capsys: pytest.CaptureFixture[str]) -> None:
    with meanwhile(lambda: len(stepped_card.played()) > 0, stepped_card.unplug):
        assert command("tone", *ARRAY) == 69
    assert capsys.readouterr().err.startswith("gatewayd: hw:CARD=Array,DEV=0: it was unplugged")


def test_asked_to_stop_it_ends_well(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",)))
    with (
        started("tone", "--seconds", "3600", *ARRAY) as child,
        meanwhile(lambda: len(card.played()) > 0, lambda: child.signal(signal.SIGINT)),
    ):
        exit_code, out, err = child.ended()
    assert (exit_code, err) == (0, "")
    assert out.startswith("1000 Hz at -20 dBFS for 3600 s on ")
    assert card.timeline(Direction.PLAYBACK).kinds[-1] is EventKind.CLOSE


def configuration(folder: Path, playback: str) -> Path:
    path = folder / "gatewayd.toml"
    path.write_text(
        f"""
        [agent]
        url = "wss://voice.example.com/ws"
        [agent.token]
        url = "https://api.example.com/v1/session"
        [stations.lobby.capture]
        device = "hw:CARD=Array,DEV=0"
        rate_hz = 48000
        format = "S32_LE"
        channels = 2
        [stations.lobby.playback]
        {playback}
        """
    )
    return path
