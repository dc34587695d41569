"""Capture through pyalsaaudio and libasound from a software sound card."""

from __future__ import annotations

import errno
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.errors import DeviceLost, DeviceStalled
from gatewayd.hardware.alsa.streams import PROGRESS_LIMIT_S, XRUNS_IN_A_ROW_MAX, AlsaCaptureDevice, AlsaPlaybackDevice
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings
from tests.hardware.sounds import PERIOD, open_descriptors, sound_of
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from gatewayd.hardware.alsa.streams import AlsaCaptureStream
    from tests.softcard.card import SoftCard, SoundRack

I2S = StreamParameters(48_000, SampleFormat.S32_LE, 2)


def capture_of(card: SoftCard, *, buffer_ms: int = 100) -> AlsaCaptureDevice:
    return AlsaCaptureDevice(CaptureSettings(card.device, I2S, pick=(0,), buffer_ms=buffer_ms))


async def test_gives_what_the_microphone_heard_bit_for_bit_in_whole_periods(stepped_card: SoftCard) -> None:
    stepped_card.play_in(sound_of(5 * PERIOD))

    async with capture_of(stepped_card).open() as stream:
        stepped_card.advance(PERIOD)
        one = await stream.receive()
        stepped_card.advance(2 * PERIOD + 17)
        two = await stream.receive()
        stepped_card.advance(PERIOD - 17)
        on_time = await stream.receive()

    assert one.data == sound_of(PERIOD)
    assert two.data == sound_of(2 * PERIOD, first=PERIOD)
    assert on_time.data == sound_of(PERIOD, first=3 * PERIOD)
    assert not any(block.overrun for block in (one, two, on_time))


async def test_runs_from_the_opening_on_and_tells_what_was_negotiated(stepped_card: SoftCard) -> None:
    async with capture_of(stepped_card).open() as stream:
        assert stream.device == stepped_card.device
        assert stream.parameters == I2S
        stepped_card.advance(PERIOD)
        assert len((await stream.receive()).data) == PERIOD * 8


