"""A microphone that is too quiet for speech, told from a night without any."""

from __future__ import annotations

import numpy as np
import pytest

from gatewayd.audio import findings
from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.quiet import QuietMonitor
from gatewayd.control.schema import FindingKind, MicrophoneHealth
from tests.audio.card import Card
from tests.audio.sound import encode

HOUR = 7200
"""Half seconds in an hour."""


def give(monitor: QuietMonitor, level_dbfs: float, half_seconds: int = 1) -> None:
    power = 0.5 * 10.0 ** (level_dbfs / 10.0)
    for _ in range(half_seconds):
        monitor.feed(power)


def test_a_day_below_what_speech_gives_is_too_quiet() -> None:
    monitor = QuietMonitor()
    give(monitor, -72.0, 24 * HOUR - 1)
    assert monitor.quiet_day_dbfs is None
    give(monitor, -65.0)
    assert monitor.quiet_day_dbfs == pytest.approx(-65.0)
    assert not monitor.quiet_hour


def test_one_second_of_speech_in_a_day_is_enough() -> None:
    monitor = QuietMonitor()
    for _ in range(4):
        give(monitor, -80.0, 23 * HOUR)
        give(monitor, -59.0)
        assert monitor.quiet_day_dbfs is None


def test_too_quiet_is_over_with_a_second_clearly_above_the_limit() -> None:
    monitor = QuietMonitor()
    give(monitor, -72.0, 24 * HOUR)
    give(monitor, -55.0)
    assert monitor.quiet_day_dbfs == pytest.approx(-55.0), "not clearly"
    give(monitor, -53.9)
    assert monitor.quiet_day_dbfs is None
    give(monitor, -72.0, 24 * HOUR)
    assert monitor.quiet_day_dbfs is None, "the hour of that second is not a day ago"
    give(monitor, -72.0, HOUR)
    assert monitor.quiet_day_dbfs == pytest.approx(-72.0)


def test_an_hour_below_the_noise_of_any_room_is_too_quiet() -> None:
    monitor = QuietMonitor()
    give(monitor, -96.0, HOUR - 1)
    seen = [monitor.quiet_hour]
    for level_dbfs in (-96.0, -90.0, -88.9):
        give(monitor, level_dbfs)
        seen.append(monitor.quiet_hour)
    assert seen == [False, True, True, False], "-90 is not clearly above"


def test_the_hour_begins_anew_with_the_noise_of_a_room() -> None:
    monitor = QuietMonitor()
    give(monitor, -96.0, HOUR - 1)
    give(monitor, -80.0)
    give(monitor, -96.0, HOUR - 1)
    assert not monitor.quiet_hour


def test_a_noise_gate_is_known_by_what_it_does_and_raises_nothing_at_night() -> None:
    monitor = QuietMonitor()
    give(monitor, -97.0, 120)
    give(monitor, -30.0, 10)
    give(monitor, -97.0, 8 * HOUR)
    assert not monitor.quiet_hour


def test_a_microphone_whose_noise_comes_and_goes_has_no_gate() -> None:
    monitor = QuietMonitor()
    give(monitor, -97.0, 119)
    give(monitor, -30.0)
    give(monitor, -97.0, 120)
    give(monitor, -70.0)
    give(monitor, -97.0, HOUR)
    assert monitor.quiet_hour


def test_digital_zero_counts_neither_way() -> None:
    monitor = QuietMonitor()
    give(monitor, -72.0, 12 * HOUR)
    for _ in range(48 * HOUR):
        monitor.feed(0.0)
    assert monitor.quiet_day_dbfs is None
    give(monitor, -72.0, 12 * HOUR)
    assert monitor.quiet_day_dbfs == pytest.approx(-72.0)


@pytest.mark.parametrize(("gain_db", "found"), [(0.0, [(FindingKind.QUIET, None)]), (40.0, [])])
def test_what_counts_is_what_the_agent_hears(gain_db: float, found: list[tuple[FindingKind, int | None]]) -> None:
    card = Card(StreamParameters(8_000, SampleFormat.S32_LE, 1), gain_db=gain_db)
    half_second = encode(np.random.default_rng(5).normal(0.0, 10.0 ** (-110 / 20), 4000), SampleFormat.S32_LE)
    for step in range(HOUR + 1):
        card.monitor.feed(half_second, step / 2)
    assert card.monitor.health is MicrophoneHealth.OK, "it is not dead"
    assert card.found == found


def test_how_much_too_quiet_is_told_with_what_to_do() -> None:
    monitor = QuietMonitor()
    assert findings.loudness(monitor) == []
    give(monitor, -97.3, HOUR)
    (finding,) = findings.loudness(monitor)
    assert finding.kind is FindingKind.QUIET
    assert finding.text == (
        "nothing above -95 dBFS after gain for an hour, less than the noise of a quiet room: the microphone is "
        "unplugged from its converter, or its volume in the mixer is at the bottom"
    )
    give(monitor, -97.3, 23 * HOUR)
    (finding,) = findings.loudness(monitor)
    assert finding.kind is FindingKind.QUIET
    assert finding.text == (
        "the loudest second of the last 24 hours was at -97 dBFS after gain; speech at 1 m is to give about -30, and "
        "never less than -60: raise gain_db or the microphone's volume in the mixer, or look whether it is covered or "
        "unplugged"
    )
