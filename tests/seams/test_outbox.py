from __future__ import annotations

import trio
import trio.testing

from gatewayd.metrics.measurements import Histogram
from gatewayd.seams.outbox import AUDIO_CAPACITY_FRAMES, Outbox


def ages() -> Histogram:
    return Histogram((0.0, 0.25, 0.5))


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * 320


async def test_control_goes_before_sound_that_waits() -> None:
    outbox = Outbox(ages())
    outbox.put_audio(frame(1), trio.current_time())
    outbox.put_text("token")
    outbox.put_audio(frame(2), trio.current_time())
    assert [await outbox.take() for _ in range(3)] == ["token", frame(1), frame(2)]


async def test_too_many_frames_drop_the_oldest_and_are_counted() -> None:
    outbox = Outbox(ages())
    for number in range(AUDIO_CAPACITY_FRAMES + 3):
        outbox.put_audio(frame(number), trio.current_time())
    assert outbox.frames_dropped == 3
    assert await outbox.take() == frame(3)


async def test_stale_frames_are_dropped_by_the_clock(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox(ages())
    outbox.put_audio(frame(1), trio.current_time())
    await trio.sleep(0.5)
    outbox.put_audio(frame(2), trio.current_time())
    await trio.sleep(0.45)
    assert await outbox.take() == frame(2)
    assert outbox.frames_dropped == 1


async def test_taking_waits_for_what_is_put_later(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox(ages())
    taken: list[tuple[float, str | bytes]] = []

    async def take_twice() -> None:
        for _ in range(2):
            message = await outbox.take()
            taken.append((trio.current_time(), message))

    start_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_twice)
        await trio.sleep(1)
        outbox.put_text("a")
        await trio.sleep(1)
        outbox.put_audio(frame(1), trio.current_time())
    assert taken == [(start_s + 1, "a"), (start_s + 2, frame(1))]


async def test_clearing_counts_the_frames_it_forgets() -> None:
    outbox = Outbox(ages())
    outbox.put_text("token")
    outbox.put_audio(frame(1), trio.current_time())
    outbox.clear()
    outbox.put_text("after")
    assert await outbox.take() == "after"
    assert outbox.frames_dropped == 1


async def test_it_knows_how_long_frames_wait(autojump_clock: trio.testing.MockClock) -> None:
    waited = ages()
    outbox = Outbox(waited)
    assert outbox.oldest_age_s() == 0
    outbox.put_audio(frame(1), trio.current_time())
    await trio.sleep(0.25)
    outbox.put_audio(frame(2), trio.current_time())
    await trio.sleep(0.5)
    assert outbox.oldest_age_s() == 0.75
    await outbox.take()
    assert outbox.oldest_age_s() == 0.5
    outbox.put_text("token")
    assert [await outbox.take() for _ in range(2)] == ["token", frame(2)]
    assert outbox.oldest_age_s() == 0
    assert waited.as_json() == {"bounds": [0.0, 0.25, 0.5], "counts": [0, 0, 1, 1], "sum": 1.25}
