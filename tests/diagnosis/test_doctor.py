"""The whole walk, over a software card and the local voice service with TLS: everything real but the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.diagnosis.advice import REPORT, about_cause
from gatewayd.diagnosis.results import Result, Step, exit_code, failed, passed, summary, warned
from gatewayd.diagnosis.walk import Found, Walk
from gatewayd.errors import ExitCode
from gatewayd.session.causes import Cause
from tests.diagnosis.patients import HURRIED, Patient, leading_to, service_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

NOWHERE = """
[agent]
url = "wss://127.0.0.1:9/v1/voice"
[agent.token]
url = "https://127.0.0.1:9/v1/session"
"""
"""The discard service's port, where nobody listens."""
TWO = """
[stations.door.capture]
device = "hw:CARD=Mic,DEV=0"
rate_hz = 16000
format = "S16_LE"
channels = 1
[stations.desk.capture]
device = "hw:CARD=Desk,DEV=0"
rate_hz = 16000
format = "S16_LE"
channels = 1
"""


async def test_a_device_that_is_well(tmp_path: Path, card: SoftCard) -> None:
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service)).examined()
        [session] = service.sessions
        assert await session.wait_ended() is not None
    assert chart.verdicts() == {**dict.fromkeys((step.value for step in Step), "pass"), "daemon": "warn"}
    assert [result.step for result in chart.results] == list(Step)
    assert exit_code(chart.results) == ExitCode.OK
    assert summary(chart.results) == "12 passed, 1 warned"
    assert chart.of(Step.CONFIGURATION).text.startswith(f"{tmp_path / 'gatewayd.toml'}: station main; ")
    assert chart.of(Step.CARD).text == "as configured: hw:CARD=Mic,DEV=0 (S16_LE 16000 Hz 1 ch, channel 0)"
    assert chart.of(Step.LEVELS).text == "hw:CARD=Mic,DEV=0 gives sound at -13 dBFS"
    assert chart.of(Step.SPEAKER).text == (
        "hw:CARD=Mic,DEV=0 opens (S16_LE 16000 Hz 1 ch); nothing was played, --tone does"
    )
    assert card.played() == b""
    assert chart.of(Step.SESSION).text.startswith("the agent is ready after ")


async def test_the_session_is_left_with_a_goodbye(tmp_path: Path, card: SoftCard) -> None:
    async with service_at(tmp_path) as service:
        await Patient(tmp_path, leading_to(service)).examined()
        outcome = await service.sessions[0].wait_ended()
    assert (outcome.close_received, service.sessions[0].tally.frames_heard) == (1000, 0)


async def test_what_stands_on_a_broken_configuration_is_skipped_and_says_so(tmp_path: Path) -> None:
    chart = await Patient(tmp_path, "[agent]\nurl = 5\nrul = 6\n[agent.token]\nurl = 'https://a.example/'").examined()
    verdict, text, advice = chart.told(Step.CONFIGURATION)
    assert verdict == "fail"
    assert "agent.url: " in text
    assert text.endswith("(and 1 more)")
    assert advice == "correct it; `gatewayd check` tells all that is wrong at once"
    for step in (Step.CREDENTIALS, Step.CARD, Step.DNS, Step.HEARTBEAT, Step.TOKEN, Step.SESSION):
        assert chart.told(step) == ("skipped", "it needs configuration, which failed", None)
    assert chart.told(Step.LEVELS) == ("skipped", "it needs card, which was left out", None)
    assert chart.told(Step.CLOCK)[0] == "pass"
    assert exit_code(chart.results) == ExitCode.CONFIGURATION


async def test_each_station_has_steps_of_its_own(tmp_path: Path, card: SoftCard, sound_rack: SoundRack) -> None:
    sound_rack.plug_in("Desk", HURRIED)
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service), stations=TWO).examined()
        assert (len(service.sessions), service.token_requests) == (2, 2)
        only = await Patient(tmp_path, leading_to(service), stations=TWO).examined(station="desk", network=False)
    assert chart.told(Step.LEVELS, "door")[0] == "pass"
    assert chart.told(Step.LEVELS, "desk")[0] == "fail"
    assert chart.told(Step.SPEAKER, "desk")[0] == "pass"
    assert chart.told(Step.SESSION, "door")[0] == chart.told(Step.SESSION, "desk")[0] == "pass"
    assert exit_code(chart.results) == ExitCode.UNAVAILABLE
    assert {result.station for result in only.results} == {None, "desk"}


