from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.main import main
from gatewayd.control.protocol import Command, Request
from tests.cli.daemons import TellingDaemon, running

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = {
    Command.START: "start requested",
    Command.STOP: "stop requested",
    Command.MUTE: "muted",
    Command.UNMUTE: "unmuted",
}
every_order = pytest.mark.parametrize("command", ORDERS)


@every_order
def test_one_station_is_told(command: Command, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = TellingDaemon()
    with running(daemon, socket_path):
        assert main([command.value, "lobby", "--socket", str(socket_path)]) == 0
    assert daemon.asked == [Request(command, "lobby")]
    assert capsys.readouterr().out == f"lobby: {ORDERS[command]}\n"


@every_order
def test_all_are_told(command: Command, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = TellingDaemon()
    with running(daemon, socket_path):
        assert main([command.value, "--socket", str(socket_path)]) == 0
    assert daemon.asked == [Request(command)]
    assert capsys.readouterr().out == f"lobby: {ORDERS[command]}\ndesk: {ORDERS[command]}\n"


@every_order
def test_an_unknown_station_is_the_wrong_usage(
    command: Command, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(TellingDaemon(), socket_path):
        assert main([command.value, "loby", "--socket", str(socket_path)]) == 64
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.splitlines()[-1] == "gatewayd: there is no station 'loby'"  # after the daemon's own log


@every_order
def test_without_a_daemon_it_says_what_to_do(
    command: Command, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command.value, "--socket", str(socket_path)]) == 69
    assert re.fullmatch(
        r"gatewayd: no gatewayd answers on .*: is it running\? `systemctl status gatewayd` tells\n",
        capsys.readouterr().err,
    )


def test_the_configuration_names_the_socket(
    socket_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = tmp_path / "gatewayd.toml"
    configuration.write_text(
        f"""
        [agent]
        url = "wss://voice.example.com/ws"
        [agent.token]
        url = "https://api.example.com/v1/session"
        [stations.lobby]
        [control]
        socket = "{socket_path}"
        """
    )
    daemon = TellingDaemon()
    with running(daemon, socket_path):
        assert main(["mute", "--config", str(configuration)]) == 0
    assert daemon.asked == [Request(Command.MUTE)]
