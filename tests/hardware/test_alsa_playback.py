"""Playback through pyalsaaudio and libasound to a software sound card."""

from __future__ import annotations

import errno
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.errors import DeviceLost, DeviceStalled
from gatewayd.hardware.alsa.streams import PROGRESS_LIMIT_S, AlsaPlaybackDevice
from gatewayd.hardware.settings import PlaybackSettings
from tests.hardware.sounds import PERIOD, open_descriptors, sound_of
from tests.softcard.timeline import Direction, EventKind

if TYPE_CHECKING:
    from gatewayd.hardware.alsa.streams import AlsaPlaybackStream
    from tests.softcard.card import SoftCard

S32_STEREO = StreamParameters(48_000, SampleFormat.S32_LE, 2)


def playback_of(card: SoftCard) -> AlsaPlaybackDevice:
    """Six periods of room."""
    return AlsaPlaybackDevice(PlaybackSettings(card.device, S32_STEREO, buffer_ms=120))


async def test_plays_what_was_sent_bit_for_bit(sound_card: SoftCard) -> None:
    async with playback_of(sound_card).open() as stream:
        for first in range(0, 12 * PERIOD, PERIOD):
            await stream.send(sound_of(PERIOD, first=first))
        await trio.sleep(stream.queued_s)
    assert sound_card.played() == sound_of(12 * PERIOD)


