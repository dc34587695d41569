"""Muted is told from broken, and neither fills the log."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth
from gatewayd.hardware.inventory import Card
from gatewayd.station.hearing import (
    GATED_AFTER_S,
    SILENT_AFTER_SOUND_S,
    Hearing,
    HearingLog,
    Quality,
    Verdict,
)
from tests.station.bench import CAPTURE, SETTINGS, Bench, told
from tests.station.fakes import NOISE, STATION_LOG, STUCK, ZEROS, FakeMixer

if TYPE_CHECKING:
    from trio.testing import MockClock

OK, SILENT, MUTED = MicrophoneHealth.OK, MicrophoneHealth.SILENT, MicrophoneHealth.MUTED
WITH_CARD = replace(SETTINGS, card=Card(2, "Array"))
WITH_BUTTON = replace(WITH_CARD, capture=replace(CAPTURE, mute_gives_zeros=True))
SLOT_SILENT = Finding(FindingKind.SLOT_SILENT, "channel 1 is silent", 1)


def test_digital_zero_with_a_control_that_is_off_is_muted_by_it() -> None:
    mixer = FakeMixer()
    mixer.switched_off = "Headset"
    verdict = Hearing(WITH_CARD, mixer).judge(SILENT, 0)
    assert verdict.health is MUTED
    assert verdict.quality is Quality.MEANT
    assert verdict.problem == (
        "it is muted by the card's mixer control 'Headset'; `alsamixer -c Array -V capture` switches it on"
    )


def test_digital_zero_with_every_control_on_is_silent() -> None:
    verdict = Hearing(WITH_CARD, FakeMixer()).judge(SILENT, 0)
    assert (verdict.health, verdict.quality) == (SILENT, Quality.UNUSABLE)
    assert verdict.problem == "it gives only digital zero, which no working microphone does"


def test_without_a_card_no_mixer_is_asked() -> None:
    mixer = FakeMixer()
    assert Hearing(SETTINGS, mixer).judge(SILENT, 0).health is SILENT
    assert mixer.asked == 0


def test_the_mixer_is_asked_while_there_is_digital_zero_and_not_every_second() -> None:
    mixer = FakeMixer()
    hearing = Hearing(WITH_CARD, mixer)
    asked = []
    for second, health in enumerate([OK] * 10 + [SILENT] * 12):
        hearing.judge(health, second)
        asked.append(mixer.asked)
    assert asked == [0] * 10 + [1] * 5 + [2] * 5 + [3] * 2


def test_zeros_after_sound_are_a_mute_where_the_board_mutes_so() -> None:
    hearing = Hearing(WITH_BUTTON, FakeMixer())
    assert hearing.judge(OK, 0).health is OK
    assert hearing.judge(SILENT, 1).health is MUTED
    assert hearing.judge(OK, 2).health is OK


def test_zeros_from_the_opening_on_are_none() -> None:
    hearing = Hearing(WITH_BUTTON, FakeMixer())
    assert hearing.judge(MicrophoneHealth.STARTING, 0).quality is Quality.UNKNOWN
    assert hearing.judge(SILENT, 1).health is SILENT


def qualities(hearing: Hearing, story: list[tuple[MicrophoneHealth, int]]) -> list[tuple[int, Quality]]:
    """When what its sound is worth changes, of a microphone that is as told for so many seconds each."""
    healths = [health for health, seconds in story for _ in range(seconds)]
    found = [hearing.judge(health, second).quality for second, health in enumerate(healths)]
    return [
        (second, quality) for second, quality in enumerate(found) if second == 0 or quality is not found[second - 1]
    ]


def test_zeros_after_sound_may_be_a_noise_gate_and_are_put_up_with_for_ten_minutes() -> None:
    hearing = Hearing(WITH_CARD, FakeMixer())
    assert qualities(hearing, [(OK, 10), (SILENT, 700)]) == [
        (0, Quality.USABLE),
        (10, Quality.UNKNOWN),
        (10 + SILENT_AFTER_SOUND_S, Quality.UNUSABLE),
    ]
    verdict = hearing.judge(SILENT, 711)
    assert verdict.health is SILENT
    assert verdict.problem is not None
    assert verdict.problem.startswith("it has given digital zero since it last gave sound: one with a noise gate")


def test_where_zeros_ended_by_themselves_before_they_are_put_up_with_for_an_hour() -> None:
    assert qualities(Hearing(WITH_CARD, FakeMixer()), [(OK, 10), (SILENT, 20), (OK, 10), (SILENT, 3700)]) == [
        (0, Quality.USABLE),
        (10, Quality.UNKNOWN),
        (30, Quality.USABLE),
        (40, Quality.UNKNOWN),
        (40 + GATED_AFTER_S, Quality.UNUSABLE),
    ]


def test_zeros_from_the_opening_on_that_end_are_no_gate() -> None:
    assert qualities(Hearing(WITH_CARD, FakeMixer()), [(SILENT, 10), (OK, 10), (SILENT, 700)]) == [
        (0, Quality.UNUSABLE),
        (10, Quality.USABLE),
        (20, Quality.UNKNOWN),
        (20 + SILENT_AFTER_SOUND_S, Quality.UNUSABLE),
    ]


def test_one_value_other_than_zero_is_no_gate() -> None:
    stuck = MicrophoneHealth.STUCK
    assert qualities(Hearing(WITH_CARD, FakeMixer()), [(OK, 10), (stuck, 10)]) == [
        (0, Quality.USABLE),
        (10, Quality.UNUSABLE),
    ]


@pytest.mark.parametrize(
    ("health", "quality"),
    [
        (MicrophoneHealth.STUCK, Quality.UNUSABLE),
        (MicrophoneHealth.CLIPPING, Quality.USABLE),
    ],
)
def test_what_else_the_sound_may_say(health: MicrophoneHealth, quality: Quality) -> None:
    verdict = Hearing(WITH_CARD, FakeMixer()).judge(health, 0)
    assert verdict.quality is quality
    assert verdict.problem is not None


def test_the_log_has_a_line_in_ten_seconds_at_most_and_not_what_is_over_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = HearingLog(STATION_LOG)
    ok, stuck, silent = Verdict(), Verdict(MicrophoneHealth.STUCK, "it is stuck"), Verdict(SILENT, "it is silent")
    well = Verdict(OK)
    story = [ok, well, stuck, stuck, well, silent, silent, well, well, well, well, silent, silent, well]
    for now_s, verdict in enumerate(story):
        log.note(verdict, (), now_s)
    for now_s in range(14, 30):
        log.note(well, (), now_s)
    assert told(caplog) == [
        ("WARNING", "the microphone: it is stuck"),  # 2
        ("WARNING", "the microphone: it is silent"),  # 12; what was in between is over
        ("INFO", "the microphone is well again"),  # 22
    ]


def test_findings_are_told_with_the_health_and_by_their_kind_not_their_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = HearingLog(STATION_LOG)
    for second in range(60):
        log.note(Verdict(OK), [replace(SLOT_SILENT, text=f"channel 1 is silent for {second} s")], second)
    log.note(Verdict(MUTED, "it is muted"), [SLOT_SILENT], 60)
    assert told(caplog) == [
        ("WARNING", "the microphone: channel 1 is silent for 0 s"),
        ("WARNING", "the microphone: it is muted; channel 1 is silent"),
    ]


async def test_a_mute_is_told_when_it_begins_and_once_when_it_lasts(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(WITH_BUTTON)
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(20)
    assert bench.supervisor.status().health is OK
    bench.device.sound = ZEROS
    await trio.sleep(700)
    status = bench.supervisor.status()
    assert (status.health, status.recovery) == (MUTED, None)
    mute = "it is muted, by its own button as it seems: sound gave way to digital zero"
    assert status.problem == mute
    bench.device.sound = NOISE
    await trio.sleep(20)
    assert bench.supervisor.status().problem is None
    assert told(caplog) == [
        ("INFO", f"the microphone: {mute}"),
        ("INFO", f"the microphone has been muted for 10 minutes: {mute}"),
        ("INFO", "the microphone is well again"),
    ]
    assert len(bench.device.attempts_s) == 1
    assert bench.listener.presence == [(0.5, True)]


async def test_a_noise_gate_is_no_news_and_nothing_is_done_about_it(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(WITH_CARD)
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    for _ in range(8):
        bench.device.sound = NOISE
        await trio.sleep(4)
        bench.device.sound = ZEROS
        await trio.sleep(15)
        assert bench.supervisor.status().health is SILENT
    assert told(caplog) == []
    assert len(bench.device.attempts_s) == 1


async def test_zeros_after_sound_are_told_after_a_minute_and_taken_up_the_ladder_after_ten(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(WITH_CARD)
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10)
    bench.device.sound = ZEROS  # silent at 12
    await trio.sleep(61)
    assert told(caplog) == []
    await trio.sleep(3)
    assert [text[:40] for _, text in told(caplog)] == ["the microphone: it has given digital zer"]
    await trio.sleep(540)
    assert len(bench.device.attempts_s) == 1
    await trio.sleep(10)
    assert len(bench.device.attempts_s) == 2


async def test_neither_a_silent_nor_a_stuck_microphone_is_reported_absent(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(SETTINGS, recovery=()))
    bench.device.sound = ZEROS
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10)
    assert bench.supervisor.status().health is SILENT
    bench.device.sound = STUCK
    await trio.sleep(10)
    assert bench.supervisor.status().health is MicrophoneHealth.STUCK
    assert bench.listener.presence == [(0.5, True)]
