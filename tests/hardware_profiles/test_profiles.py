from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.audio.formats import SampleFormat
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profile import (
    CaptureProfile,
    Confidence,
    Duplex,
    Fact,
    Match,
    PlaybackProfile,
    Profile,
    Recovery,
)
from gatewayd.hardware.profiles import USER_PROFILES, load_profiles, profile_directories
from gatewayd.hardware.settings import MixerSetting, RecoveryStep, Side
from gatewayd.resources import resource_dir
from tests.hardware_profiles.texts import BOARD, SMALL, WHOLE, read


def test_a_name_and_a_description_are_enough_for_a_profile_used_by_its_name() -> None:
    assert read(SMALL) == Profile("board", "A board")
    assert read(SMALL).recovery.steps == (RecoveryStep.REOPEN, RecoveryStep.ALARM)


def test_a_small_profile_takes_the_usual_for_the_rest() -> None:
    board = read(BOARD)
    assert board.capture == CaptureProfile(48000, SampleFormat.S32_LE, 2, pick=(0,), why_pick="The left one.")
    assert board.playback == PlaybackProfile()
    assert (board.capture.period_ms, board.capture.buffer_ms, board.playback.buffer_ms) == (20, 500, 120)


def test_every_key_arrives_where_it_belongs() -> None:
    assert read(WHOLE, "/somewhere/board.toml") == Profile(
        "board",
        "A board",
        quirks="It is a board.",
        match=Match(
            usb_ids=("2886:001a",),
            products=("Board",),
            drivers=("snd-board",),
            device_tree=("board,board",),
            controls=("PGA",),
            without_controls=("PCM",),
            ports=("1-1.2",),
            card_ids=("Array", "Board"),
            generic=True,
        ),
        capture=CaptureProfile(
            44100,
            SampleFormat.S24_LE,
            4,
            device="hw:CARD=Array,DEV=1",
            pick=(1, 2),
            why_pick="The others are broken.",
            gain_db=3.0,
            highpass_hz=80.5,
            period_ms=10,
            buffer_ms=200,
            warm_up_ms=1000,
            echo_cancelled=True,
            mute_gives_zeros=True,
        ),
        playback=PlaybackProfile(
            enabled=True,
            device="hw:CARD=Device,DEV=0",
            rate_hz=8000,
            format=SampleFormat.FLOAT_LE,
            channels=1,
            volume=0.25,
            period_ms=40,
            buffer_ms=80,
            keep_alive=True,
        ),
        duplex=Duplex(same_parameters=False, capture_needs_playback=True),
        mixer=(
            MixerSetting("PGA", 1, Side.CAPTURE, optional=True, raw=-3),
            MixerSetting("PCM", percent=80),
            MixerSetting("Line", side=Side.PLAYBACK, db=-6.0),
            MixerSetting("Mic", switch=True),
            MixerSetting("ALC Function", choice="Off"),
        ),
        recovery=Recovery(
            (RecoveryStep.REOPEN, RecoveryStep.REOPEN_DUPLEX, RecoveryStep.USB_RESET, RecoveryStep.ALARM)
        ),
        provenance=(
            Fact(Confidence.UNVERIFIED, "a hunch", "quirks"),
            Fact(Confidence.ONE_RIG, "a drawer", "match"),
            Fact(Confidence.DRIVER_SOURCE, "board.c", "capture"),
            Fact(Confidence.ONE_RIG, "ears", "capture.gain_db"),
            Fact(Confidence.VENDOR_FILE, "board.state", "playback"),
            Fact(Confidence.UNVERIFIED, "a hunch", "duplex"),
            Fact(Confidence.VENDOR_FILE, "board.state", "mixer"),
            Fact(Confidence.MEASURED, "a meter", "mixer.ALC Function"),
            Fact(Confidence.UNVERIFIED, "a hunch", "recovery"),
        ),
    )
    assert read(WHOLE, "/somewhere/board.toml").source == "/somewhere/board.toml"


@pytest.mark.parametrize(
    "provenance",
    [
        """
        [provenance]
        "capture.rate_hz" = { confidence = "one-rig", source = "a drawer" }
        "capture.gain_db" = { confidence = "unverified", source = "a hunch" }
        """,
        """
        [provenance]
        capture.rate_hz = { confidence = "one-rig", source = "a drawer" }
        capture.gain_db = { confidence = "unverified", source = "a hunch" }
        """,
        """
        [provenance.capture.rate_hz]
        confidence = "one-rig"
        source = "a drawer"
        [provenance.capture.gain_db]
        confidence = "unverified"
        source = "a hunch"
        """,
    ],
    ids=["quoted", "dotted", "tables"],
)
def test_places_of_provenance_may_be_written_in_three_ways(provenance: str) -> None:
    text = f'name = "board"\ndescription = "A board"\n[capture]\nrate_hz = 48000\ngain_db = 3\n{provenance}'
    assert read(text).provenance == (
        Fact(Confidence.ONE_RIG, "a drawer", "capture.rate_hz"),
        Fact(Confidence.UNVERIFIED, "a hunch", "capture.gain_db"),
    )


def test_a_table_and_a_key_of_it_may_both_be_told_in_tables() -> None:
    text = """
    name = "board"
    description = "A board"
    [capture]
    rate_hz = 48000
    gain_db = 3
    [provenance.capture]
    confidence = "one-rig"
    source = "a drawer"
    gain_db = { confidence = "unverified", source = "a hunch" }
    """
    assert read(text).provenance == (
        Fact(Confidence.ONE_RIG, "a drawer", "capture"),
        Fact(Confidence.UNVERIFIED, "a hunch", "capture.gain_db"),
    )


def test_why_channels_are_picked_is_covered_with_the_picking() -> None:
    text = """
    name = "board"
    description = "A board"
    [capture]
    pick = [0]
    why_pick = "The left one."
    [provenance]
    "capture.pick" = { confidence = "one-rig", source = "a drawer" }
    """
    assert read(text).capture.why_pick == "The left one."


def test_profiles_of_the_user_take_the_place_of_those_shipped(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    (shipped / "board.toml").write_text("broken, and not even read")
    (shipped / "alpha.toml").write_text(BOARD.replace('"board"', '"alpha"'))
    (own / "board.toml").write_text(BOARD.replace("48000", "16000"))
    (own / "notes.txt").write_text("no profile")
    profiles = load_profiles([shipped, own, tmp_path / "not-there"])
    assert list(profiles) == ["alpha", "board"]
    assert profiles["board"].capture.rate_hz == 16000
    assert profiles["board"].source == str(own / "board.toml")


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(ConfigurationInvalid) as caught:
        load_profiles([tmp_path, tmp_path / "a.toml" / "b"])
    assert str(caught.value) == f"{tmp_path}/a.toml: cannot be read: it is a directory; name the file in it"


def test_the_user_s_own_lie_in_etc_also_under_another_root() -> None:
    assert profile_directories() == (resource_dir("hw-profiles"), USER_PROFILES)
    assert profile_directories(Path("/tmp/dump"))[1] == Path("/tmp/dump/etc/gatewayd/hw-profiles")
