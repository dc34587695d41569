from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.main import Command, main
from gatewayd.cli.profile_table import one, table
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir
from tests.hardware_profiles.texts import BOARD, SMALL, WHOLE, read

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = Command("profiles", "gatewayd.cli.profiles", "list the boards that are known, or show what is known of one")


def profiles(*words: str) -> int:
    return main(["profiles", *words], commands=[PROFILES])


@pytest.fixture
def sysroot(tmp_path: Path) -> Path:
    """The root of a device with a profile of its own."""
    own = tmp_path / "etc" / "gatewayd" / "hw-profiles"
    own.mkdir(parents=True)
    (own / "board.toml").write_text(WHOLE)
    return tmp_path


def test_all_profiles_are_listed_with_the_user_s_own(sysroot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("--sysroot", str(sysroot)) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "CAPTURES", "ECHO", "RECOVERY", "RECOGNISED", "BY", "BOARD"]
    assert [row.split()[0] for row in rows] == sorted([*load_profiles([resource_dir("hw-profiles")]), "board"])
    eye = next(row for row in rows if row.startswith("ps3-eye "))
    assert " ".join(eye.split()) == (
        "ps3-eye S16_LE 16000 Hz 4 ch, channels 0, 1, 2, 3 - reopen, usb-reset, alarm "
        "USB 1415:2000; card id CameraB409241 Sony PlayStation 3 Eye camera: four microphones, no speaker"
    )


def test_the_list_for_a_script(sysroot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("--json", "--sysroot", str(sysroot)) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)["profiles"]}
    assert listed["ps3-eye"]["match"]["usb_ids"] == ["1415:2000"]
    assert listed["board"]["source"] == str(sysroot / "etc/gatewayd/hw-profiles/board.toml")


def test_one_whole(sysroot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("board", "--sysroot", str(sysroot)) == 0
    assert (
        capsys.readouterr().out
        == f"""\
board
  A board

  It is a board.

  recognised by  USB 2886:001a; product Board; driver snd-board; device tree board,board; with control PGA; without \
control PCM; port 1-1.2; card id Array, Board, where no other profile matches
  captures       S24_LE 44100 Hz 4 ch, channels 1, 2
  plays          FLOAT_LE 8000 Hz 1 ch
  echo           taken out by the board
  recovery       reopen, reopen-duplex, usb-reset, alarm
  file           {sysroot}/etc/gatewayd/hw-profiles/board.toml

  facts, how sure each is, and where it comes from:
  match.usb_ids                  ["2886:001a"]                                      one-rig: a drawer
  match.products                 ["Board"]                                          one-rig: a drawer
  match.drivers                  ["snd-board"]                                      one-rig: a drawer
  match.device_tree              ["board,board"]                                    one-rig: a drawer
  match.controls                 ["PGA"]                                            one-rig: a drawer
  match.without_controls         ["PCM"]                                            one-rig: a drawer
  match.ports                    ["1-1.2"]                                          one-rig: a drawer
  match.card_ids                 ["Array", "Board"]                                 one-rig: a drawer
  match.generic                  true                                               one-rig: a drawer
  capture.rate_hz                44100                                              driver-source: board.c
  capture.format                 "S24_LE"                                           driver-source: board.c
  capture.channels               4                                                  driver-source: board.c
  capture.device                 "hw:CARD=Array,DEV=1"                              driver-source: board.c
  capture.pick                   [1, 2]                                             driver-source: board.c
  capture.why_pick               "The others are broken."                           driver-source: board.c
  capture.gain_db                3                                                  one-rig: ears
  capture.highpass_hz            80.5                                               driver-source: board.c
  capture.period_ms              10                                                 driver-source: board.c
  capture.buffer_ms              200                                                driver-source: board.c
  capture.warm_up_ms             1000                                               driver-source: board.c
  capture.echo_cancelled         true                                               driver-source: board.c
  capture.mute_gives_zeros       true                                               driver-source: board.c
  playback.device                "hw:CARD=Device,DEV=0"                             vendor-file: board.state
  playback.rate_hz               8000                                               vendor-file: board.state
  playback.format                "FLOAT_LE"                                         vendor-file: board.state
  playback.channels              1                                                  vendor-file: board.state
  playback.volume                0.25                                               vendor-file: board.state
  playback.period_ms             40                                                 vendor-file: board.state
  playback.buffer_ms             80                                                 vendor-file: board.state
  playback.keep_alive            true                                               vendor-file: board.state
  duplex.capture_needs_playback  true                                               unverified: a hunch
  recovery.steps                 ["reopen", "reopen-duplex", "usb-reset", "alarm"]  unverified: a hunch
  mixer.PGA                      index 1, capture, raw -3, optional                 vendor-file: board.state
  mixer.PCM                      percent 80                                         vendor-file: board.state
  mixer.Line                     playback, db -6                                    vendor-file: board.state
  mixer.Mic                      switch true                                        vendor-file: board.state
  mixer.ALC Function             choice "Off"                                       measured: a meter
"""
    )


def test_one_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles("respeaker-xvf3800", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["capture"]["format"] == "S16_LE"
    assert shown["recovery"]["steps"] == ["reopen", "reopen-duplex", "usb-reset", "alarm"]
    assert shown["mixer"][0] == {
        "control": "PCM", "index": 0, "side": "playback", "optional": False,
        "raw": None, "percent": 100, "db": None, "switch": None, "choice": None,
    }  # fmt: skip
    assert {"confidence": "one-rig", "source": "reports of users", "place": "capture.pick"} in shown["provenance"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("respeaker-xvf3000", "did you mean respeaker-xvf3800?"), ("auto", "known: adafruit-voice-bonnet, ")],
)
def test_an_unknown_name_is_a_usage_error_that_names_the_nearest(
    name: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profiles(name) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"gatewayd: there is no profile '{name}'; {hint}")
    assert err.count("\n") == 1


def test_a_broken_profile_of_the_user_s_is_told_with_every_problem(
    sysroot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sysroot / "etc" / "gatewayd" / "hw-profiles" / "board.toml"
    file.write_text(BOARD.replace("channels = 2", "channels = 0").replace('"board"', '"bored"'))
    assert profiles("ps3-eye", "--sysroot", str(sysroot)) == 78
    assert capsys.readouterr().err.splitlines() == [
        f"{file}: capture.channels: must be a whole number from 1 to 16, not 0",
        f"{file}: name: differs from the name of the file; they must be the same",
    ]


class TestOnATerminal:
    def test_lines_are_cut_to_its_width(self) -> None:
        head, board = table([read(BOARD)], width=40).splitlines()
        assert head == f"NAME   CAPTURES{' ' * 24}…"
        assert board == "board  S32_LE 48000 Hz 2 ch, channel 0 …"
        assert max(len(line) for line in table([read(BOARD)], width=None).splitlines()) > 40

    def test_what_is_unsure_is_dimmed(self) -> None:
        lines = one(read(BOARD), colours=True).splitlines()
        assert any(line.startswith("  match.usb_ids ") and line.endswith("one-rig: a drawer") for line in lines)
        assert any(
            line.startswith("\x1b[2m  capture.format ") and line.endswith("unverified: a hunch\x1b[0m")
            for line in lines
        )
        assert "\x1b" not in one(read(BOARD), colours=False)

    def test_a_profile_may_say_next_to_nothing(self) -> None:
        assert one(read(SMALL, "board.toml"), colours=False).splitlines()[:5] == [
            "board",
            "  A board",
            "",
            "  recognised by  nothing: used by its name",
            "  captures       the best the card offers",
        ]
