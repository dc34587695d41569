"""What a person is told when a sound device does not open."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceMissing, DeviceRefused
from gatewayd.hardware.alsa.devices import AlsaDevices
from gatewayd.hardware.alsa.opening import FAILURES_MAX, PERIOD_MAX_MS, Openings
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice, AlsaPlaybackDevice
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings
from tests.hardware.sounds import open_descriptors
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

S32_STEREO = StreamParameters(48_000, SampleFormat.S32_LE, 2)


def capture_of(device: str, parameters: StreamParameters = S32_STEREO) -> AlsaCaptureDevice:
    return AlsaCaptureDevice(CaptureSettings(device, parameters, pick=(0,)))


async def error_of(device: AlsaCaptureDevice | AlsaPlaybackDevice) -> DeviceError:
    with pytest.raises(DeviceError) as raised:
        async with device.open():
            pytest.fail("it opened")
    return raised.value


async def test_a_card_that_is_not_there(sound_rack: SoundRack) -> None:
    error = await error_of(capture_of("hw:CARD=Array,DEV=0"))
    assert isinstance(error, DeviceMissing)
    assert str(error) == (
        "hw:CARD=Array,DEV=0: no such device; `gatewayd devices` lists what is there (No such device)"
    )


async def test_a_name_that_alsa_does_not_know_is_explained_in_its_own_words(
    sound_rack: SoundRack, capfd: pytest.CaptureFixture[str]
) -> None:
    device = capture_of("front-desk")
    for _ in range(2):  # the second time it is probed first
        error = await error_of(device)
        assert isinstance(error, DeviceMissing)
        assert "Unknown PCM front-desk" in error.detail
    assert capfd.readouterr().err == ""


async def test_a_card_without_that_direction(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Mic", StreamDefinition(formats=("S32_LE",)), None)
    assert isinstance(await error_of(AlsaPlaybackDevice(PlaybackSettings(card.device, S32_STEREO))), DeviceMissing)


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_card_that_another_program_holds(sound_card: SoftCard, direction: Direction) -> None:
    device = (
        capture_of(sound_card.device)
        if direction is Direction.CAPTURE
        else AlsaPlaybackDevice(PlaybackSettings(sound_card.device, S32_STEREO))
    )
    with sound_card.busy(direction):
        for _ in range(2):
            error = await error_of(device)
            assert isinstance(error, DeviceBusy)
            assert "another program holds it" in error.detail
    async with device.open():
        pass


async def test_a_card_that_is_open_already(sound_card: SoftCard) -> None:
    async with capture_of(sound_card.device).open():
        assert isinstance(await error_of(capture_of(sound_card.device)), DeviceBusy)


async def test_a_card_that_this_user_may_not_open(sound_card: SoftCard) -> None:
    with sound_card.denied():
        error = await error_of(capture_of(sound_card.device))
    assert isinstance(error, DeviceDenied)
    assert "add this user to group `audio`" in error.detail


@pytest.mark.parametrize(
    ("offered", "got", "told"),
    [
        (StreamDefinition(rates_hz=(16_000,)), "S16_LE 16000 Hz 2 ch", "S16_LE at 16000 Hz with 2 ch"),
        (StreamDefinition(formats=("S32_LE",)), "S32_LE 48000 Hz 2 ch", "S32_LE at 48000 Hz with 2 ch"),
        (StreamDefinition(formats=("S32_BE",)), "S32_BE 48000 Hz 2 ch", "nothing that gatewayd reads"),
        (StreamDefinition(channels=(6,)), "S16_LE 48000 Hz 6 ch", "S16_LE at 48000 Hz with 6 ch"),
    ],
)
async def test_a_card_that_takes_something_else_is_refused_and_told_what_it_offers(
    sound_rack: SoundRack, offered: StreamDefinition, got: str, told: str
) -> None:
    card = sound_rack.plug_in("Array", offered)
    parameters = StreamParameters(48_000, SampleFormat.S16_LE, 2)
    for device in (
        capture_of(card.device, parameters),
        AlsaPlaybackDevice(PlaybackSettings(card.device, parameters)),
    ):
        error = await error_of(device)
        assert isinstance(error, DeviceRefused)
        assert error.detail == (
            f"asked for S16_LE 48000 Hz 2 ch, the card took {got}; it offers {told}: set rate_hz, format and channels "
            "to that, or name it plughw:… so that ALSA converts"
        )
    assert card.open_directions() == []


async def test_the_same_is_told_of_a_card_that_was_missing_before(sound_rack: SoundRack) -> None:
    devices = AlsaDevices()
    settings = CaptureSettings("hw:CARD=Array,DEV=0", S32_STEREO, pick=(0,))
    assert isinstance(await error_of(devices.capture(settings)), DeviceMissing)
    sound_rack.plug_in("Array", StreamDefinition(rates_hz=(16_000, 48_000), channels=(1, 2)))
    error = await error_of(devices.capture(settings))
    assert isinstance(error, DeviceRefused)
    assert error.detail.startswith(
        "asked for S32_LE 48000 Hz 2 ch, the card refused (Invalid argument); it offers S16_LE at 16000, 48000 Hz with "
        "1, 2 ch: set rate_hz"
    )


async def test_a_card_whose_periods_are_too_long_is_refused(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Slow", StreamDefinition(formats=("S32_LE",), period_bytes=(76_800, 1 << 20)))
    error = await error_of(capture_of(card.device))
    assert isinstance(error, DeviceRefused)
    assert "works in periods of 200 ms" in error.detail
    assert f"at most {PERIOD_MAX_MS} ms" in error.detail


async def test_a_card_in_use_names_who_uses_it(sound_card: SoftCard, tmp_path: Path) -> None:
    status = tmp_path / "proc/asound/card3/pcm0c/sub0/status"
    status.parent.mkdir(parents=True)
    (tmp_path / "proc/asound/card3/id").write_text("Array\n")
    status.write_text(f"state: RUNNING\nowner_pid   : {os.getpid()}\n")
    device = AlsaDevices(tmp_path).capture(CaptureSettings(sound_card.device, S32_STEREO, pick=(0,)))

    with sound_card.busy():
        error = await error_of(device)

    assert isinstance(error, DeviceBusy)
    assert str(error) == (
        "hw:CARD=Array,DEV=0: gatewayd itself holds it; another station uses it: give each station a device of its own "
        "(Device or resource busy)"
    )


async def test_a_card_that_is_denied_names_the_group_it_is_for(sound_card: SoftCard, tmp_path: Path) -> None:
    node = tmp_path / "dev/snd/pcmC3D0p"
    node.parent.mkdir(parents=True)
    node.touch()
    (tmp_path / "proc/asound/card3").mkdir(parents=True)
    (tmp_path / "proc/asound/card3/id").write_text("Array\n")
    group = node.group()
    device = AlsaDevices(tmp_path).playback(PlaybackSettings(sound_card.device, S32_STEREO))

    with sound_card.denied():
        error = await error_of(device)

    assert isinstance(error, DeviceDenied)
    assert ("it is for root alone" if group == "root" else f"to group `{group}`") in error.detail


@pytest.mark.parametrize("plugged_in", [False, True], ids=["missing", "refusing"])
async def test_a_card_is_asked_in_vain_again_and_again_without_a_trace(sound_rack: SoundRack, plugged_in: bool) -> None:
    """Each attempt with settings of its own, as a station makes them."""
    if plugged_in:  # periods of three bytes hold no frame of eight
        sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",), period_bytes=(3, 3), periods=(2, 2)))
    devices = AlsaDevices()
    settings = CaptureSettings("hw:CARD=Array,DEV=0", S32_STEREO, pick=(0,))
    expected = DeviceRefused if plugged_in else DeviceMissing

    async def open_in_vain(times: int) -> tuple[int, int]:
        for _ in range(times):
            assert isinstance(await error_of(devices.capture(settings)), expected)
        gc.collect()
        return open_descriptors(), sys.getallocatedblocks()

    descriptors, blocks = await open_in_vain(10)
    descriptors_later, blocks_later = await open_in_vain(1000)
    assert descriptors_later == descriptors
    assert blocks_later - blocks < 100  # of pyalsaaudio's own there would be a thousand


async def test_plugged_in_a_card_that_was_missing_opens(sound_rack: SoundRack) -> None:
    devices = AlsaDevices()
    settings = CaptureSettings("hw:CARD=Array,DEV=0", S32_STEREO, pick=(0,))
    for _ in range(2):
        assert isinstance(await error_of(devices.capture(settings)), DeviceMissing)
    sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",)))
    async with devices.capture(settings).open() as stream:
        assert stream.parameters == S32_STEREO


def test_only_so_many_failures_are_remembered() -> None:
    openings = Openings()
    for number in range(FAILURES_MAX + 1):
        openings.note(f"hw:{number}", capture=True, failed=True)
    assert not openings.failed_before("hw:0", capture=True)
    assert openings.failed_before("hw:1", capture=True)
    assert not openings.failed_before("hw:1", capture=False)
    openings.note("hw:1", capture=True, failed=False)
    assert not openings.failed_before("hw:1", capture=True)
