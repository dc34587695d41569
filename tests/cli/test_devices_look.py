from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.audio.formats import SampleFormat
from gatewayd.cli.devices import look
from gatewayd.cli.devices_table import table
from gatewayd.cli.main import Command, main
from gatewayd.errors import DeviceBusy
from gatewayd.hardware.offers import Offer
from tests.roots.expectations import ROOTS

if TYPE_CHECKING:
    import pytest

DEVICES = Command("devices", "gatewayd.cli.devices", "sound cards")
NOWHERE = Path("/nowhere/gatewayd.toml")
STATION = """
[agent]
url = "wss://voice.example.com/ws"
[agent.token]
url = "https://api.example.com/v1/session"
[stations.lobby]
"""


class TestConfiguration:
    def test_each_station_is_told_what_it_gets(self, tmp_path: Path) -> None:
        file = tmp_path / "gatewayd.toml"
        file.write_text(
            f'{STATION}port = "1-1.4"\n'
            '[stations.desk]\nport = "usb-0000:01:00.0-1.2"\n'
            '[stations.attic]\nport = "1-1.1"\n'
        )
        report = look(ROOTS / "pi4-two-c-media-dongles", file)
        assert [(each.station, each.card, each.error) for each in report.stations] == [
            ("lobby", "Device_1", None),
            ("desk", "Device", None),
            ("attic", None, "DeviceMissing"),
        ]
        shown = table(report, colours=False)
        assert f"stations of {file}:\nlobby: hw:CARD=Device_1,DEV=0, by cmedia-usb-dongle\n" in shown

    def test_a_port_stays_where_the_ids_were_swapped(self, tmp_path: Path) -> None:
        file = tmp_path / "gatewayd.toml"
        file.write_text(f'{STATION}port = "usb-0000:01:00.0-1.2"\n')
        cards = [
            look(ROOTS / root, file).stations[0].card
            for root in ("pi4-two-c-media-dongles", "pi4-two-c-media-dongles-rebooted")
        ]
        assert cards == ["Device", "Device_1"]

    def test_a_station_that_says_everything_itself_needs_no_card(self, tmp_path: Path) -> None:
        file = tmp_path / "gatewayd.toml"
        capture = 'device = "hw:CARD=Far,DEV=0"\nrate_hz = 48000\nformat = "S16_LE"\nchannels = 1\n'
        file.write_text(f"{STATION}[stations.lobby.capture]\n{capture}")
        report = look(ROOTS / "pi4-no-cards", file)
        assert (report.stations[0].device, report.stations[0].capture) == ("hw:CARD=Far,DEV=0", "S16_LE 48000 Hz 1 ch")
        assert "lobby: hw:CARD=Far,DEV=0, as configured\n" in table(report, colours=False)

    def test_a_broken_configuration_is_told_and_no_hindrance(self, tmp_path: Path) -> None:
        file = tmp_path / "gatewayd.toml"
        file.write_text(f"{STATION}porrt = 1\n")
        report = look(ROOTS / "pi4-respeaker-xvf3800", file)
        assert (report.configuration, report.stations) == (None, [])
        assert [problem for problem in report.problems if "porrt" in problem]
        assert report.auto is not None
        assert report.auto.card == "Array"

    def test_the_default_one_is_the_roots_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = copied("pi4-respeaker-xvf3800", tmp_path)
        (root / "etc/gatewayd").mkdir(parents=True)
        (root / "etc/gatewayd/gatewayd.toml").write_text(STATION)
        monkeypatch.delenv("GATEWAYD_CONFIG", raising=False)
        assert main(["devices", "--json", "--sysroot", str(root)], commands=[DEVICES]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["configuration"] == str(root / "etc/gatewayd/gatewayd.toml")
        assert told["stations"][0]["card"] == "Array"


class TestProfilesOfItsOwn:
    def test_one_of_the_root_wins(self, tmp_path: Path) -> None:
        root = copied("pi4-unknown-usb", tmp_path)
        folder = root / "etc/gatewayd/hw-profiles"
        folder.mkdir(parents=True)
        draft = look(root, NOWHERE).cards[0]
        (folder / f"{draft.new_profile_name}.toml").write_text(draft.new_profile or "")
        report = look(root, NOWHERE)
        assert (report.problems, report.cards[0].profile) == ([], "lobby-intercom-codec")
        assert report.cards[0].new_profile is None

    def test_a_broken_one_is_told_and_no_hindrance(self, tmp_path: Path) -> None:
        root = copied("pi4-respeaker-xvf3800", tmp_path)
        folder = root / "etc/gatewayd/hw-profiles"
        folder.mkdir(parents=True)
        (folder / "mine.toml").write_text("[match\n")
        report = look(root, NOWHERE)
        assert report.cards[0].profile == "respeaker-xvf3800"
        assert report.problems[0].startswith(f"{folder / 'mine.toml'}: ")
        assert report.problems[-1] == f"no profile of {folder} is used; `gatewayd check` says more"


class TestLiveDevice:
    def test_mixer_controls_are_asked_for(self) -> None:
        names = {"seeed2micvoicec": frozenset({"PCM", "HP"})}
        report = look(ROOTS / "pi4-respeaker-2mics-v1", NOWHERE, live_controls=names.get)
        assert (report.cards[0].controls, report.cards[0].profile) == (["HP", "PCM"], "respeaker-2mic-v2")

    def test_so_is_what_only_a_driver_knows(self) -> None:
        asked = []

        def driver(device: str, capture: bool) -> tuple[Offer, ...]:
            asked.append((device, capture))
            return (Offer((SampleFormat.S32_LE,), (48_000,), (2,)),)

        report = look(ROOTS / "pi4-unknown-hat", NOWHERE, live_offers=driver)
        assert asked == [("hw:CARD=audioinjectorpi,DEV=0", True), ("hw:CARD=audioinjectorpi,DEV=0", False)]
        assert [str(offer) for offer in report.cards[0].capture_offers] == ["S32_LE at 48000 Hz with 2 ch"]
        assert 'format = "S32_LE"\n' in (report.cards[0].new_profile or "")
        assert report.auto is not None
        assert (report.auto.capture, report.auto.playback) == (
            "S32_LE 48000 Hz 2 ch",
            "S32_LE 48000 Hz 2 ch on hw:CARD=audioinjectorpi,DEV=0",
        )

    def test_nothing_is_asked_that_the_kernels_files_tell(self) -> None:
        report = look(ROOTS / "pi4-respeaker-xvf3800", NOWHERE, live_offers=never)
        assert report.auto is not None
        assert (report.auto.capture, report.auto.error) == ("S16_LE 16000 Hz 2 ch", None)

    def test_a_device_that_is_busy_with_the_daemon_is_no_error(self) -> None:
        def busy(device: str, capture: bool) -> tuple[Offer, ...]:
            raise DeviceBusy(device, "gatewayd holds it")

        auto = look(ROOTS / "pi4-unknown-hat", NOWHERE, live_offers=busy).auto
        assert auto is not None
        assert (auto.device, auto.capture, auto.error) == ("hw:CARD=audioinjectorpi,DEV=0", None, None)


def copied(root: str, folder: Path) -> Path:
    shutil.copytree(ROOTS / root, folder / root, symlinks=True)
    return folder / root


def never(device: str, capture: bool) -> tuple[Offer, ...]:
    raise AssertionError(device)