async def test_the_first_send_starts_the_card_and_goes_out_whole(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        assert stepped_card.timeline(Direction.PLAYBACK).kinds == [EventKind.OPEN]
        await stream.send(sound_of(3 * PERIOD))
        assert stepped_card.timeline(Direction.PLAYBACK).kinds == [EventKind.OPEN, EventKind.START]
        assert stepped_card.played() == sound_of(3 * PERIOD)


async def test_tells_how_much_is_queued_by_the_cards_own_count(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        assert stream.queued_s == 0
        await stream.send(sound_of(3 * PERIOD))
        assert stream.queued_s == 0.060
        stepped_card.advance(PERIOD // 2)
        assert stream.queued_s == 0.050
        await stream.stop()
        assert stream.queued_s == 0
    assert stream.queued_s == 0


async def test_a_full_card_lets_the_sender_wait(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        await stream.send(sound_of(6 * PERIOD))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send, sound_of(PERIOD, first=6 * PERIOD))
            await trio.sleep(0.02)
            assert stepped_card.played() == sound_of(6 * PERIOD)
            stepped_card.advance(PERIOD)
        assert stepped_card.played() == sound_of(7 * PERIOD)


async def test_after_running_dry_it_starts_again_and_counts(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        await stream.send(sound_of(PERIOD))
        stepped_card.advance(2 * PERIOD)
        await stream.send(sound_of(PERIOD, first=PERIOD))
        assert stream.underruns == 1
        stepped_card.advance(PERIOD // 2)
        await stream.send(sound_of(PERIOD, first=2 * PERIOD))
        assert stream.underruns == 1

    kinds = stepped_card.timeline(Direction.PLAYBACK).kinds
    assert kinds.count(EventKind.XRUN) == 1
    assert kinds.count(EventKind.START) == 2


async def test_stopping_throws_away_what_was_not_played_and_sending_starts_anew(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        await stream.send(sound_of(4 * PERIOD))
        stepped_card.advance(PERIOD)
        assert stream.queued_s == 0.060
        await stream.stop()
        assert stepped_card.played() == sound_of(PERIOD)

        await stream.send(sound_of(PERIOD, first=9000))
        assert stream.underruns == 0
        stepped_card.advance(PERIOD // 2)
        assert stream.queued_s == 0.010

    assert stepped_card.played() == sound_of(PERIOD) + sound_of(PERIOD // 2, first=9000)


def test_neither_stopping_nor_closing_waits_for_the_card_to_play(stepped_card: SoftCard) -> None:
    """The card's clock stands: waiting for it would never end, or show as virtual time."""

    async def stop_and_close() -> float:
        async with playback_of(stepped_card).open() as stream:
            await stream.send(sound_of(4 * PERIOD))
            await stream.stop()
            await stream.send(sound_of(4 * PERIOD))
        return trio.current_time()

    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(stop_and_close, clock=clock) == 0
    assert not stepped_card.is_open(Direction.PLAYBACK)


def test_a_card_that_takes_nothing_has_stalled(stepped_card: SoftCard) -> None:
    async def send_to_a_card_that_stands() -> float:
        async with playback_of(stepped_card).open() as stream:
            await stream.send(sound_of(6 * PERIOD))
            before = trio.current_time()
            with pytest.raises(DeviceStalled, match="no sound moved for 2 s"):
                await stream.send(sound_of(PERIOD))
            return trio.current_time() - before

    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(send_to_a_card_that_stands, clock=clock) == PROGRESS_LIMIT_S


@pytest.mark.parametrize("badfd_first", [False, True])
async def test_unplugged_it_fails_at_once(stepped_card: SoftCard, badfd_first: bool) -> None:
    async with playback_of(stepped_card).open() as stream:
        await stream.send(sound_of(3 * PERIOD))
        stepped_card.unplug(badfd_first=badfd_first)
        with pytest.raises(DeviceLost, match="unplugged"):
            await stream.send(sound_of(PERIOD))
        assert stream.queued_s == 0
        with pytest.raises(DeviceLost, match="unplugged"):
            await stream.stop()


async def test_unplugged_while_it_waits_for_room_it_fails_at_once(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        await stream.send(sound_of(6 * PERIOD))

        async def send_one_more() -> None:
            with pytest.raises(DeviceLost, match="unplugged"):
                await stream.send(sound_of(PERIOD))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_one_more)
            await trio.testing.wait_all_tasks_blocked()
            stepped_card.unplug()


async def test_a_failed_transfer_is_a_lost_device(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        stepped_card.fail(errno.EIO, Direction.PLAYBACK)
        with pytest.raises(DeviceLost, match="failed transfer"):
            await stream.send(sound_of(PERIOD))


async def test_cancelled_while_the_card_is_full_it_leaves_the_card_free(stepped_card: SoftCard) -> None:
    with trio.move_on_after(0.02) as scope:
        async with playback_of(stepped_card).open() as stream:
            await stream.send(sound_of(7 * PERIOD))

    assert scope.cancelled_caught
    assert not stepped_card.is_open(Direction.PLAYBACK)


async def test_cancelled_before_it_sends_it_sends_nothing(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.send(sound_of(PERIOD))
    assert stepped_card.played() == b""


async def test_half_a_frame_is_a_mistake_of_the_caller(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        with pytest.raises(ValueError, match="7 bytes are no whole number of 8-byte frames"):
            await stream.send(bytes(7))


async def test_a_closed_stream_is_not_touched_again(stepped_card: SoftCard) -> None:
    async with playback_of(stepped_card).open() as stream:
        pass
    with pytest.raises(DeviceLost, match="closed"):
        await stream.send(sound_of(PERIOD))
    with pytest.raises(DeviceLost, match="closed"):
        await stream.stop()


async def test_closing_under_a_wait_of_another_task_ends_that_wait(stepped_card: SoftCard) -> None:
    async def send_more_than_fits(stream: AlsaPlaybackStream) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await stream.send(sound_of(7 * PERIOD))

    async with AsyncExitStack() as opened, trio.open_nursery() as nursery:
        stream = await opened.enter_async_context(playback_of(stepped_card).open())
        nursery.start_soon(send_more_than_fits, stream)
        await trio.testing.wait_all_tasks_blocked()
        await opened.aclose()


async def test_opened_200_times_it_leaves_no_descriptor_behind(sound_card: SoftCard) -> None:
    async def open_and_send(times: int) -> int:
        for _ in range(times):
            async with playback_of(sound_card).open() as stream:
                await stream.send(sound_of(PERIOD))
        return open_descriptors()

    assert await open_and_send(200) == await open_and_send(1)
