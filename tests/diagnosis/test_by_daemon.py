"""What a running daemon answers for: its word is taken, whatever version it is of, and nothing is opened beside it."""

from __future__ import annotations

import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.control.server import serve
from gatewayd.diagnosis import by_daemon
from gatewayd.diagnosis.results import Step, Verdict
from gatewayd.diagnosis.running import Daemon, ask_daemon, lasting
from tests.diagnosis.patients import Patient, leading_to, service_at
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewayd.control.protocol import Request
    from gatewayd.diagnosis.results import Outcome
    from tests.softcard.card import SoftCard

DEVICE = "hw:CARD=Mic,DEV=0"


def station(**parts: object) -> dict[str, Any]:
    """A station that is well, but for `parts`."""
    whole: dict[str, Any] = {
        "state": "agent_ready",
        "since_s": 7500.0,
        "muted": False,
        "profile": "generic-usb",
        "capture": {"device": DEVICE, "health": "ok", "level_dbfs": -38.2, "problem": None, "findings": []},
        "session": {"connects": 1, "last_end": None},
        "playback": {"device": DEVICE, "frames_played": 500, "problem": None},
    }
    for name, value in parts.items():
        whole[name] = {**whole[name], **value} if isinstance(value, dict) else value
    return whole


def status(**stations: object) -> dict[str, Any]:
    return {"version": "1.2", "uptime_s": 90_000.0, "ready": True, "stations": stations, "heartbeat": None}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="gw-") as directory:
        yield Path(directory)


def told(outcome: Outcome) -> tuple[str, str]:
    assert (outcome.next is None) is (outcome.verdict in (Verdict.PASS, Verdict.SKIPPED))
    return outcome.verdict.value, outcome.text


async def test_a_running_daemon_is_asked_and_nothing_is_opened(folder: Path, card: SoftCard) -> None:
    async def answer(_request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        return status(main=station())

    async with service_at(folder) as service, trio.open_nursery() as nursery:
        await nursery.start(serve, folder / "c.sock", answer)
        chart = await Patient(folder, leading_to(service)).examined()
        nursery.cancel_scope.cancel()
        assert service.sessions == []
    assert chart.told(Step.DAEMON) == (
        "pass",
        "gatewayd 1.2 runs for 1 d 1 h; what it holds open is judged by its own word",
        None,
    )
    assert chart.told(Step.LEVELS) == ("pass", f"{DEVICE} gives sound at -38 dBFS, by the running gatewayd", None)
    assert chart.told(Step.SPEAKER)[1] == f"{DEVICE} is in use, by the running gatewayd; it played 10 s so far"
    assert chart.told(Step.TOKEN)[0] == "pass"
    assert chart.told(Step.SESSION) == ("pass", "the agent is ready since 2 h 5 min, by the running gatewayd", None)
    assert card.timeline(Direction.CAPTURE).kinds == card.timeline(Direction.PLAYBACK).kinds == []


async def test_a_station_that_the_daemon_does_not_have(folder: Path, card: SoftCard) -> None:
    async def answer(_request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        return status(lobby=station())

    async with trio.open_nursery() as nursery:
        await nursery.start(serve, folder / "c.sock", answer)
        agent = "[agent]\nurl = 'wss://voice.example/ws'\n[agent.token]\nurl = 'https://api.example/session'"
        chart = await Patient(folder, agent).examined(network=False)
        nursery.cancel_scope.cancel()
    assert chart.told(Step.LEVELS) == (
        "warn",
        "the running gatewayd has no station 'main': it was started with another configuration",
        "restart it, so that it reads its configuration anew: `systemctl restart gatewayd`",
    )


async def test_something_else_on_the_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "c.sock"))
        listener.listen()
        async with trio.open_nursery() as nursery:

            async def talk() -> None:
                for _ in range(2):
                    connection, _ = await trio.to_thread.run_sync(listener.accept)
                    with connection, suppress(BrokenPipeError):
                        connection.sendall(b"SSH-2.0-OpenSSH\r\n")

            nursery.start_soon(talk)
            found = await ask_daemon(folder / "c.sock")
    verdict, text = told(found.outcome)
    assert verdict == "fail"
    assert "is not gatewayd, or another version of it" in text
    assert found.value == Daemon()


@pytest.mark.parametrize(
    ("more", "words"),
    [({"ready": False}, "it is not ready yet"), ({"problems": ["a new configuration was refused"]}, "was refused")],
)
async def test_a_daemon_that_is_not_quite_well(folder: Path, more: dict[str, object], words: str) -> None:
    async def answer(_request: Request) -> Mapping[str, object]:
        await trio.lowlevel.checkpoint()
        return {**status(main=station()), **more}

    async with trio.open_nursery() as nursery:
        await nursery.start(serve, folder / "c.sock", answer)
        found = await ask_daemon(folder / "c.sock")
        nursery.cancel_scope.cancel()
    assert told(found.outcome)[0] == "warn"
    assert words in found.outcome.text
    assert found.value is not None
    assert found.value.runs


