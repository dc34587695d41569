"""The steps of a station's sound, on a software card and on recorded roots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.cli.doctor import play_tone
from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth
from gatewayd.diagnosis.results import Step, warned
from gatewayd.diagnosis.sound import find_card, judge
from gatewayd.errors import DeviceBusy, DeviceError
from gatewayd.hardware.inventory import Card
from gatewayd.hardware.settings import CaptureSettings, StationSettings
from tests.diagnosis.patients import Patient
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction, EventKind

if TYPE_CHECKING:
    from tests.diagnosis.patients import Chart
    from tests.softcard.card import SoftCard, SoundRack

ROOTS = Path(__file__).parents[1] / "roots"
AGENT = "[agent]\nurl = 'wss://voice.example/ws'\n[agent.token]\nurl = 'https://api.example/session'"
DEVICE = "hw:CARD=Mic,DEV=0"


async def heard(folder: Path, **patient: object) -> Chart:
    return await replace(Patient(folder, AGENT), **patient).examined(network=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sound", "told", "advice"),
    [
        (b"", ("fail", f"{DEVICE} gives only digital zero for 2.5 s"), "speak while `gatewayd meter` runs"),
        (
            b"\x55\x05" * 8000,
            ("fail", f"{DEVICE} gives one value over and over for 2.5 s"),
            "check its wiring and which channel is used",
        ),
        (
            (np.sign(np.sin(np.arange(16_000) / 10)) * 32_767).astype("<i2").tobytes(),
            ("warn", f"{DEVICE} is cut off at full scale, at 3 dBFS"),
            "lower its volume in the mixer",
        ),
    ],
)
async def test_a_microphone_that_hears_nothing_usable(
    tmp_path: Path, card: SoftCard, sound: bytes, told: tuple[str, str], advice: str
) -> None:
    card.play_in(sound)
    chart = await heard(tmp_path)
    verdict, text, order = chart.told(Step.LEVELS)
    assert (verdict, text) == told
    assert order is not None
    assert order.startswith(advice)
    assert chart.told(Step.SPEAKER)[0] == "pass"


async def test_a_device_that_another_program_holds(tmp_path: Path, card: SoftCard) -> None:
    with card.busy():
        chart = await heard(tmp_path)
    for step in (Step.LEVELS, Step.SPEAKER):
        verdict, text, advice = chart.told(step)
        assert verdict == "fail"
        assert text.startswith(f"{DEVICE}: another program holds it")
        assert advice == "stop the program that holds it (`fuser -v /dev/snd/*` as root names it)"


async def test_a_device_that_this_user_may_not_open(tmp_path: Path, card: SoftCard) -> None:
    with card.denied(Direction.CAPTURE):
        chart = await heard(tmp_path)
    verdict, text, advice = chart.told(Step.LEVELS)
    assert verdict == "fail"
    assert "no permission" in text
    assert advice == "run this as root, or add this user to the group that may: `usermod -aG audio USER`"
    assert chart.told(Step.SPEAKER)[0] == "pass"


async def test_no_card(tmp_path: Path, sound_rack: SoundRack) -> None:
    chart = await heard(tmp_path)
    verdict, text, advice = chart.told(Step.LEVELS)
    assert verdict == "fail"
    assert text.startswith(f"{DEVICE}: no such device")
    assert advice == "plug the card in, and see `gatewayd devices` for what is there"


async def test_a_card_that_cannot_do_what_is_configured(tmp_path: Path, sound_rack: SoundRack) -> None:
    sound_rack.plug_in("Mic", StreamDefinition(rates_hz=(48_000,), channels=(2,)))
    chart = await heard(tmp_path)
    assert chart.told(Step.LEVELS)[0] == "fail"
    assert chart.told(Step.LEVELS)[2] == (
        "set rate_hz, format and channels of the station to what `gatewayd devices` says it offers"
    )


async def test_ask_for_a_tone_and_it_is_played(tmp_path: Path, card: SoftCard) -> None:
    chart = await heard(tmp_path, play=play_tone)
    # A card in a hurry may run dry, which is said.
    assert chart.told(Step.SPEAKER)[0] in ("pass", "warn")
    assert "tone" in chart.of(Step.SPEAKER).text
    played = np.frombuffer(card.played(), "<i2")
    assert np.abs(played).max() == pytest.approx(3277, abs=2)
    assert card.timeline(Direction.PLAYBACK).kinds[-1] is EventKind.CLOSE


async def test_a_station_without_a_speaker(tmp_path: Path, card: SoftCard) -> None:
    stations = f"""
    [stations.main.capture]
    device = "{DEVICE}"
    rate_hz = 16000
    format = "S16_LE"
    channels = 1
    [stations.main.playback]
    enabled = false
    """
    chart = await heard(tmp_path, stations=stations)
    assert chart.told(Step.SPEAKER) == ("skipped", "this station has none", None)


class Source:
    """A station's hardware as it is told, or why there is none."""

    def __init__(self, found: StationSettings | DeviceError) -> None:
        self._found = found

    def find(self) -> StationSettings:
        if isinstance(self._found, DeviceError):
            raise self._found
        return self._found


