"""What the sound commands share: which hardware they take, and what they say when they cannot have it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.options import DEFAULT_CONFIGURATION
from tests.cli.sound_commands import ARRAY, command, hearing
from tests.cli.test_status import LOBBY, STATUS, daemon
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

HEADER = """
[agent]
url = "wss://voice.example.com/ws"
[agent.token]
url = "https://api.example.com/v1/session"
"""
STATION = """
[stations.{name}.capture]
device = "hw:CARD={card},DEV=0"
rate_hz = 48000
format = "S32_LE"
channels = 2
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two stations, of which each says everything of its card."""
    path = tmp_path / "gatewayd.toml"
    path.write_text(HEADER + STATION.format(name="lobby", card="Array") + STATION.format(name="door", card="Door"))
    return path


class TestStation:
    def test_of_several_it_must_be_named(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("record", "-", "--config", config) == 64
        assert capsys.readouterr().err == "gatewayd: say which STATION is meant: lobby, door\n"

    def test_one_that_is_not_there(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("meter", "loby", "--config", config) == 64
        assert capsys.readouterr().err == "gatewayd: there is no station 'loby'; configured are: lobby, door\n"

    def test_a_configuration_that_was_named_must_be_there(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "missing.toml"
        assert command("tone", "--config", path) == 78
        assert capsys.readouterr().err == f"{path}: cannot be read: there is no such file\n"

    @pytest.mark.skipif(DEFAULT_CONFIGURATION.exists(), reason="this machine has a configuration of its own")
    def test_without_any_configuration_the_hardware_is_looked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("GATEWAYD_CONFIG", raising=False)
        assert command("meter", "--sysroot", tmp_path) == 69
        assert "no sound card" in capsys.readouterr().err

    def test_beside_what_says_everything_a_station_means_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("record", "-", "lobby", *ARRAY) == 64
        assert "a STATION has no meaning beside --device, --rate-hz, --format and --channels" in capsys.readouterr().err

    def test_one_option_alone_changes_that_of_the_station(
        self, config: Path, sound_rack: SoundRack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        card = sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",), channels=(1,), clock="manual"))
        options = ["--seconds", "0.02", "--channels", "1"]
        with hearing(card, 960):
            assert command("record", "--raw", tmp_path / "raw.wav", "lobby", "--config", config, *options) == 0
        assert ": 0.02 s of S32_LE 48000 Hz 1 ch, no overruns; digital zero\n" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "words", [["--format", "U8"], ["--rate-hz", "12345"], ["--channels", "0"], ["--seconds", "soon"]]
    )
    def test_what_no_card_can_be(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert command("meter", *words) == 64
        assert f"argument {words[0]}: " in capsys.readouterr().err


class TestBusy:
    def test_by_another_program(self, stepped_card: SoftCard, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with stepped_card.busy(Direction.CAPTURE):
            assert command("record", "/dev/null", "lobby", "--config", config) == 69
        assert "hw:CARD=Array,DEV=0: another program holds it" in capsys.readouterr().err

    @pytest.mark.parametrize("words", [["record", "/dev/null"], ["meter"], ["tone"]], ids=lambda words: str(words[0]))
    def test_by_the_daemon(
        self,
        words: list[str],
        stepped_card: SoftCard,
        config: Path,
        socket_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with config.open("a") as file:
            file.write(f'[control]\nsocket = "{socket_path}"\n')
        with daemon(socket_path, STATUS.as_json()), stepped_card.busy():
            assert command(*words, "lobby", "--config", config) == 69
        assert capsys.readouterr().err == (
            "gatewayd: hw:CARD=Array,DEV=0: the running gatewayd has it open for station lobby; `gatewayd stop` ends "
            "only the conversation: `systemctl stop gatewayd` lets go of it, and `systemctl start gatewayd` takes it "
            "again\n"
        )

    def test_not_by_the_daemon_that_runs(
        self, stepped_card: SoftCard, config: Path, socket_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with config.open("a") as file:
            file.write(f'[control]\nsocket = "{socket_path}"\n')
        elsewhere = replace(LOBBY, capture=replace(LOBBY.capture, device="hw:CARD=Door,DEV=0"), playback=None)
        status = replace(STATUS, stations={"door": elsewhere})
        with daemon(socket_path, status.as_json()), stepped_card.busy():
            assert command("record", "/dev/null", "lobby", "--config", config) == 69
        assert "another program holds it" in capsys.readouterr().err
