"""The recovery ladder carried out: what is closed, opened and reset in which order, and what a person is told."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceLost, DeviceMissing, DeviceStalled
from gatewayd.hardware.inventory import Card, UsbIdentity
from gatewayd.hardware.settings import RecoveryStep
from tests.station.bench import DEVICE, SETTINGS, Bench, told
from tests.station.fakes import NOISE, STUCK, ZEROS

if TYPE_CHECKING:
    from trio.testing import MockClock

USB_CARD = Card(2, "Array", usb=UsbIdentity("2886:001a", path="1-1.2"))
ALL_STEPS = replace(SETTINGS, card=USB_CARD, recovery=tuple(RecoveryStep))
EIO = DeviceLost(DEVICE, "its driver reports a failed transfer")
REOPENED = "the microphone gives nothing usable: it is closed and opened anew"
REOPENED_BOTH = (
    "the microphone gives nothing usable: microphone and speaker are closed and opened anew, the speaker first"
)
RESET = "the microphone gives nothing usable: its USB device is reset"
ALARM = "the microphone: it gives nothing usable, and nothing that was tried helped: unplug it and plug it in again"


def recovery_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said about recovery, the alarm without its long advice."""
    about = ("gives nothing usable", "USB device", "usable sound again")
    return [
        ALARM if text.startswith(ALARM) else text for _, text in told(caplog) if any(part in text for part in about)
    ]


async def started(nursery: trio.Nursery, bench: Bench) -> None:
    await nursery.start(bench.playback.run)
    await nursery.start(bench.supervisor.run)


