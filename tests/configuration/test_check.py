"""`gatewayd check` as a person runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.check import check
from gatewayd.cli.main import main
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.profiles import load_profiles, profile_directories
from gatewayd.resources import resource_dir
from tests.configuration.texts import MINIMAL, WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

PROFILES = resource_dir("hw-profiles")
ROOT = Path(__file__).parents[1] / "roots" / "pi4-respeaker-xvf3800"
"""A recorded device with that microphone."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "gatewayd.toml"
    file.write_text(MINIMAL.replace("i2s-mems", "respeaker-xvf3800"))
    return file


def warnings(file: Path) -> Sequence[str]:
    return [str(warning) for warning in check(file, [PROFILES], lambda: read_inventory(ROOT)).warnings]


def test_a_right_configuration_is_told_in_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(file), "--sysroot", str(ROOT)]) == 0
    out, err = capsys.readouterr()
    count = len(load_profiles(profile_directories()))
    assert out == (
        f"{file} is valid, so are {count} profiles; main: profile respeaker-xvf3800, captures hw:CARD=Array,DEV=0 "
        "(S16_LE 16000 Hz 2 ch, channel 1), plays hw:CARD=Array,DEV=0 (S16_LE 16000 Hz 2 ch)\n"
    )
    assert err == ""


def test_drop_ins_and_further_stations_are_told_too(file: Path) -> None:
    (file.parent / "conf.d").mkdir()
    (file.parent / "conf.d" / "50-door.toml").write_text(
        '[stations.door.capture]\ndevice = "hw:CARD=Eye"\nrate_hz = 16000\nformat = "S16_LE"\nchannels = 4\n'
        "pick = [0, 3]\n"
        "[stations.door.playback]\nenabled = false"
    )
    assert check(file, [PROFILES]).summary.endswith(
        "; door: no profile, captures hw:CARD=Eye (S16_LE 16000 Hz 4 ch, channels 0, 3), plays nothing"
    )
    assert " with 50-door.toml is valid" in check(file, [PROFILES]).summary


def test_all_problems_of_configuration_and_profiles_come_at_once(file: Path) -> None:
    file.write_text("[stations.main]\nprofil = 1\n")
    (file.parent / "broken.toml").write_text('name = "other"')
    with pytest.raises(ConfigurationInvalid) as caught:
        check(file, [PROFILES, file.parent])
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[:2] for line in lines[:3]] == [
        [str(file), "stations.main.profil"],
        [str(file), "agent.token.url"],
        [str(file), "agent.url"],
    ]
    assert f"{file.parent}/broken.toml: description: is missing; it must be text" in lines


def test_problems_go_to_stderr_one_a_line_and_the_exit_code_is_78(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text() + "\n[control]\nsocket = 3\nsoket = 3\n")
    assert main(["check", "--config", str(file)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{file}: control.socket: must be an absolute path of at most 100 characters, not a whole number",
        f"{file}: control.soket: is not a known key; did you mean control.socket?",
    ]


def test_what_a_station_lacks_is_told_with_its_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "conf.d").mkdir()
    drop_in = file.parent / "conf.d" / "1.toml"
    drop_in.write_text('[stations.a]\n[stations.main]\nprofile = "respeker"')
    assert main(["check", "--config", str(file)]) == 78
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{drop_in}: stations.main.profile: names no known profile; did you mean ")


def test_a_card_that_is_not_there_is_a_warning(file: Path) -> None:
    file.write_text(file.read_text().replace("respeaker-xvf3800", "jabra-speak-510"))
    [warning] = warnings(file)
    assert warning.startswith(f"{file}: stations.main: profile jabra-speak-510: not found among 4 sound cards; ")
    summary = check(file, [PROFILES], lambda: read_inventory(ROOT)).summary
    assert summary.endswith("; main: nothing to open now")


def test_a_card_whose_abilities_are_in_no_file_is_not_asked(file: Path) -> None:
    file.write_text(MINIMAL.replace('profile = "i2s-mems"', ""))
    unknown = ROOT.with_name("pi4-unknown-hat")
    checked = check(file, [PROFILES], lambda: read_inventory(unknown))
    assert checked.warnings == ()
    assert checked.summary.endswith("which is asked what it can do when it is opened")


