from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from fcntl import ioctl
from io import StringIO
from struct import pack
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.cli.doctor_view import DoctorView
from gatewayd.diagnosis.results import Result, Step, failed, passed, warned
from tests.cli.sound_commands import LIMIT_S, command, started
from tests.softcard.card import StreamDefinition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

HURRIED = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,), speed=40.0)


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Mic", HURRIED)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2").tobytes())
    return card


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gatewayd.toml"
    path.write_text(
        f"""
        [agent]
        url = "wss://voice.example.com/ws"
        [agent.token]
        url = "https://api.example.com/v1/session"
        [control]
        socket = {json.dumps(str(tmp_path / "c.sock"))}
        [stations.lobby.capture]
        device = "hw:CARD=Mic,DEV=0"
        rate_hz = 16000
        format = "S16_LE"
        channels = 1
        """
    )
    return path


def test_for_scripts(card: SoftCard, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command("doctor", "--offline", "--json", "--config", config)
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert [step["step"] for step in told] == [step.value for step in Step]
    assert all(list(step) == ["step", "station", "verdict", "text", "next", "seconds"] for step in told)
    assert [step["station"] for step in told if step["step"] in ("card", "levels", "speaker", "session")] == 4 * [
        "lobby"
    ]
    assert next(step for step in told if step["step"] == "levels")["verdict"] == "pass"


def test_for_people_into_a_pipe(card: SoftCard, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card.play_in(b"")
    assert command("doctor", "lobby", "--offline", "--config", config) == 69
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"pass     configuration     {config}: station lobby; ")
    assert "fail     levels (lobby)    hw:CARD=Mic,DEV=0 gives only digital zero for 2.5 s" in lines
    advice = lines[lines.index("fail     levels (lobby)    hw:CARD=Mic,DEV=0 gives only digital zero for 2.5 s") + 1]
    assert advice.startswith(27 * " " + "next: speak while `gatewayd meter` runs")
    assert lines[-2] == ""
    assert lines[-1].endswith(" 1 failed, 6 skipped")
    assert "\x1b" not in "".join(lines)


def test_a_station_that_is_not_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("doctor", "cellar", "--config", config) == 64
    assert capsys.readouterr().err == "gatewayd: there is no station 'cellar'; configured are: lobby\n"


def test_no_configuration_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("doctor", "--offline", "--json", "--config", tmp_path / "none.toml") == 78
    [first, *_] = json.loads(capsys.readouterr().out)
    assert (first["verdict"], first["text"]) == (
        "fail",
        f"{tmp_path / 'none.toml'}: cannot be read: there is no such file",
    )


def test_ctrl_c_on_a_terminal_leaves_at_once_and_a_clean_line(sound_rack: SoundRack, config: Path) -> None:
    sound_rack.plug_in("Mic", StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,), speed=0.001))
    main_end, terminal = os.openpty()
    ioctl(terminal, TIOCSWINSZ, pack("HHHH", 24, 80, 0, 0))
    with started("doctor", "--offline", "--config", config, stdout=terminal) as child:
        shown = _read_until(main_end, "…        levels (lobby)")
        child.signal(signal.SIGINT)
        _read_until(main_end, "\r\x1b[K")
        exit_code, _, err = child.ended()
    os.close(terminal)
    os.close(main_end)
    assert (exit_code, err) == (130, "")
    assert shown.startswith("…        configuration\r\x1b[K\x1b[32mpass     \x1b[0mconfiguration     ".encode())


def _read_until(descriptor: int, end: str) -> bytes:
    shown = b""
    while not shown.endswith(end.encode()):
        assert select.select([descriptor], [], [], LIMIT_S)[0], shown
        shown += os.read(descriptor, 65536)
    return shown


def test_a_result_is_a_line_and_its_advice_another() -> None:
    written = StringIO()
    view = DoctorView(written, on_terminal=False, colours=False)
    for result in (
        Result(Step.DNS, None, passed("well"), 0.1),
        Result(Step.CARD, "lobby", failed("two\nlines", "do\x1b[2J it"), 0.1),
        Result(Step.CLOCK, None, warned("late", "hurry"), 0.1),
    ):
        view.begun(result.step, result.station)
        view.ended(result)
    assert written.getvalue().splitlines() == [
        "pass     dns               well",
        "fail     card (lobby)      two\\nlines",
        "                           next: do\\x1b[2J it",
        "warn     clock             late",
        "                           next: hurry",
    ]


def test_other_commands_do_not_pay_for_it() -> None:
    check = """
import sys
from gatewayd.cli.main import parse
parse(["status"])
sys.exit("gatewayd.diagnosis" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