async def test_offline_sends_nothing(tmp_path: Path, card: SoftCard) -> None:
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service)).examined(network=False)
        assert (service.heartbeats, service.token_requests) == (0, 0)
    for step in (Step.DNS, Step.CONNECT, Step.TLS, Step.HEARTBEAT, Step.TOKEN, Step.SESSION):
        assert chart.told(step) == ("skipped", "left out by --offline", None)
    assert chart.told(Step.LEVELS)[0] == "pass"


async def test_without_a_session_the_service_is_asked_for_no_token(tmp_path: Path, card: SoftCard) -> None:
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service)).examined(session=False)
        assert (service.heartbeats, service.token_requests, service.sessions) == (1, 0, [])
    assert chart.told(Step.TLS)[0] == "pass"
    for step in (Step.TOKEN, Step.SESSION):
        assert chart.told(step) == ("skipped", "left out by --no-session", None)


class Watcher:
    """Keeps what is shown, in order."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def begun(self, step: Step, station: str | None) -> None:
        self.shown.append(f"{step.value} {station}")

    def ended(self, result: Result) -> None:
        self.shown.append(result.verdict.value)


async def test_progress_is_shown_step_by_step(tmp_path: Path, card: SoftCard) -> None:
    watcher = Watcher()
    await Patient(tmp_path, NOWHERE).examined(display=watcher, network=False)
    assert watcher.shown[:8] == [
        "configuration None", "pass", "credentials None", "pass", "daemon None", "warn", "card main", "pass",
    ]  # fmt: skip
    assert len(watcher.shown) == 2 * len(Step)


def test_json_has_the_promised_fields(tmp_path: Path) -> None:
    result = Result(Step.LEVELS, "lobby", failed("gives\x1b nothing" + "!" * 1000, "look"), 2.50049)
    told = result.as_json()
    assert list(told) == ["step", "station", "verdict", "text", "next", "seconds"]
    assert told["text"] == "gives\\x1b nothing" + "!" * 583 + "…"
    assert (told["step"], told["station"], told["verdict"], told["seconds"]) == ("levels", "lobby", "fail", 2.5)


@pytest.mark.parametrize(
    ("failing", "code"),
    [((), 0), ((Step.CLOCK,), 69), ((Step.CREDENTIALS,), 78), ((Step.TOKEN, Step.CONFIGURATION), 78)],
)
def test_the_exit_code_says_whose_the_fault_is(failing: tuple[Step, ...], code: int) -> None:
    walked = [Result(step, None, failed("a", "b") if step in failing else warned("a", "b"), 0.0) for step in Step]
    assert exit_code(walked) == code


async def test_a_step_that_hangs_is_given_up_and_the_next_is_taken(autojump_clock: trio.testing.MockClock) -> None:
    async def hang() -> Found[int]:
        await trio.sleep_forever()
        raise AssertionError

    async def work() -> Found[int]:
        await trio.lowlevel.checkpoint()
        return Found(passed("well"), 5)

    walk = Walk(Watcher())
    hung = await walk.take(Step.DNS, hang, limit_s=7.0)
    after = await walk.take(Step.CLOCK, work, limit_s=7.0)
    assert (hung.result.outcome.text, hung.result.seconds) == ("not over within 7 s", 7.0)
    assert after.got == 5
    with pytest.raises(LookupError, match="nothing came of dns"):
        _ = hung.got


@pytest.mark.parametrize("cause", Cause)
def test_every_end_has_advice(cause: Cause) -> None:
    ours = (Cause.DEVICE_LOST, Cause.STOPPED, Cause.SHUT_DOWN, Cause.DRIVER_OVERDUE, Cause.CLOSED_NORMALLY)
    rare = (
        Cause.SERVER_ERROR,
        Cause.CLOSED_ABNORMALLY,
        Cause.PROTOCOL_VIOLATED,
        Cause.SEND_TIMED_OUT,
        Cause.PING_TIMED_OUT,
    )
    known = about_cause(cause) != REPORT
    assert known or cause in (*ours, *rare)