def test_a_card_that_only_the_daemon_can_ask() -> None:
    busy = Source(DeviceBusy(DEVICE, "gatewayd holds it"))
    found = find_card(busy, Path("/"), held=True)
    assert found.outcome.text == "the running gatewayd has it open, so it is not asked what it can do"
    with pytest.raises(DeviceBusy):
        find_card(busy, Path("/"), held=False)


def test_what_a_person_should_know_of_a_card() -> None:
    found = find_card(Source(replace(MIC, notes=("it has no speaker",))), Path("/"), held=True)
    assert found.outcome == warned(
        f"as configured: {DEVICE} (S16_LE 16000 Hz 1 ch, channel 0); it has no speaker",
        "see `gatewayd devices` for how this came about",
    )


class TestRecordedRoots:
    async def test_a_board_that_is_known(self, tmp_path: Path, sound_rack: SoundRack) -> None:
        root = ROOTS / "pi4-jabra-speak-510"
        chart = await heard(tmp_path, stations="[stations.main]", root=root)
        verdict, text, _ = chart.told(Step.CARD)
        assert verdict == "pass"
        assert text.startswith("profile jabra-speak-510: hw:CARD=")
        assert chart.told(Step.LEVELS)[0] == "skipped"
        assert chart.told(Step.LEVELS)[1].endswith(f" is in the copy at {root} only")
        assert chart.told(Step.SPEAKER)[0] == "skipped"

    async def test_no_microphone(self, tmp_path: Path, sound_rack: SoundRack) -> None:
        chart = await heard(tmp_path, stations="[stations.main]", root=ROOTS / "pi4-only-playback")
        assert chart.told(Step.CARD)[0] == "fail"
        assert chart.told(Step.CARD)[2] == "plug the card in, and see `gatewayd devices` for what is there"
        assert chart.told(Step.LEVELS) == ("skipped", "it needs card (main), which failed", None)

    async def test_two_that_could_be_meant(self, tmp_path: Path, sound_rack: SoundRack) -> None:
        chart = await heard(tmp_path, stations="[stations.main]", root=ROOTS / "pi4-two-c-media-dongles")
        assert chart.told(Step.CARD)[::2] == (
            "fail",
            "say in the station's table which card is meant: `gatewayd devices` names the ports",
        )


MIC = StationSettings(
    None,
    CaptureSettings(DEVICE, StreamParameters(16_000, SampleFormat.S16_LE, 1), (0,)),
    None,
    card=Card(0, "Mic"),
)
BUTTON = replace(MIC, capture=replace(MIC.capture, mute_gives_zeros=True))
DEAD_SLOT = Finding(FindingKind.SLOT_SILENT, "channel 1 gives digital zero, channel 0 gives sound: set pick = [0]", 1)


@pytest.mark.parametrize(
    ("health", "level_dbfs", "findings", "settings", "switched_off", "verdict", "words"),
    [
        (MicrophoneHealth.SILENT, None, (), MIC, "Mic", "fail", "its mixer control 'Mic' is off"),
        (MicrophoneHealth.SILENT, None, (), BUTTON, "", "warn", "as its own mute button makes it"),
        (MicrophoneHealth.STARTING, None, (), MIC, "", "fail", "too little sound"),
        (MicrophoneHealth.OK, -40.2, (DEAD_SLOT,), MIC, "", "warn", "at -40 dBFS, but channel 1 gives digital zero"),
        (MicrophoneHealth.OK, -98.0, (), MIC, "", "warn", "less than the noise of a quiet room"),
        (MicrophoneHealth.OK, None, (), MIC, "", "pass", "gives sound at no level yet"),
    ],
)
def test_what_sound_says_of_a_microphone(
    *,
    health: MicrophoneHealth,
    level_dbfs: float | None,
    findings: tuple[Finding, ...],
    settings: StationSettings,
    switched_off: str,
    verdict: str,
    words: str,
) -> None:
    outcome = judge(health, level_dbfs, findings, settings, switched_off=switched_off, heard_s=2.5)
    assert outcome.verdict.value == verdict
    assert words in outcome.text
    assert (outcome.next is None) is (verdict == "pass")
