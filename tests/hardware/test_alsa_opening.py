"""What a person is told when a sound device does not open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceMissing, DeviceRefused
from gatewayd.hardware.alsa.opening import PERIOD_MAX_MS
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice, AlsaPlaybackDevice
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings
from tests.hardware.sounds import open_descriptors
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
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
        "hw:CARD=Array,DEV=0: no such device; `cat /proc/asound/cards` lists what is there (No such device)"
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
    ("offered", "asked", "got"),
    [
        (StreamDefinition(rates_hz=(16_000,)), "S16_LE 48000 Hz 2 ch", "S16_LE 16000 Hz 2 ch"),
        (StreamDefinition(formats=("S32_LE",)), "S16_LE 48000 Hz 2 ch", "S32_LE 48000 Hz 2 ch"),
        (StreamDefinition(formats=("S32_BE",)), "S16_LE 48000 Hz 2 ch", "S32_BE 48000 Hz 2 ch"),
        (StreamDefinition(channels=(6,)), "S16_LE 48000 Hz 2 ch", "S16_LE 48000 Hz 6 ch"),
    ],
)
async def test_a_card_that_takes_something_else_is_refused(
    sound_rack: SoundRack, offered: StreamDefinition, asked: str, got: str
) -> None:
    card = sound_rack.plug_in("Array", offered)
    parameters = StreamParameters(48_000, SampleFormat.S16_LE, 2)
    for device in (
        capture_of(card.device, parameters),
        AlsaPlaybackDevice(PlaybackSettings(card.device, parameters)),
    ):
        error = await error_of(device)
        assert isinstance(error, DeviceRefused)
        assert f"asked for {asked}, the card takes only {got}; set rate_hz" in error.detail
    assert card.open_directions() == []


async def test_a_card_whose_periods_are_too_long_is_refused(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Slow", StreamDefinition(formats=("S32_LE",), period_bytes=(76_800, 1 << 20)))
    error = await error_of(capture_of(card.device))
    assert isinstance(error, DeviceRefused)
    assert "works in periods of 200 ms" in error.detail
    assert f"at most {PERIOD_MAX_MS} ms" in error.detail


async def test_a_missing_card_is_asked_for_again_and_again_without_a_trace(sound_rack: SoundRack) -> None:
    device = capture_of("hw:CARD=Array,DEV=0")

    async def open_in_vain(times: int) -> int:
        for _ in range(times):
            await error_of(device)
        return open_descriptors()

    assert await open_in_vain(200) == await open_in_vain(1)
