"""Before each opening the hardware is looked for anew: it may come back as another, or not at all."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.audio.formats import FRAME_BYTES, SampleFormat, StreamParameters
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import (
    DeviceAmbiguous,
    DeviceBusy,
    DeviceDenied,
    DeviceError,
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DeviceStalled,
)
from gatewayd.hardware.inventory import Card
from gatewayd.hardware.settings import MixerSetting, StationSettings
from gatewayd.seams.audio import CapturedBlock
from gatewayd.seams.hardware import MixerReport
from gatewayd.station.presence import DEVICE_GRACE_S
from gatewayd.station.reopening import NEWS_INTERVAL_S
from tests.station.bench import CAPTURE, DEVICE, SETTINGS, Bench, told
from tests.station.fakes import NOISE, frame_of

if TYPE_CHECKING:
    from trio.testing import MockClock

LOST = DeviceLost(DEVICE, "it was unplugged, or its driver let go of it")
WITH_MIXER = replace(SETTINGS, card=Card(2, "Array"), mixer=(MixerSetting("PGA", raw=52),))
STEREO_48K = replace(
    CAPTURE, device="hw:CARD=Array_1,DEV=0", parameters=StreamParameters(48_000, SampleFormat.S16_LE, 2)
)


async def test_before_anything_was_found_the_status_names_no_device(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.hardware.fails = DeviceMissing("auto", "no card is there that captures")
    await nursery.start(bench.supervisor.run)
    await nursery.start(bench.playback.run)
    status = bench.supervisor.status()
    assert (status.device, status.rate_hz, status.format, status.channels) == (None, None, None, None)
    assert (status.health, status.problem) == (MicrophoneHealth.MISSING, "auto: no card is there that captures")
    assert bench.supervisor.profile is None
    playback = bench.playback.status()
    assert playback is not None
    assert (playback.device, playback.problem) == (None, "auto: no card is there that captures")


@pytest.mark.parametrize(
    "failure",
    [
        (DeviceMissing("auto", "no card is there that captures"), "WARNING"),
        (DeviceAmbiguous("auto", "two cards could be meant: set `port`"), "ERROR"),
        (DeviceRefused("Array", "it cannot do 44100 Hz"), "ERROR"),
        (DeviceDenied(DEVICE, "no permission; add this user to group `audio`"), "ERROR"),
        (DeviceBusy(DEVICE, "pulseaudio (1234) holds it"), "WARNING"),
        (LOST, "WARNING"),
        (DeviceLost(DEVICE, "its driver reports a failed transfer (Input/output error)"), "WARNING"),
        (DeviceLost(DEVICE, "8 overruns or underruns in a row without a sample between them"), "WARNING"),
        (DeviceLost(DEVICE, "it was suspended"), "WARNING"),
        (DeviceStalled(DEVICE, "open, but no sound moved for 2 s"), "WARNING"),
    ],
)
@pytest.mark.parametrize("where", ["found", "opened", "open"])
async def test_whatever_fails_is_told_shown_and_tried_again(
    where: str,
    failure: tuple[DeviceError, str],
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Found: by the look for it; opened: by its opening; open: by the stream."""
    caplog.set_level(logging.INFO)
    error, level = failure
    bench = Bench()
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10)
    bench.device.fail(error if where == "open" else LOST)
    bench.hardware.fails = error if where == "found" else None
    bench.device.fails_to_open = error if where != "found" else None
    await trio.sleep(10)
    status = bench.supervisor.status()
    assert (status.health, status.problem, status.device) == (MicrophoneHealth.MISSING, str(error), DEVICE)
    assert (level, f"capture does not work and is tried again: {error}") in told(caplog)

    bench.hardware.fails = bench.device.fails_to_open = None
    bench.hotplug.tell()
    await trio.sleep(10)
    status = bench.supervisor.status()
    assert (status.health, status.problem, status.reopens, status.gaps) == (MicrophoneHealth.OK, None, 1, 1)
    assert ("INFO", "capture works again") in told(caplog)
    assert bench.listener.presence == [(0.5, True), (10 + DEVICE_GRACE_S, False), (20.5, True)]


async def test_a_device_that_gives_no_sound_does_not_work_again_by_being_opened(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(SETTINGS, recovery=()))
    await nursery.start(bench.supervisor.run)
    stalled = DeviceStalled(DEVICE, "open, but no sound moved for 2 s")
    for _ in range(20):
        await trio.sleep(2)
        bench.device.fail(stalled)
    await trio.sleep(1)
    assert bench.supervisor.status().problem == str(stalled)
    assert told(caplog) == [("WARNING", f"capture does not work and is tried again: {stalled}")]