@pytest.mark.parametrize(("sound", "health"), [(ZEROS, MicrophoneHealth.SILENT), (STUCK, MicrophoneHealth.STUCK)])
async def test_one_that_gives_nothing_is_taken_up_the_whole_ladder(
    sound: bytes,
    health: MicrophoneHealth,
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(ALL_STEPS)
    bench.device.sound = sound
    await started(nursery, bench)
    await trio.sleep(60)
    assert recovery_lines(caplog) == [REOPENED, REOPENED_BOTH, RESET, ALARM]
    assert [path for _, path in bench.usb.resets] == ["1-1.2"]
    status = bench.supervisor.status()
    assert (status.health, status.recovery) == (health, "alarm")
    assert status.problem is not None
    assert status.problem.startswith("it gives nothing usable, and nothing that was tried helped: unplug it")
    assert len(bench.device.attempts_s) == 4  # the alarm closes nothing
    assert len(bench.speaker.attempts_s) == 3
    assert bench.listener.presence == [(0.5, True)]


async def test_it_is_over_when_usable_sound_has_flowed_for_some_seconds(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(ALL_STEPS)
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(25)
    assert bench.supervisor.status().recovery == "reopen-duplex"
    bench.device.sound = NOISE
    await trio.sleep(20)
    assert recovery_lines(caplog) == [
        REOPENED,
        REOPENED_BOTH,
        "the microphone gives usable sound again; the last that was done for it: reopen-duplex",
    ]
    status = bench.supervisor.status()
    assert (status.health, status.recovery, status.problem) == (MicrophoneHealth.OK, None, None)


async def test_a_duplex_reopening_plays_silence_before_capture_is_opened(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(ALL_STEPS, recovery=(RecoveryStep.REOPEN_DUPLEX,)))
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(9)
    assert bench.speaker.attempts_s[1] <= bench.device.attempts_s[1]
    before, after = bench.speaker.streams
    assert before.heard == []
    assert after.heard
    assert after.heard[0][0] <= bench.device.attempts_s[1]
    await trio.sleep(20)
    assert after.queued_s > 0  # and goes on while capture does
    assert after.underruns == 0


async def test_both_streams_are_closed_while_the_usb_device_is_reset(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(ALL_STEPS, recovery=(RecoveryStep.USB_RESET,)))
    bench.device.sound = ZEROS
    await started(nursery, bench)
    while not bench.usb.resets:  # noqa: ASYNC110 - in virtual time
        await trio.sleep(0.1)
    assert (bench.device.is_open, bench.speaker.is_open) == (False, False)
    await trio.sleep(1)
    assert (bench.device.is_open, bench.speaker.is_open) == (True, True)


async def test_a_reset_that_brings_the_device_back_late_and_well_is_waited_for(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(ALL_STEPS, recovery=(RecoveryStep.USB_RESET, RecoveryStep.ALARM)))
    bench.device.sound = ZEROS
    await started(nursery, bench)
    while not bench.usb.resets:  # noqa: ASYNC110 - in virtual time
        await trio.sleep(0.1)
    bench.hardware.fails = DeviceMissing(DEVICE, "no such device")
    await trio.sleep(2)
    bench.hardware.fails = None
    bench.device.sound = NOISE
    bench.hotplug.tell()
    await trio.sleep(20)
    assert recovery_lines(caplog) == [
        RESET,
        "the microphone gives usable sound again; the last that was done for it: usb-reset",
    ]


async def test_a_reset_that_is_not_permitted_is_told_once_and_passed_over_from_then_on(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(ALL_STEPS, recovery=(RecoveryStep.USB_RESET, RecoveryStep.ALARM)))
    bench.usb.fails = DeviceDenied("1-1.2", "the unit needs `DeviceAllow=char-usb_device rw`")
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(340)
    assert len(bench.usb.resets) == 1
    denied = "the microphone's USB device cannot be reset, and will not be tried again: 1-1.2: the unit needs "
    assert recovery_lines(caplog) == [RESET, f"{denied}`DeviceAllow=char-usb_device rw`", ALARM, ALARM]


async def test_a_reset_that_fails_is_told_and_what_follows_goes_on(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(ALL_STEPS, recovery=(RecoveryStep.USB_RESET, RecoveryStep.ALARM)))
    bench.usb.fails = DeviceLost("1-1.2", "the kernel refused")
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(30)
    failed = "the microphone's USB device could not be reset: 1-1.2: the kernel refused"
    assert recovery_lines(caplog) == [RESET, failed, ALARM]


@pytest.mark.parametrize("card", [None, Card(2, "sndrpii2scard"), Card(2, "Array", usb=UsbIdentity("2886:001a"))])
async def test_without_a_known_usb_port_the_reset_is_passed_over_and_that_is_told_once(
    card: Card | None, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(replace(ALL_STEPS, card=card))
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(50)
    skip = "the microphone's USB device will not be reset: its port is not known, or it has none"
    assert recovery_lines(caplog) == [skip, REOPENED, REOPENED_BOTH, ALARM]
    assert bench.usb.resets == []


@pytest.mark.parametrize("error", [EIO, DeviceStalled(DEVICE, "no sound moved for 2 s")])
async def test_one_that_fails_again_and_again_is_taken_up_the_ladder_too(
    error: DeviceError, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(ALL_STEPS)
    await started(nursery, bench)
    for _ in range(30):
        await trio.sleep(2)
        bench.device.fail(error)
    assert recovery_lines(caplog) == [REOPENED, REOPENED_BOTH, RESET, ALARM]
    assert bench.supervisor.status().problem == str(error)


@pytest.mark.parametrize("error", [DeviceMissing(DEVICE, "no such device"), DeviceBusy(DEVICE, "held by pulseaudio")])
async def test_one_that_is_not_there_or_not_ours_is_no_case_for_the_ladder(
    error: DeviceError, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(ALL_STEPS)
    bench.device.fails_to_open = error
    await started(nursery, bench)
    await trio.sleep(1000)
    assert recovery_lines(caplog) == []
    status = bench.supervisor.status()
    assert (status.health, status.problem) == (MicrophoneHealth.MISSING, str(error))


async def test_before_any_hardware_was_found_there_is_no_ladder(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(ALL_STEPS)
    bench.hardware.fails = EIO
    await started(nursery, bench)
    await trio.sleep(100)
    assert recovery_lines(caplog) == []
    bench.hardware.fails = None
    bench.device.fails_to_open = EIO
    await trio.sleep(10)
    assert recovery_lines(caplog) == [REOPENED]


async def test_a_microphone_that_is_muted_is_left_alone(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(ALL_STEPS)
    bench.mixer.switched_off = "Mic"
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(100)
    assert recovery_lines(caplog) == []
    assert len(bench.device.attempts_s) == 1
    assert bench.supervisor.status().health is MicrophoneHealth.MUTED
    bench.mixer.switched_off = ""  # somebody switched it on, and still there is nothing: now it is broken
    await trio.sleep(6)
    assert bench.supervisor.status().health is MicrophoneHealth.SILENT
    await trio.sleep(6)
    assert recovery_lines(caplog) == [REOPENED]


async def test_a_station_without_a_speaker_has_a_ladder_too(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(replace(ALL_STEPS, playback=None))
    bench.device.sound = ZEROS
    await started(nursery, bench)
    await trio.sleep(60)
    assert recovery_lines(caplog) == [REOPENED, REOPENED_BOTH, RESET, ALARM]
    assert bench.speaker.attempts_s == []
