from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cli.events_view import line
from gatewayd.cli.main import main
from gatewayd.control import events as e
from gatewayd.control.protocol import decode_event, encode_event
from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth, SessionState
from gatewayd.session.causes import Cause
from tests.cli.daemons import TellingDaemon, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IN_UTC = {**os.environ, "TZ": "UTC"}


def following(socket_path: Path, *options: str, **settings: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gatewayd", "events", "--socket", str(socket_path), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **settings)


class TestTheCommand:
    def test_as_they_come_until_ctrl_c(self, socket_path: Path) -> None:
        daemon = TellingDaemon((e.Muted(), "lobby"), (e.ServiceReachable(), None))
        with running(daemon, socket_path), following(socket_path, "--json", stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told = [json.loads(process.stdout.readline()) for _ in range(2)]
            process.send_signal(signal.SIGINT)
            assert process.communicate() == ("", "")
        assert process.returncode == 0
        assert told == [
            {"event": "muted", "time": "2026-11-22T14:41:05.000Z", "boot_s": 81.0, "station": "lobby"},
            {"event": "service_reachable", "time": "2026-11-22T14:41:05.000Z", "boot_s": 81.0, "station": None},
        ]

    def test_for_a_person_and_until_the_daemon_ends(self, socket_path: Path) -> None:
        daemon = TellingDaemon((e.Muted(), "lobby"), (e.Stopping("SIGTERM"), None))
        with running(daemon, socket_path):
            process = following(socket_path, stdout=subprocess.PIPE, env=IN_UTC)
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(2)]
        rest, errors = process.communicate()
        assert told == [
            "2026-11-22 14:41:05  lobby     muted: the microphone is closed\n",
            "2026-11-22 14:41:05  -         SIGTERM: gatewayd stops\n",
        ]
        assert rest == ""
        assert errors == ("gatewayd: gatewayd has ended, or cut this connection; `systemctl status gatewayd` tells\n")
        assert process.returncode == 69

    def test_of_one_station(self, socket_path: Path) -> None:
        daemon = TellingDaemon((e.Muted(), "desk"), (e.Muted(), "lobby"))
        with (
            running(daemon, socket_path),
            following(socket_path, "lobby", "--json", stdout=subprocess.PIPE) as process,
        ):
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["station"] == "lobby"
            process.send_signal(signal.SIGINT)
            process.communicate()

    def test_colours_only_on_a_terminal(self, socket_path: Path) -> None:
        daemon = TellingDaemon((e.ServiceUnreachable(), None))
        main_end, terminal = os.openpty()
        environment = {name: value for name, value in IN_UTC.items() if name != "NO_COLOR"}
        with running(daemon, socket_path), following(socket_path, stdout=terminal, env=environment) as process:
            os.close(terminal)
            screen = b""
            while b"\n" not in screen:
                screen += os.read(main_end, 65536)
            process.send_signal(signal.SIGINT)
        os.close(main_end)
        assert process.returncode == 0
        assert screen == b"2026-11-22 14:41:05  -         \x1b[31mthe service cannot be reached\x1b[0m\r\n"

    def test_without_a_daemon_it_says_what_to_do(self, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["events", "--socket", str(socket_path)]) == 69
        assert "is it running? `systemctl status gatewayd` tells" in capsys.readouterr().err


SENTENCES = [
    (
        e.StateChanged(SessionState.AGENT_READY, SessionState.CONNECTED),
        "agent_ready, was connected",
        "\x1b[32m",
    ),
    (
        e.StateChanged(SessionState.ENDED, SessionState.AGENT_READY, Cause.SESSION_SETUP_FAILED),
        "ended, was agent_ready: session_setup_failed",
        "",
    ),
    (
        e.SessionEnded(Cause.SESSION_SETUP_FAILED, "no room", 4500, "SESSION_SETUP_FAILED"),
        "session ended: no room (close code 4500, error SESSION_SETUP_FAILED)",
        "",
    ),
    (e.SessionEnded(Cause.STOPPED, "stopped on request"), "session ended: stopped on request", ""),
    (e.DeviceFound("hw:1", "generic-usb"), "microphone found: hw:1, profile generic-usb", "\x1b[32m"),
    (e.DeviceFound("hw:1", None), "microphone found: hw:1, no profile", "\x1b[32m"),
    (e.DeviceLost("hw:1", "hw:1: it was unplugged"), "microphone gone: hw:1: it was unplugged", "\x1b[31m"),
    (e.HealthChanged(MicrophoneHealth.OK, MicrophoneHealth.SILENT), "microphone ok, was silent", "\x1b[32m"),
    (
        e.HealthChanged(
            MicrophoneHealth.CLIPPING,
            MicrophoneHealth.OK,
            "it is too loud",
            (Finding(FindingKind.SLOT_SILENT, "channel 1 is silent", 1),),
        ),
        "microphone clipping, was ok: it is too loud; channel 1 is silent",
        "\x1b[31m",
    ),
    (e.RecoveryStepTaken("reopen"), "the microphone gives nothing usable; next step: reopen", "\x1b[33m"),
    (
        e.SoundLost(2, 0.25, ("the card's buffer ran over", "this device slept")),
        "0.25 s of sound are missing in 2 gaps: the card's buffer ran over and this device slept",
        "\x1b[33m",
    ),
    (e.Muted(), "muted: the microphone is closed", "\x1b[33m"),
    (e.Unmuted(), "no longer muted: the microphone is opened", ""),
    (e.StationDied("Bug at x.py:3"), "died of a bug and is started anew: Bug at x.py:3", "\x1b[31m"),
    (e.StationRestarted(), "runs again", "\x1b[32m"),
    (e.Readied("0.1.0"), "gatewayd 0.1.0 is ready", "\x1b[32m"),
    (e.Stopping("SIGTERM"), "SIGTERM: gatewayd stops", ""),
    (e.ServiceReachable(), "the service can be reached", "\x1b[32m"),
    (e.ServiceUnreachable(), "the service cannot be reached", "\x1b[31m"),
    (e.ConfigurationReloaded(("lobby",), ("desk",)), "configuration reloaded; started: lobby; ended: desk", ""),
    (e.ConfigurationReloaded((), ()), "configuration reloaded; no station was touched", ""),
    (
        e.ConfigurationRefused(("a.toml: agent.url: is missing", "a.toml: is odd")),
        "the new configuration is refused: a.toml: agent.url: is missing; a.toml: is odd",
        "\x1b[31m",
    ),
    (e.LogMessagesLost(3), "3 log messages could not be handed to the journal", "\x1b[33m"),
    (e.Lost(3), "3 events are missing here: this terminal was too slow", "\x1b[33m"),
]


def on_the_wire(event: e.Event) -> Mapping[str, object]:
    return decode_event(encode_event(e.Notice("1970-01-01T00:00:00.000Z", 0.0, "lobby", event).as_json()))


class TestLines:
    def test_every_event_has_its_sentence(self) -> None:
        assert {type(event) for event, _, _ in SENTENCES} == set(e.KINDS)

    @pytest.mark.parametrize(("event", "told", "colour"), SENTENCES, ids=lambda value: getattr(value, "name", ""))
    def test_it_is_told_in_words(self, event: e.Event, told: str, colour: str) -> None:
        plain, coloured = line(on_the_wire(event), colours=False), line(on_the_wire(event), colours=True)
        assert plain[21:] == f"lobby     {told}"
        assert coloured[21:] == f"lobby     {colour}{told}{colour and chr(27) + '[0m'}"

    def test_one_that_is_not_known_is_shown_as_it_is(self) -> None:
        told = line({"event": "tea_made", "station": "lobby", "cups": 2, "kind": "Assam\x1b[2J"}, colours=True)
        assert told == "?  lobby     tea_made cups=2 kind=Assam\\x1b[2J"

    def test_what_is_missing_is_a_question_mark(self) -> None:
        for kind in e.KINDS:
            assert "?" in line({"event": kind.name}, colours=True)

    @given(
        st.dictionaries(
            st.sampled_from(["event", "time", "station", "state", "findings", "gaps", "length_s", "causes", "count"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.lists(st.none() | st.text() | st.dictionaries(st.just("text"), st.integers() | st.text())),
        ),
        st.none() | st.sampled_from([kind.name for kind in e.KINDS]),
    )
    def test_whatever_a_daemon_says_it_is_one_line(self, event: dict[str, object], name: str | None) -> None:
        told = line({**event, **({"event": name} if name else {})}, colours=False)
        assert told.isprintable()
