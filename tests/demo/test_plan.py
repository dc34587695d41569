from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.configuration.load import load
from tests.demo.plan import SOFTWARE_CARD, CardUnderTest, FolderOccupied, configuration, workplace

ADDRESSES = {
    "token_url": "https://127.0.0.1:40001/v1/session",
    "heartbeat_url": "https://127.0.0.1:40001/heartbeat",
    "ws_url": "wss://127.0.0.1:40001/v1/voice",
    "ca_file": '/home/someone/a "quoted" folder/ca.pem',
}


def test_the_daemon_takes_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(configuration(SOFTWARE_CARD, ADDRESSES, Path("/tmp/demo/control.sock")))
    loaded = load(path)
    [station] = loaded.stations
    assert loaded.agent.url == "wss://127.0.0.1:40001/v1/voice"
    assert loaded.agent.ca_file == ADDRESSES["ca_file"]
    assert loaded.agent.backoff.startup_spread_s == 0
    assert loaded.control.socket == "/tmp/demo/control.sock"
    assert (station.capture.device, station.playback.device) == ("hw:CARD=Demo,DEV=0", "hw:CARD=Demo,DEV=0")
    assert (station.capture.rate_hz, station.capture.format, station.capture.channels) == (48_000, "S32_LE", 2)
    assert station.capture.pick == (0,)


def test_a_real_card_may_play_otherwise_than_it_captures(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    mono, stereo = (StreamParameters(48_000, SampleFormat.S16_LE, channels) for channels in (1, 2))
    path.write_text(configuration(CardUnderTest("hw:1,0", mono, stereo, (0,), real=True), ADDRESSES, Path("/s")))
    [station] = load(path).stations
    assert (station.capture.channels, station.playback.channels) == (1, 2)


def test_the_folder_is_made_anew_for_each_run(tmp_path: Path) -> None:
    with workplace(tmp_path / "demo") as place:
        (place.recordings / "0001-heard.wav").write_bytes(b"old")
        place.heard_wav.write_bytes(b"result")
    with workplace(tmp_path / "demo") as place:
        assert list(place.recordings.iterdir()) == []
        assert place.control_socket.parent == place.run


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").touch()
    refused = pytest.raises(FolderOccupied, match="was not made by the demo; choose another folder with --output")
    with refused, workplace(tmp_path):
        pass
    assert (tmp_path / "run" / "precious").exists()


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    with workplace(tmp_path / ("deep" * 30)) as place:
        assert len(bytes(place.control_socket)) < 100
        assert place.control_socket.parent.is_dir()
        short = place.control_socket.parent
    assert not short.exists()
