from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cli.devices import report_on
from gatewayd.cli.devices_report import CardFound, Choice, DevicesReport, EvidenceFound, ProfileConsidered
from gatewayd.cli.devices_table import table
from gatewayd.cli.main import Command, main
from gatewayd.hardware.inventory import Board, Card, Inventory, UsbIdentity
from gatewayd.hardware.offers import Offer
from gatewayd.text import one_line
from tests.roots.expectations import ROOTS, inventory_of, recorded, shipped_profiles

DEVICES = Command("devices", "gatewayd.cli.devices", "sound cards")
NOWHERE = Path("/nowhere/gatewayd.toml")
GENERIC = {name: profile for name, profile in shipped_profiles().items() if profile.match.generic}
words = st.text().map(lambda text: one_line(text.strip()))
"""What is left of any file's text once it was read."""
devices_of_a_card = st.none() | st.lists(st.integers(0, 31), unique=True).map(tuple)
any_card = st.builds(
    Card,
    st.integers(0, 31),
    words,
    words,
    words,
    words,
    st.none() | st.builds(UsbIdentity, words, words, words, words, words),
    port=words,
    kernel_driver=words,
    compatible=st.lists(words, max_size=2).map(tuple),
    capture_devices=devices_of_a_card,
    playback_devices=devices_of_a_card,
    controls=st.none() | st.frozensets(words),
)
DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def devices(root: str | Path, *words: str) -> int:
    folder = ROOTS / root if isinstance(root, str) else root
    return main(["devices", "--config", str(NOWHERE), "--sysroot", str(folder), *words], commands=[DEVICES])


def answer(root: str | Path, capsys: pytest.CaptureFixture[str]) -> Any:
    devices(root, "--json")
    return json.loads(capsys.readouterr().out)