def test_a_missing_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(tmp_path / "none.toml")]) == 78
    assert capsys.readouterr().err == f"{tmp_path}/none.toml: cannot be read: there is no such file\n"


def test_the_environment_names_the_file(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAYD_CONFIG", str(file))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{file} is valid")


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == 0
    assert "Example: gatewayd check --config" in capsys.readouterr().out


def test_files_that_are_not_there_now_are_warnings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file.write_text(WHOLE.replace("[stations.door-2]", "").replace("device-key", "sk-1234567890"))
    found = warnings(file)
    assert found[:3] == [
        f"{file}: agent.ca_file: /etc/gatewayd/ca.pem cannot be read now: No such file or directory",
        f"{file}: agent.client_cert: /etc/gatewayd/cert.pem cannot be read now: No such file or directory",
        f"{file}: agent.client_key: /etc/gatewayd/key.pem cannot be read now: No such file or directory",
    ]
    assert found[3].startswith(f"{file}: agent.token.credential: no credential of this name is handed to this process")
    assert found[4].startswith(f"{file}: agent.proxy_credential: no credential of this name is handed to this process")
    assert "sk-1234567890" not in "".join(found)
    assert len(found) == 5


def test_warnings_do_not_fail_and_go_to_stderr(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "conf.d").mkdir()
    (file.parent / "conf.d" / "1.toml").write_text(f'agent.token.credential = "{file.parent}/key"')
    assert main(["check", "--config", str(file), "--sysroot", str(ROOT)]) == 0
    assert capsys.readouterr().err == (
        f"warning: {file.parent}/conf.d/1.toml: agent.token.credential: {file.parent}/key cannot be read: "
        "No such file or directory\n"
    )


def test_files_that_are_there_are_not_warned_about(file: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (file.parent / name).write_text("…")
    (file.parent / "key").write_text("k\n")
    text = WHOLE.replace("/etc/gatewayd/", f"{file.parent}/").replace('"device-key"', f'"{file.parent}/key"')
    text = text.replace('"proxy-login"', f'"{file.parent}/key"')
    file.write_text(text.replace("[stations.door-2]", ""))
    assert warnings(file) == []


def test_a_token_command_that_is_not_there_is_a_warning(file: Path) -> None:
    (file.parent / "conf.d").mkdir()
    (file.parent / "conf.d" / "1.toml").write_text(f'[agent.token]\nurl = ""\ncommand = ["{file.parent}/mint"]')
    assert warnings(file) == [
        f"{file.parent}/conf.d/1.toml: agent.token.command: its program is not there now, or cannot be run"
    ]
    (file.parent / "mint").touch(0o755)
    assert warnings(file) == []


def test_what_is_no_file_is_a_warning(file: Path) -> None:
    (file.parent / "conf.d").mkdir()
    drop_in = file.parent / "conf.d" / "1.toml"
    drop_in.write_text(f'agent.ca_file = "{file.parent}"')
    assert warnings(file) == [f"{drop_in}: agent.ca_file: {file.parent} cannot be read now: it is not a regular file"]
    drop_in.write_text(f'agent.ca_file = "/{"a" * 300}"')
    assert warnings(file) == [f"{drop_in}: agent.ca_file: /{'a' * 300} cannot be read now: File name too long"]


def test_cards_by_number_and_cards_used_twice_are_warnings(file: Path) -> None:
    card = 'rate_hz = 48000\nformat = "S16_LE"\nchannels = 1\n'
    file.write_text(
        MINIMAL.replace('profile = "i2s-mems"', "")
        + f'[stations.main.capture]\ndevice = "hw:0,0"\n{card}'
        + f'[stations.b.capture]\ndevice = "hw:CARD=X"\n{card}'
        + f'[stations.c.capture]\ndevice = "hw:CARD=X"\n{card}[stations.c.playback]\ndevice = "plughw:CARD=1,DEV=0"'
    )
    number = "names a card by its number, which changes between boots; use hw:CARD=id"
    twice = "stations.b.capture uses hw:CARD=X too; of two stations only one can open it"
    assert warnings(file) == [
        f"{file}: stations.main.capture.device: hw:0,0 {number}",
        f"{file}: stations.main.playback.device: hw:0,0 {number}",
        f"{file}: stations.c.capture.device: {twice}",
        f"{file}: stations.c.playback.device: plughw:CARD=1,DEV=0 {number}",
    ]