async def test_one_that_comes_back_under_another_name_and_rate_is_heard_without_a_break_of_the_wire(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(2.2)
    bench.hardware.settings = StationSettings("generic-usb", STEREO_48K, None)
    bench.device.sound = None
    bench.device.fail(LOST)
    await trio.sleep(1)
    frames = len(bench.listener.frames)
    bench.device.hear(CapturedBlock(NOISE[: 960 * 4 * 3]))  # three wire frames' worth at 48 kHz in stereo
    await trio.sleep(1)
    assert len(bench.listener.frames) == frames + 3
    assert {len(frame) for frame in bench.listener.frames} == {FRAME_BYTES}
    status = bench.supervisor.status()
    assert (status.device, status.rate_hz, status.channels) == ("hw:CARD=Array_1,DEV=0", 48_000, 2)
    assert bench.supervisor.profile == "generic-usb"
    assert bench.devices.captures == [CAPTURE, STEREO_48K]


async def test_one_that_comes_back_as_it_was_goes_on_with_what_was_made_for_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench()
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    bench.device.fail(LOST)
    await trio.sleep(1)
    await bench.hear(2)
    assert bench.listener.frames == [frame_of(1), frame_of(2)]
    assert bench.devices.captures == [CAPTURE]


async def test_the_first_sound_after_each_opening_is_thrown_away_while_a_microphone_warms_up(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(SETTINGS, capture=replace(CAPTURE, warm_up_ms=50)))
    await nursery.start(bench.supervisor.run)
    bench.device.hear(CapturedBlock(frame_of(1) * 2))
    bench.device.hear(CapturedBlock(frame_of(1)[:320] + frame_of(2)))
    bench.device.hear(CapturedBlock(frame_of(3)))
    await trio.sleep(1)
    bench.device.fail(LOST)
    await trio.sleep(1)
    bench.device.hear(CapturedBlock(frame_of(4) * 2 + frame_of(4)[:320] + frame_of(5)))
    await trio.sleep(1)
    assert bench.listener.frames == [frame_of(2), frame_of(3), frame_of(5)]


async def test_health_does_not_judge_a_microphone_by_how_it_warms_up(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(SETTINGS, capture=replace(CAPTURE, warm_up_ms=5000)))
    bench.device.sound = bytes(len(NOISE))
    await nursery.start(bench.supervisor.run)
    await trio.sleep(5.1)
    assert bench.supervisor.status().health is MicrophoneHealth.STARTING
    bench.device.sound = NOISE
    await trio.sleep(5)
    assert bench.supervisor.status().health is MicrophoneHealth.OK
    assert bench.supervisor.status().problem is None


async def test_the_mixer_is_set_before_each_opening_and_told_about_once(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(WITH_MIXER)
    missing = "`Mic Bias` is missing: `amixer -c Array scontrols` lists what is there"
    bench.mixer.report = MixerReport(changed=("PGA: 40 -> 52",), problems=(missing,))
    await nursery.start(bench.supervisor.run)
    await bench.hear(1)
    assert bench.supervisor.status().mixer_problems == (missing,)
    for report in (MixerReport(problems=(missing,)), MixerReport(), MixerReport(changed=("PGA: 39 -> 52",))):
        bench.mixer.report = report
        await trio.sleep(6)
        bench.device.fail(LOST)
        await trio.sleep(1)
    assert bench.mixer.applied == [("Array", WITH_MIXER.mixer)] * 4
    assert bench.supervisor.status().mixer_problems == ()
    assert [line for line in told(caplog) if "mixer" in line[1]] == [
        ("INFO", "mixer of card Array set: PGA: 40 -> 52"),
        ("WARNING", f"mixer of card Array: {missing}"),
        ("INFO", "mixer of card Array set: PGA: 39 -> 52"),
    ]


@pytest.mark.parametrize("settings", [replace(WITH_MIXER, card=None), replace(WITH_MIXER, mixer=())])
async def test_without_a_card_or_anything_to_set_no_mixer_is_touched(
    settings: StationSettings, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(settings)
    await nursery.start(bench.supervisor.run)
    assert bench.device.is_open
    assert bench.mixer.applied == []


BUILT_IN, USB = Card(0, "PCH", port="0000:00:1f.3"), Card(1, "Array", port="usb-0000:01:00.0-1.2")


async def capturing(nursery: trio.Nursery, card: Card | None) -> Bench:
    bench = Bench(replace(SETTINGS, card=card))
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10)
    return bench


async def test_a_card_that_is_meant_rather_than_the_one_in_use_is_changed_to_when_it_comes(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = await capturing(nursery, BUILT_IN)
    bench.hardware.settings = replace(SETTINGS, card=USB, capture=replace(CAPTURE, device="hw:CARD=Array,DEV=0"))
    bench.hotplug.tell()
    await trio.sleep(10)
    status = bench.supervisor.status()
    assert (status.device, status.reopens, status.gaps) == ("hw:CARD=Array,DEV=0", 1, 1)
    assert told(caplog)[0] == (
        "INFO",
        "card Array at usb-0000:01:00.0-1.2 is the station's now, rather than PCH at 0000:00:1f.3",
    )
    assert bench.listener.presence == [(0.5, True)]


async def test_one_that_is_complete_only_a_moment_after_its_first_news_is_changed_to_as_well(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = await capturing(nursery, BUILT_IN)
    bench.hotplug.tell()
    await trio.sleep(0.5)
    bench.hotplug.tell()
    bench.hardware.settings = replace(SETTINGS, card=USB)
    await trio.sleep(1)
    assert bench.device.attempts_s == [0, 11]


@pytest.mark.parametrize("error", [DeviceAmbiguous("auto", "two could be meant"), DeviceMissing("auto", "none")])
async def test_news_that_leave_nothing_better_do_not_disturb_what_works(
    error: DeviceError, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = await capturing(nursery, BUILT_IN)
    bench.hotplug.tell()
    await trio.sleep(10)
    bench.hardware.fails = error
    bench.hotplug.tell()
    await trio.sleep(10)
    assert bench.device.attempts_s == [0]
    assert bench.supervisor.status().health is MicrophoneHealth.OK


async def test_a_device_that_the_configuration_names_is_not_changed(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = await capturing(nursery, None)
    bench.hardware.settings = replace(SETTINGS, card=USB)
    bench.hotplug.tell()
    await trio.sleep(10)
    assert bench.device.attempts_s == [0]


async def test_a_storm_of_news_leads_to_a_look_or_two_a_second(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = await capturing(nursery, BUILT_IN)
    asked = len(bench.hardware.asked_s)
    for _ in range(1000):
        await trio.sleep(0.01)
        bench.hotplug.tell()
    assert len(bench.hardware.asked_s) - asked <= 2 * 10 / NEWS_INTERVAL_S
    assert bench.device.attempts_s == [0]