class TestTranscripts:
    def test_a_known_microphone_and_why_it_is_known(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("pi4-respeaker-xvf3800") == 0
        page = (DOCS / "devices.md").read_text()
        shown_on_the_page = page[page.index("$ gatewayd devices\n") + len("$ gatewayd devices\n") :]
        assert capsys.readouterr().out == shown_on_the_page[: shown_on_the_page.index("```")]

    def test_two_equal_dongles_and_the_lines_that_settle_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("pi4-two-c-media-dongles") == 0
        shown = capsys.readouterr().out
        assert shown.startswith(
            """\
Raspberry Pi 4 Model B Rev 1.4; HAT: none that tells of itself

Device  USB PnP Sound Device  (card 3, which changes from boot to boot)
  device        hw:CARD=Device,DEV=0
  usb           0d8c:013c USB PnP Sound Device, by C-Media Electronics Inc.
  port          usb-0000:01:00.0-1.2 = 1-1.2
  driver        USB-Audio, snd-usb-audio
  captures      S16_LE at 44100, 48000 Hz with 1 ch
  plays         S16_LE at 44100, 48000 Hz with 2 ch
  controls      not known
  profile       cmedia-usb-dongle, 100 points
                 +100  USB id 0d8c:013c
  not used      generic-usb, generic-capture, for want of a better one

Device_1  USB PnP Sound Device  (card 4, which changes from boot to boot)
  device        hw:CARD=Device_1,DEV=0
"""
        )
        settled = shown[shown.index('with profile = "auto"') :]
        assert settled.startswith('with profile = "auto": nothing\n  a microphone: 2 cards ')
        assert '[stations.main]: port = "usb-0000:01:00.0-1.2"  # or: port = "usb-0000:01:00.0-1.4"\n' in settled

    def test_an_unknown_microphone_with_a_profile_to_begin_with(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("pi4-unknown-usb") == 0
        shown = capsys.readouterr().out
        assert shown[shown.index('with profile = "auto"') :] == (
            """\
with profile = "auto": hw:CARD=Codec,DEV=0, by generic-usb
  captures      S16_LE 16000 Hz 1 ch
  plays         S16_LE 48000 Hz 2 ch on hw:CARD=Codec,DEV=0

Codec has no profile of its own. The beginning of one, for /etc/gatewayd/hw-profiles/lobby-intercom-codec.toml
(docs/adding-a-board.md says how to go on):

name = "lobby-intercom-codec"
description = "Lobby Intercom Codec"

[match]
usb_ids = ["1fc9:5a11"]
products = ["Lobby Intercom Codec"]
card_ids = ["Codec"]

[capture]
rate_hz = 16000
format = "S16_LE"
channels = 1

[provenance]
match = { confidence = "one-rig", source = "what the card itself says, by `gatewayd devices`" }
capture = { confidence = "unverified", source = "what the card itself says, by `gatewayd devices`" }
"""
        )

    def test_what_keeps_a_profile_from_a_card_is_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        devices("pi4-respeaker-2mics-v1")
        shown = capsys.readouterr().out
        assert "  not used      respeaker-2mic-v2, excluded\n                    x  controls" in shown

    def test_profiles_that_match_equally_well_are_all_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        devices("pi4-respeaker-2mics-no-controls")
        shown = capsys.readouterr().out
        assert "  profile       2 match equally well\n                respeaker-2mic-v1, 10 points\n" in shown
        assert 'profile = "respeaker-2mic-v1"  # or: profile = "respeaker-2mic-v2"\n' in shown

    def test_what_is_used_otherwise_than_its_profile_says_is_noted(self, capsys: pytest.CaptureFixture[str]) -> None:
        devices("pi5-respeaker-xvf3800-six-channels")
        shown = capsys.readouterr().out
        assert "  captures      S16_LE 16000 Hz 6 ch\n" in shown
        assert "\n  note          hw:CARD=Array,DEV=0 " in shown

    def test_what_could_not_be_read_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        devices("broken-names")
        shown = capsys.readouterr().out
        assert "\nproblems:\n  ! /proc/asound/cards: is not UTF-8" in shown
        assert "\x1b" not in shown

    @pytest.mark.parametrize("root", recorded())
    def test_every_root_can_be_shown(self, root: str) -> None:
        report = report_on(inventory_of(root), shipped_profiles())
        plain = table(report, colours=False)
        assert all(line.isprintable() for line in plain.split("\n"))
        assert re.sub(r"\x1b\[\d+m", "", table(report, colours=True)) == plain
        assert json.loads(json.dumps(report.as_json())) == report.as_json()

    @given(st.lists(any_card, max_size=3), st.builds(Board, words, words, words))
    def test_whatever_cards_say_can_be_shown(self, cards: list[Card], board: Board) -> None:
        report = report_on(Inventory(tuple(cards), board, ("/proc/asound/cards: is odd",)), GENERIC)
        shown = table(report, colours=False)
        assert all(line.isprintable() for line in shown.split("\n"))
        json.dumps(report.as_json()).encode()


class TestExitCodes:
    def test_no_card_is_69_with_what_to_do_next(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("pi4-no-cards") == 69
        out, err = capsys.readouterr()
        assert out == "Raspberry Pi 4 Model B Rev 1.4; HAT: none that tells of itself\n"
        assert err == (
            f"gatewayd: the kernel knows no sound card under {ROOTS / 'pi4-no-cards'}; plug the microphone in, "
            "or for a HAT add its dtoverlay to config.txt and reboot; then ask again\n"
        )

    def test_no_sound_support_is_69_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("no-sound-support") == 69
        assert "there is no /proc/asound, so this kernel or container has no sound support" in capsys.readouterr().err

    def test_scripts_get_their_json_all_the_same(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices("pi4-no-cards", "--json") == 69
        told = json.loads(capsys.readouterr().out)
        assert (told["cards"], told["auto"]) == ([], None)

    @pytest.mark.parametrize("root", ["pi4-only-playback", "pi4-two-c-media-dongles", "broken-empty-files"])
    def test_any_card_is_0_whatever_a_station_makes_of_it(self, root: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert devices(root) == 0
        assert capsys.readouterr().err == ""

    def test_a_folder_that_is_not_there_is_a_wrong_command_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert devices(tmp_path / "none") == 64
        assert capsys.readouterr().err == f"gatewayd: --sysroot {tmp_path}/none: there is no such folder\n"


class TestTerminal:
    @pytest.mark.parametrize(
        ("environment", "coloured"),
        [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
    )
    def test_colours_only_where_they_are_wanted(self, environment: dict[str, str], coloured: bool) -> None:
        main_end, terminal = os.openpty()
        shown = run(environment, stdout=terminal)
        os.close(terminal)
        screen = b""
        while b"on hw:CARD=Array,DEV=0" not in screen:
            screen += os.read(main_end, 65536)
        os.close(main_end)
        assert shown.returncode == 0
        assert (b"\x1b[32mrespeaker-xvf3800\x1b[0m, 140 points" in screen) == coloured
        assert (b"\x1b" in screen) == coloured

    def test_none_in_a_pipe(self) -> None:
        shown = run({"TERM": "xterm"}, stdout=subprocess.PIPE)
        assert b"respeaker-xvf3800, 140 points" in shown.stdout
        assert b"\x1b" not in shown.stdout


class TestThisDevice:
    def test_its_own_hardware_is_shown_whatever_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        exit_code = main(["devices", "--json", "--config", str(NOWHERE)], commands=[DEVICES])
        told = json.loads(capsys.readouterr().out)
        assert told["root"] == "/"
        assert exit_code == (0 if told["cards"] else 69)


class TestJson:
    def test_a_known_microphone(self, capsys: pytest.CaptureFixture[str]) -> None:
        told = answer("pi4-respeaker-xvf3800", capsys)
        card = told["cards"][0]
        assert told["board"] == {"model": "Raspberry Pi 4 Model B Rev 1.4", "hat_vendor": "", "hat_product": ""}
        assert (card["id"], card["number"], card["device"]) == ("Array", 3, "hw:CARD=Array,DEV=0")
        assert (card["port"], card["usb"]["path"]) == ("usb-0000:01:00.0-1.2", "1-1.2")
        assert card["capture_offers"] == [{"formats": ["S16_LE"], "rates_hz": [16000], "channels": [2]}]
        assert (card["profile"], card["new_profile"]) == ("respeaker-xvf3800", None)
        assert card["profiles"][0]["evidence"][0] == {
            "criterion": "USB id",
            "wanted": "2886:001a",
            "found": "2886:001a",
            "matched": True,
            "points": 100,
            "excludes": False,
            "text": "USB id 2886:001a",
        }
        assert told["auto"] == {
            "station": "main",
            "profile": "respeaker-xvf3800",
            "card": "Array",
            "device": "hw:CARD=Array,DEV=0",
            "capture": "S16_LE 16000 Hz 2 ch",
            "playback": "S16_LE 16000 Hz 2 ch on hw:CARD=Array,DEV=0",
            "notes": [],
            "error": None,
            "problem": None,
        }
        assert (told["configuration"], told["stations"], told["problems"]) == (None, [], [])

    def test_microphones_come_first(self, capsys: pytest.CaptureFixture[str]) -> None:
        cards = answer("pi4-two-c-media-dongles", capsys)["cards"]
        assert [card["id"] for card in cards] == ["Device", "Device_1", "Headphones", "vc4hdmi0", "vc4hdmi1"]
        assert [bool(card["no_microphone"]) for card in cards] == [False, False, True, True, True]

    def test_an_ambiguity(self, capsys: pytest.CaptureFixture[str]) -> None:
        auto = answer("pi4-two-c-media-dongles", capsys)["auto"]
        assert (auto["error"], auto["device"]) == ("DeviceAmbiguous", None)
        assert 'port = "usb-0000:01:00.0-1.2"' in auto["problem"]

    def test_what_only_a_driver_tells_is_null(self, capsys: pytest.CaptureFixture[str]) -> None:
        auto = answer("pi4-unknown-hat", capsys)["auto"]
        assert (auto["profile"], auto["device"]) == ("generic-capture", "hw:CARD=audioinjectorpi,DEV=0")
        assert (auto["capture"], auto["error"]) == (None, None)

    @pytest.mark.parametrize(
        ("place", "model"),
        [
            ("the whole", DevicesReport),
            ("`board`", Board),
            ("`cards[]`", CardFound),
            ("`cards[].usb`", UsbIdentity),
            ("`cards[].capture_offers[]`, `.playback_offers[]`", Offer),
            ("`cards[].profiles[]`", ProfileConsidered),
            ("`cards[].profiles[].evidence[]`", EvidenceFound),
            ("`auto`, `stations[]`", Choice),
        ],
    )
    def test_the_page_lists_every_key(self, place: str, model: type) -> None:
        row = next(line for line in (DOCS / "devices.md").read_text().split("\n") if line.startswith(f"| {place} |"))
        assert re.findall(r"`(\w+)`", row.split("|")[2]) == [field.name for field in fields(model)]


def run(environment: dict[str, str], *, stdout: int) -> subprocess.CompletedProcess[bytes]:
    script = (
        "import sys; from gatewayd.cli.main import Command, main;"
        "sys.exit(main(sys.argv[1:], commands=[Command('devices', 'gatewayd.cli.devices', '')]))"
    )
    words = ["devices", "--config", str(NOWHERE), "--sysroot", str(ROOTS / "pi4-respeaker-xvf3800")]
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return subprocess.run(
        [sys.executable, "-c", script, *words], stdout=stdout, env={**inherited, **environment}, check=False
    )
