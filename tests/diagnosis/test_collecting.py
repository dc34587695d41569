"""What goes into a bundle, and what never does: secrets are planted wherever they could be, and looked for in it."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.cli.bundle import collected
from gatewayd.diagnosis.archive import FILE_BYTES_MAX, Bundle
from gatewayd.diagnosis.collecting import Device, collect_journal
from gatewayd.diagnosis.scrubbing import Scrubber
from gatewayd.errors import Unavailable
from gatewayd.hardware.enumeration import read_inventory
from tests.diagnosis.patients import HURRIED
from tests.tiers.endurance.canary import KEY, TOKEN, files_under, leaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.softcard.card import SoundRack

ROOT = Path(__file__).parents[1] / "roots" / "pi4-jabra-speak-510"
NOTHING = Unavailable("not here")


@dataclass
class Host:
    """Programs that print what they are told, and note how they were called."""

    says: dict[str, bytes] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str], *, timeout_s: float, bytes_max: int) -> bytes:
        assert timeout_s < 60
        self.called.append(" ".join(command))
        for part, said in self.says.items():
            if part in self.called[-1]:
                return said[:bytes_max]
        raise NOTHING


def record(message: object, **fields: object) -> bytes:
    return json.dumps({"MESSAGE": message, "PRIORITY": "6", "_PID": "812", **fields}).encode() + b"\n"


def configuration(folder: Path, *lines: str) -> Path:
    path = folder / "gatewayd.toml"
    path.write_text(
        "\n".join(
            [
                "[agent]",
                'url = "wss://voice.example.com/ws"',
                "[agent.token]",
                'url = "https://api.example.com/v1/session"',
                *lines,
                "[control]",
                f"socket = {json.dumps(str(folder / 'c.sock'))}",
                "[stations.lobby.capture]",
                'device = "hw:CARD=Mic,DEV=0"',
                "rate_hz = 16000",
                'format = "S16_LE"',
                "channels = 1",
            ]
        )
    )
    return path


def unpacked(bundle: Bundle, folder: Path) -> Path:
    archive = io.BytesIO()
    bundle.write(archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:gz") as opened:
        opened.extractall(folder, filter="data")
    return folder / "gatewayd-bundle"


def collect(device: Device, folder: Path) -> Path:
    folder.mkdir()
    return unpacked(collected(device, lambda _: None), folder)


def test_what_is_in_it(tmp_path: Path, sound_rack: SoundRack) -> None:
    host = Host(
        {
            "journalctl --unit": record("agent ready", GATEWAYD_STATION="lobby", _CMDLINE="gatewayd run --secret x")
            + record("starting")
            + b'{"MESSAGE": "cut of',
            "journalctl --dmesg": b"usb 1-1: new device\nusb 1-1: SerialNumber: 501AA5D5E8D5\nwlan0: associated\n",
            "systemctl show": b"ActiveState=active\n",
        }
    )
    config = configuration(tmp_path)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "10-gain.toml").write_text("[stations.lobby.capture]\ngain_db = 6\n")
    found = collect(Device(config, ROOT, host, {}), tmp_path / "out")
    manifest = json.loads((found / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["contents"]] == [
        "doctor.json",
        "configuration/gatewayd.toml",
        "configuration/conf.d/10-gain.toml",
        "root/",
        "unit.txt",
        "journal.jsonl",
        "kernel.txt",
        "system.json",
    ]
    assert manifest["missing"][0]["name"] == "status.json"
    assert "sound" in manifest["never"]
    journal = [json.loads(line) for line in (found / "journal.jsonl").read_text().splitlines()]
    assert journal == [
        {"MESSAGE": "starting", "PRIORITY": "6", "_PID": "812"},
        {"MESSAGE": "agent ready", "PRIORITY": "6", "_PID": "812", "GATEWAYD_STATION": "lobby"},
    ]
    assert (found / "kernel.txt").read_text() == "usb 1-1: new device\nusb 1-1: SerialNumber: [left out]\n"
    steps = {step["step"]: step["verdict"] for step in json.loads((found / "doctor.json").read_text())}
    assert (steps["configuration"], steps["session"]) == ("pass", "skipped")
    assert read_inventory(found / "root").cards[0].id == read_inventory(ROOT).cards[0].id
    assert json.loads((found / "system.json").read_text())["packages"]["trio"]
    assert not any("Environment" in command or "cat" in command for command in host.called)


def test_it_holds_no_sound(tmp_path: Path, sound_rack: SoundRack) -> None:
    heard = np.random.default_rng(3).integers(-9000, 9000, 16_000).astype("<i2").tobytes()
    sound_rack.plug_in("Mic", HURRIED).play_in(heard)
    found = collect(Device(configuration(tmp_path), Path("/"), Host(), {}), tmp_path / "out")
    [levels] = [step for step in json.loads((found / "doctor.json").read_text()) if step["step"] == "levels"]
    assert levels["verdict"] == "pass"
    for path in found.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert heard[:64] not in content
        assert base64.b64encode(heard[:63]) not in content


def test_where_nothing_can_be_had_it_says_so(tmp_path: Path, sound_rack: SoundRack) -> None:
    (tmp_path / "empty").mkdir()
    found = collect(Device(tmp_path / "none.toml", tmp_path / "empty", Host(), {}), tmp_path / "out")
    missing = {entry["name"]: entry["why"] for entry in json.loads((found / "manifest.json").read_text())["missing"]}
    assert missing["configuration"] == f"{tmp_path / 'none.toml'}: cannot be read: there is no such file"
    assert missing["journal.jsonl"] == "not here; root and the group systemd-journal may read it"
    assert {"status.json", "root/", "unit.txt", "kernel.txt", "system.json: /etc/os-release"} <= set(missing)


MISPLACED = (
    f'credential = "{KEY.value}"',
    f'headers = {{ X-Device = "Bearer {KEY.value}", Authorization = "Basic {KEY.value}" }}',
    f'body = {{ api_key = "{KEY.value}", nested = {{ password = "{KEY.value}" }} }}',
    f'secret = """\n{KEY.value}\n"""',
    f'proxy = "http://lobby:{KEY.value}@proxy.example.com:3128"',
    f'url = "wss://voice.example.com/ws?token={TOKEN.value}"',
    f"# the old one was {KEY.value}",
    f'command = ["/usr/bin/mint", "--key", "{KEY.value}"]',
    f'credential = "{KEY.value}',
)


@pytest.mark.parametrize("line", MISPLACED)
def test_a_secret_written_into_the_configuration_is_not_in_it(tmp_path: Path, sound_rack: SoundRack, line: str) -> None:
    config = configuration(tmp_path, line)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "secret.toml").write_text(f"[agent.token]\n{line}\n")
    found = collect(Device(config, tmp_path / "nowhere", Host(), {}), tmp_path / "out")
    assert "voice.example.com" in (found / "configuration" / "gatewayd.toml").read_text()
    assert leaks(files_under(found)) == []


def test_no_secret_of_this_device_is_in_it_wherever_it_was_written(tmp_path: Path, sound_rack: SoundRack) -> None:
    plain = "opensesame-lobby-door"
    key, proxy = tmp_path / "device-key", tmp_path / "proxy-login"
    key.write_text(f"{plain}\n")
    proxy.write_text(f"lobby:{KEY.value}\n")
    said = [
        record(f"the service said {TOKEN.value}"),
        record(f"it was cut off: {plain[:17]}"),
        record("it says hunter2-in-the-environment"),
        record(list(f"bytes of {KEY.value} \xff".encode("latin-1"))),
        record(f"GET /ws?token={TOKEN.value} HTTP/1.1"),
        record(f"Authorization: Bearer {KEY.value}", GATEWAYD_CAUSE=plain),
        record(f'{{"token": "{TOKEN.value}"}}', _CMDLINE=f"mint --key {plain}", _ENVIRONMENT=f"KEY={plain}"),
    ]
    host = Host(
        {
            "journalctl --unit": b"".join(said),
            "journalctl --dmesg": f"gatewayd[1]: usb {plain} {KEY.value}\n".encode(),
            "systemctl show": f"StatusText=refused {TOKEN.value}\nDropInPaths=/etc/{plain}\n".encode(),
        }
    )
    config = configuration(
        tmp_path,
        f"credential = {json.dumps(str(key))}",
        f"proxy_credential = {json.dumps(str(proxy))}",
        "[agent.heartbeat]",
        f'url = "https://a.example/?key={plain}1"',
    )
    own = tmp_path / "root" / "etc" / "gatewayd" / "hw-profiles"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text(f"# {plain}\nname = 5\npassword = '{KEY.value}'\n")
    environment = {"GATEWAYD_TOKEN": TOKEN.value, "API_PASSWORD": "hunter2-in-the-environment", "HOME": "/root"}
    found = collect(Device(config, tmp_path / "root", host, environment), tmp_path / "out")
    written = files_under(found)
    assert leaks(written) == []
    for place, text in written:
        assert plain not in text, place
        assert plain[:17] not in text, place
        assert "hunter2" not in text, place
    assert "[redacted]" in (found / "journal.jsonl").read_text()
    assert (found / "configuration" / "hw-profiles" / "mine.toml").exists()


def test_of_too_long_a_journal_the_oldest_go(tmp_path: Path) -> None:
    newest_first = [record(f"number {number}") for number in (4, 3, 2, 1)]
    bundle = Bundle(made_at="now", version="1")
    device = Device(tmp_path, tmp_path, Host({"journalctl --unit": b"".join(newest_first)}), {})
    collect_journal(bundle, device, Scrubber(), room=2 * len(newest_first[0]) + 5)
    lines = (unpacked(bundle, tmp_path) / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["MESSAGE"] for line in lines] == ["number 3", "number 4"]


def test_a_bundle_has_an_end(tmp_path: Path) -> None:
    bundle = Bundle(made_at="now", version="1")
    for number in range(5):
        bundle.add(f"{number}.txt", bytes(FILE_BYTES_MAX + 1), "much")
    found = unpacked(bundle, tmp_path)
    sizes = [path.stat().st_size for path in sorted(found.glob("*.txt"))]
    assert sizes == [FILE_BYTES_MAX, FILE_BYTES_MAX, FILE_BYTES_MAX, 0, 0]
    assert [entry["cut"] for entry in json.loads((found / "manifest.json").read_text())["contents"]] == [True] * 5
