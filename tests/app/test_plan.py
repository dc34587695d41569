from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.errors import ConfigurationInvalid
from gatewayd.plan import Plan, changes, load_plan
from gatewayd.sim.certificates import Authority

ROOT = Path("/")
CAPTURE = 'device = "hw:CARD=Array,DEV=0"\nrate_hz = 16000\nformat = "S16_LE"\nchannels = 1'
NAMED = f"[stations.lobby]\n[stations.lobby.capture]\n{CAPTURE}\n"
DETECTED = "[stations.door]\n"


class Files:
    """A device's files, as a technician edits them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.agent = 'url = "wss://voice.example.com/ws"'
        self.heartbeat = ""
        self.stations = NAMED + DETECTED
        self.control = ""

    def plan(self) -> Plan:
        path = self._folder / "gatewayd.toml"
        path.write_text(
            f"[agent]\n{self.agent}\n[agent.token]\nurl = 'https://api.example.com/token'\n"
            f"[agent.heartbeat]\n{self.heartbeat}\n[control]\n{self.control}\n{self.stations}"
        )
        return load_plan(path, self._folder)

    def write_profile(self, highpass_hz: int) -> None:
        folder = self._folder / "etc" / "gatewayd" / "hw-profiles"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ours.toml").write_text(
            'name = "ours"\ndescription = "ours"\n[match]\nusb_ids = ["1234:5678"]\n'
            f"[capture]\nhighpass_hz = {highpass_hz}\n"
            '[provenance]\nmatch = { confidence = "unverified", source = "ours" }\n'
            'capture = { confidence = "unverified", source = "ours" }\n'
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def told(files: Files, before: Plan) -> str:
    return changes(before, files.plan()).told


def test_nothing_changed(files: Files) -> None:
    assert told(files, files.plan()) == "untouched lobby, door"


def test_one_station_changed_one_came_and_one_went(files: Files) -> None:
    before = files.plan()
    files.stations = NAMED + "gain_db = 6\n[stations.yard]\n"
    assert told(files, before) == "stopped door; restarted lobby; started yard"


def test_what_sessions_are_made_from_restarts_all(files: Files) -> None:
    before = files.plan()
    files.agent += "\nconnect_timeout_s = 5"
    assert told(files, before) == "restarted lobby, door; heartbeat restarted"


def test_a_heartbeat_of_another_kind_leaves_sessions_alone(files: Files) -> None:
    before = files.plan()
    files.heartbeat = 'url = "https://api.example.com/heartbeat"'
    assert told(files, before) == "untouched lobby, door; heartbeat restarted"


def test_the_control_socket_is_nobody_elses_business(files: Files) -> None:
    before = files.plan()
    files.control = 'socket = "/run/elsewhere.sock"'
    assert told(files, before) == "untouched lobby, door; control socket moved"


def test_a_group_for_the_control_socket_waits(files: Files) -> None:
    before = files.plan()
    files.control = 'group = "audio"'
    assert told(files, before) == "untouched lobby, door; control.group takes effect at the next start"


def test_a_certificate_renewed_under_its_old_name(files: Files, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    ca_file = Authority(tmp_path / "first").ca_file
    files.agent += f'\nca_file = "{ca_file}"'
    before = files.plan()
    assert told(files, before) == "untouched lobby, door"
    Path(ca_file).write_bytes(Path(Authority(tmp_path / "second").ca_file).read_bytes())
    assert told(files, before) == "restarted lobby, door; heartbeat restarted"


def test_a_profile_concerns_those_who_look_at_the_hardware(files: Files) -> None:
    files.write_profile(80)
    before = files.plan()
    files.write_profile(120)
    assert told(files, before) == "restarted door; untouched lobby"


def test_what_is_wrong_is_told_as_at_a_start(files: Files) -> None:
    files.agent += '\nca_file = "/nowhere/ca.pem"'
    with pytest.raises(ConfigurationInvalid, match=r"agent\.ca_file: /nowhere/ca\.pem cannot be read"):
        files.plan()