async def test_no_daemon(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(folder / "old.sock"))
    for name in ("old.sock", "none.sock"):
        assert told((await ask_daemon(folder / name)).outcome) == (
            "warn",
            "no gatewayd runs; its sound devices are tried here instead",
        )


@pytest.mark.parametrize(
    ("capture", "verdict", "words"),
    [
        ({"health": "starting"}, "warn", "was opened just now"),
        ({"health": "silent", "problem": "only zeros"}, "fail", "is silent, by the running gatewayd: only zeros"),
        ({"health": "stuck"}, "fail", "is stuck"),
        ({"health": "missing", "device": None, "problem": "no card"}, "fail", "no microphone is missing"),
        ({"health": "clipping"}, "warn", "is clipping"),
        ({"health": "muted", "problem": "its button"}, "warn", "is muted, by the running gatewayd: its button"),
        ({"findings": [{"text": "channel 1 is dead"}]}, "warn", "at -38 dBFS, by the running gatewayd, but channel 1"),
        ({"mixer_problems": ["PGA: kept 40"]}, "warn", "but PGA: kept 40"),
        ({"level_dbfs": None}, "pass", "gives sound, by"),
        ({"health": "enraptured"}, "fail", "is enraptured"),
    ],
)
def test_levels(capture: dict[str, object], verdict: str, words: str) -> None:
    outcome = by_daemon.levels(station(capture=capture))
    assert told(outcome)[0] == verdict
    assert words in outcome.text


def test_muted_on_request() -> None:
    outcome = by_daemon.levels(station(muted=True))
    assert (outcome.verdict, outcome.next) == (Verdict.WARN, "unmute it: `gatewayd unmute`")


def test_speaker() -> None:
    assert told(by_daemon.speaker(station(playback=None), tone=False)) == ("skipped", "this station has none")
    assert told(by_daemon.speaker(station(playback={"problem": "no such device"}), tone=False))[0] == "fail"
    assert by_daemon.speaker(station(), tone=True).text.endswith("`systemctl stop gatewayd` first")


@pytest.mark.parametrize(
    ("parts", "verdict", "words"),
    [
        ({"state": "connecting"}, "warn", "connecting since 2 h 5 min"),
        ({"state": "idle"}, "warn", "nobody asked for a conversation"),
        ({"state": "no_device"}, "fail", "none without a microphone"),
        ({"state": "waiting"}, "warn", "waiting since 2 h 5 min"),
        (
            {
                "state": "waiting",
                "session": {"last_end": {"cause": "dns_failed", "detail": "cannot resolve a.example"}},
            },
            "fail",
            "cannot resolve a.example, by the running gatewayd",
        ),
        ({"state": "waiting", "session": {"last_end": {"cause": "ennui", "detail": "bored"}}}, "fail", "bored, by"),
    ],
)
def test_session(parts: dict[str, object], verdict: str, words: str) -> None:
    outcome = by_daemon.session(station(**parts))
    assert told(outcome)[0] == verdict
    assert words in outcome.text


def test_token_by_what_became_of_it() -> None:
    refused = station(
        state="waiting", session={"last_end": {"cause": "token_refused", "detail": "HTTP 401: it refuses 'key'"}}
    )
    assert told(by_daemon.token(Daemon(status(main=station())), ["main"])) == (
        "pass",
        "the running gatewayd was given one: station main is agent_ready",
    )
    assert told(by_daemon.token(Daemon(status(main=refused)), ["main"]))[0] == "fail"
    assert told(by_daemon.token(Daemon(), ["main"]))[0] == "skipped"


LEAF = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2)
KNOWN: st.SearchStrategy[str] = st.sampled_from(
    ["state", "capture", "playback", "session", "last_end", "findings", "health", "cause", "muted"]
)
INNER = st.dictionaries(KNOWN, LEAF, max_size=2)


@settings(max_examples=60)
@given(
    st.dictionaries(
        KNOWN, LEAF | st.dictionaries(KNOWN, LEAF | st.dictionaries(KNOWN, LEAF, max_size=2), max_size=3), max_size=5
    )
)
def test_whatever_it_says_is_judged(said: dict[str, object]) -> None:
    for judge in (by_daemon.levels, by_daemon.session, lambda one: by_daemon.speaker(one, tone=True)):
        assert judge(said).text
    assert by_daemon.token(Daemon({"stations": {"main": said}}), ["main"]).text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (90_000, "1 d 1 h"), (float("nan"), "nan s")],
)
def test_times_for_people(seconds: float, told: str) -> None:
    assert lasting(seconds) == told
