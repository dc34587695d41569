from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat
from gatewayd.configuration.entries import Source
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profiles import (
    USER_PROFILES,
    CaptureProfile,
    Match,
    PlaybackProfile,
    Profile,
    load_profiles,
    parse_profiles,
    profile_directories,
)
from gatewayd.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

BOARD = """
name = "board"
description = "A board"
provenance = "A drawer"
[capture]
rate_hz = 48000
format = "S32_LE"
channels = 2
"""

WHOLE = """
name = "board"
description = "A board"
provenance = "A drawer"

[match]
usb_ids = ["2886:001a"]
card_ids = ["Array", "Array_1"]

[capture]
device = "hw:CARD=Array,DEV=1"
rate_hz = 44100
format = "S24_LE"
channels = 4
pick = [1, 2]
gain_db = 3
highpass_hz = 80.5
period_ms = 10
buffer_ms = 200

[playback]
enabled = true
device = "hw:CARD=Device,DEV=0"
rate_hz = 8000
format = "FLOAT_LE"
channels = 1
volume = 0.25
period_ms = 40
buffer_ms = 80
"""


DOTTED = (
    'name = "board"',
    'description = "A board"',
    'provenance = "A drawer"',
    "capture.rate_hz = 48000",
    'capture.format = "S32_LE"',
    "capture.channels = 2",
)


def problems_of(*texts: str, name: str = "board.toml") -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_profiles([Source(name, text.encode()) for text in texts])
    assert caught.value.exit_code == 78
    return str(caught.value).splitlines()


def test_a_small_profile_takes_the_usual_for_the_rest() -> None:
    assert parse_profiles([Source("board.toml", BOARD.encode())]) == {
        "board": Profile("board", "A board", "A drawer", CaptureProfile(48000, SampleFormat.S32_LE, 2))
    }
    capture = CaptureProfile(48000, SampleFormat.S32_LE, 2)
    assert (capture.pick, capture.period_ms, capture.buffer_ms) == ((0,), 20, 500)


def test_every_key_arrives_where_it_belongs() -> None:
    assert parse_profiles([Source("/somewhere/board.toml", WHOLE.encode())])["board"] == Profile(
        "board",
        "A board",
        "A drawer",
        CaptureProfile(
            44100,
            SampleFormat.S24_LE,
            4,
            device="hw:CARD=Array,DEV=1",
            pick=(1, 2),
            gain_db=3.0,
            highpass_hz=80.5,
            period_ms=10,
            buffer_ms=200,
        ),
        PlaybackProfile(
            enabled=True,
            device="hw:CARD=Device,DEV=0",
            rate_hz=8000,
            format=SampleFormat.FLOAT_LE,
            channels=1,
            volume=0.25,
            period_ms=40,
            buffer_ms=80,
        ),
        Match(usb_ids=("2886:001a",), card_ids=("Array", "Array_1")),
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('name = "other"', "name: differs from the name of the file; they must be the same"),
        ('name = "a b"', "name: must be letters, digits, dashes and underscores"),
        ('description = ""', "description: must be text; it is empty"),
        ("capture.pick = [2]", "capture.pick: picks channel 2; of 2 there are channels 0 to 1"),
        ("capture.buffer_ms = 39", "capture.buffer_ms: is 39, less than two periods of 20 ms"),
        ("playback.period_ms = 61", "playback.buffer_ms: is 120, less than two periods of 61 ms"),
        (
            "capture.period_ms = 20.5",
            "capture.period_ms: must be a whole number from 5 to 100 ms, not a number with a fraction",
        ),
        ("capture.rate = 1", "capture.rate: is not a known key; did you mean capture.rate_hz?"),
        ("playback.volume = 2", "playback.volume: must be a number from 0 to 1, not 2"),
        ("rate_hz = 1", "rate_hz: is not a known key here; did you mean capture.rate_hz or playback.rate_hz?"),
        (
            'match.usb_ids = ["2886:001A"]',
            "match.usb_ids: item 1 must be vendor:product in lower-case hexadecimal, such as 2886:001a",
        ),
        ('match.card_ids = ["A", "A"]', "match.card_ids: names something twice; each may stand there once"),
        ("match = 3", "match: must be a table, [match], not a whole number"),
    ],
)
def test_what_is_wrong_with_a_profile(line: str, problem: str) -> None:
    key = line.partition(" =")[0]
    others = [each for each in DOTTED if not each.startswith(f"{key} =")]
    assert problems_of("\n".join([line, *others])) == [f"board.toml: {problem}"]


def test_all_that_is_missing_is_told_at_once() -> None:
    assert problems_of("[capture]\nrate_hz = 1") == [
        "board.toml: capture.rate_hz: must be 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000 or 96000 Hz, not 1",
        'board.toml: capture.format: is missing; it must be "S16_LE", "S24_LE", "S24_3LE", "S32_LE" or "FLOAT_LE"',
        "board.toml: capture.channels: is missing; it must be a whole number from 1 to 16",
        "board.toml: name: is missing; it must be letters, digits, dashes and underscores",
        "board.toml: description: is missing; it must be text",
        "board.toml: provenance: is missing; it must be text",
    ]


def test_problems_of_all_profiles_come_at_once() -> None:
    bad = BOARD.replace("channels = 2", "channels = 0")
    assert problems_of(bad, "x = [", bad) == [
        "board.toml: capture.channels: must be a whole number from 1 to 16, not 0",
        "board.toml: line 1, column 6: is not TOML: Invalid value",
        "board.toml: capture.channels: must be a whole number from 1 to 16, not 0",
    ]


def test_no_profile_is_called_auto() -> None:
    assert problems_of(BOARD.replace('"board"', '"auto"'), name="auto.toml") == [
        "auto.toml: name: cannot be auto, which stands for finding a profile"
    ]


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


def test_what_is_shipped_is_sound() -> None:
    profiles = load_profiles([resource_dir("hw-profiles")])
    assert set(profiles) >= {"i2s-mems", "respeaker-xvf3800", "respeaker-usb-mic-array", "ps3-eye", "software-card"}
    assert profile_directories() == (resource_dir("hw-profiles"), USER_PROFILES)


def test_an_i2s_microphone_is_opened_the_only_way_it_works() -> None:
    capture = load_profiles([resource_dir("hw-profiles")])["i2s-mems"].capture
    assert (capture.rate_hz, capture.format, capture.channels) == (48000, SampleFormat.S32_LE, 2)
    assert (capture.pick, capture.gain_db, capture.highpass_hz) == ((0,), 30.0, 80.0)


def outcome(data: bytes) -> dict[str, Profile] | ConfigurationInvalid:
    try:
        return parse_profiles([Source("board.toml", data)])
    except ConfigurationInvalid as error:
        return error


@settings(deadline=None)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.one_of(st.binary(max_size=6), st.sampled_from([b"nan", b"[", b"{}"])),
)
def test_a_damaged_profile_gives_a_profile_or_a_clean_error(start: int, length: int, instead: bytes) -> None:
    data = WHOLE.encode()
    result = outcome(data[:start] + instead + data[start + length :])
    if isinstance(result, ConfigurationInvalid):
        assert result.problems
        assert all(line.isprintable() for line in str(result).split("\n"))
    else:
        assert set(result) == {"board"}
