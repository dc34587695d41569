from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.cli.main import main
from gatewayd.cli.options import DEFAULT_CONFIGURATION
from gatewayd.cli.status import configured_socket
from gatewayd.control.schema import (
    CaptureStatus,
    DaemonStatus,
    HeartbeatStatus,
    MicrophoneHealth,
    PlaybackStatus,
    SessionEnd,
    SessionState,
    SessionStatus,
    StationStatus,
)
from gatewayd.control.server import serve
from gatewayd.errors import ConfigurationInvalid
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatewayd.control.protocol import Request

LOBBY = StationStatus(
    state=SessionState.AGENT_READY,
    since_s=192.4,
    muted=False,
    profile="generic-usb",
    capture=CaptureStatus(
        device="hw:CARD=Array,DEV=0",
        rate_hz=48000,
        format="S32_LE",
        channels=2,
        health=MicrophoneHealth.OK,
        level_dbfs=-30.0,
        frames=1234,
        xruns=1,
        reopens=0,
    ),
    session=SessionStatus(
        attempt=0,
        connects=2,
        next_attempt_s=None,
        waiting_for=None,
        frames_sent=1200,
        frames_received=900,
        frames_dropped={"stalled": 3, "no_session": 0},
        last_end=SessionEnd(Cause.SESSION_SETUP_FAILED, "room is full", 4500, "SESSION_SETUP_FAILED"),
        time_to_ready_s=0.41,
        rtt_s=0.03,
    ),
    playback=PlaybackStatus(
        device="hw:CARD=Array,DEV=0", frames_played=880, underruns=0, buffered_ms=60.0, frames_dropped=0, reopens=0
    ),
)
STATUS = DaemonStatus(
    version="0.1.0", uptime_s=7512.0, ready=True, stations={"lobby": LOBBY}, heartbeat=HeartbeatStatus(True, 0.021)
)


@contextmanager
def daemon(socket_path: Path, status: Mapping[str, object]) -> Iterator[None]:
    """A control server in a thread that answers every request with `status`."""
    listening = threading.Event()
    stop = trio.Event()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def answer(request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        return status

    async def serve_until_stopped() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve, socket_path, answer))
            listening.set()
            await stop.wait()
            nursery.cancel_scope.cancel()

    thread = threading.Thread(target=trio.run, args=(serve_until_stopped,))
    thread.start()
    listening.wait()
    try:
        yield
    finally:
        tokens[0].run_sync_soon(stop.set)
        thread.join()


@pytest.fixture
def running(socket_path: Path) -> Iterator[Path]:
    with daemon(socket_path, STATUS.as_json()):
        yield socket_path


class TestJson:
    def test_it_is_the_daemons_own_answer(self, running: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--json", "--socket", str(running)]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown == json.loads(json.dumps(STATUS.as_json()))
        assert shown["stations"]["lobby"]["session"]["last_end"] == {
            "cause": "session_setup_failed",
            "detail": "room is full",
            "close_code": 4500,
            "error_code": "SESSION_SETUP_FAILED",
        }

    def test_one_station_alone_stands_where_it_always_stands(
        self, running: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["status", "lobby", "--json", "--socket", str(running)]) == 0
        assert list(json.loads(capsys.readouterr().out)["stations"]) == ["lobby"]

    def test_an_unknown_station_is_told_with_the_known_ones(
        self, running: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["status", "loby", "--json", "--socket", str(running)]) == 64
        assert capsys.readouterr() == ("", "gatewayd: there is no station 'loby'; gatewayd runs with these: lobby\n")


class TestTable:
    def test_a_station_in_conversation(self, running: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--socket", str(running)]) == 0
        assert capsys.readouterr().out == (
            "gatewayd 0.1.0, up 2 h 5 min, ready\n"
            "\n"
            "lobby: agent_ready for 3 min 12 s\n"
            "  microphone  hw:CARD=Array,DEV=0, S32_LE 48000 Hz 2 ch, profile generic-usb\n"
            "              [############------------] -30.0 dBFS  ok\n"
            "              1234 frames, 1 overruns, 0 reopens\n"
            "  session     2 connects, 0 failures in a row\n"
            "              1200 frames sent, 900 received, 3 dropped (stalled)\n"
            "              ready after 410 ms, round trip 30 ms\n"
            "  speaker     hw:CARD=Array,DEV=0\n"
            "              880 frames played, 0 underruns, 0 dropped, 60 ms buffered\n"
            "  last end    session_setup_failed: room is full (close code 4500, error SESSION_SETUP_FAILED)\n"
            "\n"
            "heartbeat: reachable, round trip 21 ms\n"
        )


class TestWatch:
    def test_every_second_a_line_until_ctrl_c(self, running: Path) -> None:
        command = [sys.executable, "-m", "gatewayd", "status", "--json", "--watch", "--socket", str(running)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            lines = [watching.stdout.readline() for _ in range(2)]
            watching.send_signal(signal.SIGINT)
            assert watching.communicate() == ("", "")
        assert watching.returncode == 0
        assert [json.loads(line)["version"] for line in lines] == ["0.1.0", "0.1.0"]

    def test_a_daemon_that_is_away_is_waited_for(self, socket_path: Path) -> None:
        command = [sys.executable, "-m", "gatewayd", "status", "--json", "--watch", "--socket", str(socket_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            assert watching.stderr is not None
            assert "is it running?" in watching.stderr.readline()
            with daemon(socket_path, STATUS.as_json()):
                assert json.loads(watching.stdout.readline())["ready"] is True
            watching.send_signal(signal.SIGINT)
            watching.communicate()
        assert watching.returncode == 0

    def test_on_a_terminal_the_screen_is_drawn_anew_in_colours(self, running: Path) -> None:
        main_end, terminal = os.openpty()
        command = [sys.executable, "-m", "gatewayd", "status", "--watch", "--socket", str(running)]
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        with subprocess.Popen(command, stdout=terminal, env=environment) as watching:
            os.close(terminal)
            screen = b""
            while b"heartbeat" not in screen:
                screen += os.read(main_end, 65536)
            watching.send_signal(signal.SIGINT)
        os.close(main_end)
        assert watching.returncode == 0
        assert screen.startswith(b"\x1b[H\x1b[J")
        assert b"lobby: \x1b[32magent_ready\x1b[0m for" in screen


class TestSocket:
    def test_nobody_there(self, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--socket", str(socket_path)]) == 69
        assert re.fullmatch(
            r"gatewayd: no gatewayd answers on .*control\.sock: is it running\? `systemctl status gatewayd` tells\n",
            capsys.readouterr().err,
        )

    def test_the_configuration_names_it(
        self, running: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
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
            socket = "{running}"
            """
        )
        assert main(["status", "--config", str(configuration)]) == 0
        assert "lobby: agent_ready" in capsys.readouterr().out

    def test_a_configuration_that_was_named_must_load(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        missing = tmp_path / "missing.toml"
        assert main(["status", "--config", str(missing)]) == 78
        assert capsys.readouterr().err == f"{missing}: cannot be read: there is no such file\n"
        with pytest.raises(ConfigurationInvalid):
            configured_socket(missing)

    @pytest.mark.skipif(DEFAULT_CONFIGURATION.exists(), reason="this machine has a configuration of its own")
    def test_without_a_configuration_the_default_socket_is_asked(self) -> None:
        assert str(configured_socket(DEFAULT_CONFIGURATION)) == "/run/gatewayd/control.sock"
