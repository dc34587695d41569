"""The store between network and card, told in frames put and taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import FRAME_BYTES
from gatewayd.audio.playback_buffer import PlaybackBuffer


def frame(number: int) -> bytes:
    return bytes([number, 0]) * 320


def test_nothing_is_played_until_the_prebuffer_is_there() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=60)
    assert buffer.take() is None
    buffer.put(frame(1))
    buffer.put(frame(2))
    assert buffer.take() is None
    buffer.put(frame(3))
    assert [buffer.take() for _ in range(4)] == [frame(1), frame(2), frame(3), None]


def test_once_playing_it_goes_on_with_whatever_is_there() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=60)
    for number in (1, 2, 3):
        buffer.put(frame(number))
    for number in range(4, 20):
        assert buffer.take() == frame(number - 3)
        buffer.put(frame(number))
    assert buffer.buffered_ms == 60


def test_after_it_ran_empty_the_prebuffer_counts_again() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=40)
    buffer.put(frame(1))
    buffer.put(frame(2))
    assert [buffer.take() for _ in range(3)] == [frame(1), frame(2), None]
    buffer.put(frame(3))
    assert buffer.take() is None
    buffer.put(frame(4))
    assert buffer.take() == frame(3)


def test_an_utterance_shorter_than_the_prebuffer_is_played_after_twice_its_time() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=60)
    for _ in range(100):
        assert buffer.take() is None, "waiting with nothing there does not count"
    buffer.put(frame(1))
    assert [buffer.take() for _ in range(8)] == [None] * 6 + [frame(1), None]
    buffer.put(frame(2))
    assert [buffer.take() for _ in range(7)] == [None] * 6 + [frame(2)], "and the next one likewise"


def test_without_a_prebuffer_every_frame_is_there_at_once() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0, capacity_ms=20)
    assert buffer.take() is None
    buffer.put(frame(1))
    assert [buffer.take(), buffer.take()] == [frame(1), None]


def test_above_the_capacity_the_oldest_are_dropped_and_counted() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20, capacity_ms=100)
    for number in range(8):
        buffer.put(frame(number))
    assert (buffer.dropped, buffer.buffered_ms) == (3, 100)
    assert buffer.take() == frame(3)


def test_a_message_of_many_frames_is_cut_up_and_what_is_too_much_dropped() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20, capacity_ms=60)
    buffer.put(b"".join(frame(number) for number in range(5)) + b"\x09\x00")
    assert (buffer.dropped, buffer.buffered_ms) == (2, 60 + 1 / 16)
    assert [buffer.take() for _ in range(5)] == [frame(2), frame(3), frame(4), b"\x09\x00" + bytes(638), None]


def test_an_odd_byte_is_no_sample_and_shifts_nothing() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.put(b"\x01\x02\x03")
    buffer.put(b"\x04\x05")
    buffer.put(b"\x06")
    buffer.put(b"")
    assert buffer.buffered_ms == 2 / 16
    assert buffer.take() == b"\x01\x02\x04\x05" + bytes(636)


def test_a_part_of_a_frame_alone_is_played_too_after_a_while() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20)
    buffer.put(b"\x01\x02")
    assert [buffer.take() for _ in range(4)] == [None, None, b"\x01\x02" + bytes(638), None]


def test_clearing_throws_all_away_says_how_much_and_waits_for_the_prebuffer_again() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=40)
    for number in range(4):
        buffer.put(frame(number))
    buffer.put(b"\x01\x02")
    assert buffer.take() == frame(0)
    assert buffer.clear() == 4
    assert (buffer.buffered_ms, buffer.dropped, buffer.take()) == (0, 0, None)
    buffer.put(frame(7))
    assert buffer.take() is None
    buffer.put(frame(8))
    assert buffer.take() == frame(7)
    assert PlaybackBuffer().clear() == 0


@pytest.mark.parametrize(("prebuffer_ms", "capacity_ms"), [(-1, 100), (60, 40), (0, 19)])
def test_impossible_lengths_are_refused(prebuffer_ms: float, capacity_ms: float) -> None:
    with pytest.raises(ValueError, match="capacity must be at least 20 ms"):
        PlaybackBuffer(prebuffer_ms=prebuffer_ms, capacity_ms=capacity_ms)


@given(
    messages=st.lists(st.one_of(st.binary(max_size=1500), st.just(frame(1)), st.none()), max_size=40),
    prebuffer_ms=st.sampled_from([0, 20, 60]),
)
def test_whatever_arrives_comes_out_in_order_bounded_and_all_of_it(
    messages: list[bytes | None], prebuffer_ms: int
) -> None:
    """A None is a take. Ample capacity: nothing may be lost, and silence added only where it ran out."""
    buffer = PlaybackBuffer(prebuffer_ms=prebuffer_ms, capacity_ms=2000)
    expected = bytearray()
    taken: list[bytes] = []
    for message in messages:
        if message is not None:
            buffer.put(message)
            expected += message[: len(message) // 2 * 2]
            continue
        stored_ms = buffer.buffered_ms
        sound = buffer.take()
        if sound is not None:
            assert len(sound) == FRAME_BYTES
            taken.append(sound[: round(min(stored_ms, 20.0) * 32)])
    for _ in range(2 * 3 + 40 * 3):
        stored_ms = buffer.buffered_ms
        if (sound := buffer.take()) is not None:
            taken.append(sound[: round(min(stored_ms, 20.0) * 32)])

    assert b"".join(taken) == bytes(expected)
    assert (buffer.buffered_ms, buffer.dropped) == (0, 0)


@given(sizes=st.lists(st.integers(0, 5000), max_size=30))
def test_it_never_holds_more_than_its_capacity(sizes: list[int]) -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20, capacity_ms=100)
    for size in sizes:
        buffer.put(bytes(size))
        assert buffer.buffered_ms < 120