async def test_a_real_time_card_gives_period_after_period(sound_card: SoftCard) -> None:
    sound_card.play_in(sound_of(48_000))
    received = b""

    async with capture_of(sound_card, buffer_ms=10_000).open() as stream:
        while len(received) < 10 * PERIOD * 8:
            block = await stream.receive()
            assert not block.overrun
            received += block.data

    assert received == sound_of(len(received) // 8)


async def test_after_an_overrun_the_next_block_says_so_and_sound_goes_on(stepped_card: SoftCard) -> None:
    stepped_card.play_in(sound_of(20 * PERIOD))

    async with capture_of(stepped_card).open() as stream:
        stepped_card.advance(6 * PERIOD)  # the buffer holds five
        await notice_the_overrun(stream)
        stepped_card.advance(PERIOD)
        after = await stream.receive()
        stepped_card.advance(PERIOD)
        later = await stream.receive()

    assert after.overrun
    assert after.data == sound_of(PERIOD, first=6 * PERIOD)
    assert not later.overrun
    assert later.data == sound_of(PERIOD, first=7 * PERIOD)


async def notice_the_overrun(stream: AlsaCaptureStream) -> None:
    """Look once; there is nothing to receive, as the card's clock stands."""
    with trio.move_on_after(0.05) as scope:
        await stream.receive()
    assert scope.cancelled_caught


async def test_overruns_without_end_are_a_lost_device(stepped_card: SoftCard) -> None:
    async with capture_of(stepped_card).open() as stream, trio.open_nursery() as nursery:

        async def overrun_again_and_again() -> None:
            while True:
                stepped_card.overrun_or_underrun(Direction.CAPTURE)
                await trio.sleep(0.001)

        nursery.start_soon(overrun_again_and_again)
        with pytest.raises(DeviceLost, match=f"{XRUNS_IN_A_ROW_MAX} overruns"):
            await stream.receive()
        nursery.cancel_scope.cancel()


async def receive_for_ever(stream: AlsaCaptureStream) -> None:
    while True:
        await stream.receive()


@pytest.mark.parametrize("badfd_first", [False, True])
async def test_unplugging_ends_the_wait_at_once(sound_card: SoftCard, badfd_first: bool) -> None:
    async with capture_of(sound_card).open() as stream:
        await stream.receive()
        sound_card.unplug(badfd_first=badfd_first)
        with pytest.raises(DeviceLost, match="unplugged"):
            await receive_for_ever(stream)


async def test_a_failed_transfer_is_a_lost_device(stepped_card: SoftCard) -> None:
    async with capture_of(stepped_card).open() as stream:
        stepped_card.fail(errno.EIO, Direction.CAPTURE)
        with pytest.raises(DeviceLost, match="failed transfer"):
            await stream.receive()


@pytest.mark.parametrize("direction", list(Direction))
async def test_after_the_machine_slept_a_stream_is_lost_and_opens_anew(
    stepped_card: SoftCard, direction: Direction
) -> None:
    async def use() -> None:
        if direction is Direction.CAPTURE:
            async with capture_of(stepped_card).open() as stream:
                stepped_card.fail(errno.ESTRPIPE, direction)
                await stream.receive()
        else:
            async with AlsaPlaybackDevice(PlaybackSettings(stepped_card.device, I2S)).open() as speaker:
                await speaker.send(sound_of(PERIOD))
                stepped_card.fail(errno.ESTRPIPE, direction)
                await speaker.send(sound_of(PERIOD))

    for _ in range(2):
        with pytest.raises(DeviceLost, match=r"it was suspended \(Streams pipe error\)"):
            await use()
    assert not stepped_card.open_directions()


async def test_replugged_it_opens_again(sound_card: SoftCard) -> None:
    device = capture_of(sound_card)
    async with device.open() as stream:
        sound_card.unplug()
        with pytest.raises(DeviceLost):
            await receive_for_ever(stream)
    sound_card.replug()
    async with device.open() as stream:
        assert (await stream.receive()).data


def test_a_card_without_progress_has_stalled(stepped_card: SoftCard) -> None:
    async def hear_nothing() -> float:
        async with capture_of(stepped_card).open() as stream:
            before = trio.current_time()
            with pytest.raises(DeviceStalled, match="no sound moved for 2 s"):
                await stream.receive()
            return trio.current_time() - before

    assert trio.run(hear_nothing, clock=trio.testing.MockClock(autojump_threshold=0)) == PROGRESS_LIMIT_S


async def test_cancelling_a_wait_loses_no_sound(stepped_card: SoftCard) -> None:
    stepped_card.play_in(sound_of(5 * PERIOD))

    async with capture_of(stepped_card).open() as stream:
        stepped_card.advance(PERIOD // 2)
        with trio.move_on_after(0.02) as scope:
            await stream.receive()
        assert scope.cancelled_caught
        stepped_card.advance(PERIOD // 2)
        assert (await stream.receive()).data == sound_of(PERIOD)


async def test_cancelled_from_outside_it_leaves_the_card_free(stepped_card: SoftCard) -> None:
    with trio.move_on_after(0.02) as scope:
        async with capture_of(stepped_card).open() as stream:
            await stream.receive()

    assert scope.cancelled_caught
    assert not stepped_card.is_open(Direction.CAPTURE)


async def test_cancelled_before_it_opens_it_does_not_open(stepped_card: SoftCard) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        async with capture_of(stepped_card).open():
            pytest.fail("opened although cancelled")

    assert len(stepped_card.timeline(Direction.CAPTURE)) == 0


async def test_a_closed_stream_is_not_touched_again(stepped_card: SoftCard) -> None:
    async with capture_of(stepped_card).open() as stream:
        pass
    with pytest.raises((DeviceLost, trio.ClosedResourceError)):
        await stream.receive()


async def test_closing_under_a_wait_of_another_task_ends_that_wait(stepped_card: SoftCard) -> None:
    async def wait_for_sound(stream: AlsaCaptureStream) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive()

    async with AsyncExitStack() as opened, trio.open_nursery() as nursery:
        stream = await opened.enter_async_context(capture_of(stepped_card).open())
        nursery.start_soon(wait_for_sound, stream)
        await trio.testing.wait_all_tasks_blocked()
        await opened.aclose()


async def test_opened_200_times_it_leaves_no_descriptor_behind(sound_card: SoftCard) -> None:
    async def open_and_receive(times: int) -> int:
        for _ in range(times):
            async with capture_of(sound_card).open():
                pass
        return open_descriptors()

    assert await open_and_receive(200) == await open_and_receive(1)


async def test_plughw_converts(sound_rack: SoundRack, sound_card: SoftCard) -> None:
    asked = StreamParameters(16_000, SampleFormat.S16_LE, 1)
    settings = CaptureSettings(sound_card.device.replace("hw:", "plughw:"), asked, pick=(0,))
    async with AlsaCaptureDevice(settings).open() as stream:
        assert stream.parameters == asked
        assert (await stream.receive()).data
