"""An open WebSocket: messages, pings and every way it can end, on memory streams and virtual time."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from gatewayd.cloud.websocket import MESSAGE_LIMIT_BYTES, WAITING_MESSAGES, WebSocket, WebSocketTransport
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.peers import BINARY, CLOSE, CONTINUATION, PING, TEXT, MemoryDialer, WebSocketPeer, conversation, frame

FRAME = b"\x01\x00" * 320


async def end_of(connection: WebSocket) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await connection.receive()
    return caught.value


# messages


async def test_messages_go_both_ways() -> None:
    async with conversation() as (connection, peer):
        await connection.send_text('{"token": "t"}')
        await connection.send_binary(FRAME)
        assert await peer.next_event() == TextMessage(data='{"token": "t"}')
        assert await peer.next_event() == BytesMessage(data=FRAME)
        await peer.send(TextMessage(data='{"type":"connected"}'), BytesMessage(data=FRAME))
        assert await connection.receive() == '{"type":"connected"}'
        assert await connection.receive() == FRAME


async def test_messages_that_come_with_the_answer_to_the_upgrade_are_not_lost() -> None:
    async with conversation(then=frame(TEXT, b"hello") + frame(BINARY, FRAME)) as (connection, _peer):
        assert [await connection.receive(), await connection.receive()] == ["hello", FRAME]


async def test_a_message_in_pieces_arrives_whole_with_a_ping_in_between() -> None:
    async with conversation() as (connection, peer):
        pieces = (frame(TEXT, b"one ", final=False), frame(PING, b"?"), frame(CONTINUATION, b"message"))
        for byte in b"".join(pieces):
            await peer.stream.send_all(bytes([byte]))
        assert await connection.receive() == "one message"
        assert await peer.next_event() == Pong(payload=b"?")


async def test_the_largest_message_is_taken() -> None:
    async with conversation() as (connection, peer):
        await peer.send(BytesMessage(data=b"b" * MESSAGE_LIMIT_BYTES))
        assert len(await connection.receive()) == MESSAGE_LIMIT_BYTES


async def test_a_larger_one_ends_the_connection_in_the_middle_of_it() -> None:
    async with conversation() as (connection, peer):
        await peer.stream.send_all(frame(BINARY, b"b" * (MESSAGE_LIMIT_BYTES + 1), final=False))
        error = await end_of(connection)
        assert error.cause is Cause.PROTOCOL_VIOLATED
        assert error.close_code is None
        assert error.detail == "the service sent a message of more than 65536 bytes"


async def test_who_does_not_receive_loses_nothing_and_keeps_a_bounded_number() -> None:
    async with conversation() as (connection, peer):
        for number in range(1000):
            await peer.send(TextMessage(data=str(number)))
        await peer.send(Ping(payload=b"still there?"))
        await trio.testing.wait_all_tasks_blocked()
        assert connection._library._recv_channel.statistics().current_buffer_used == WAITING_MESSAGES
        assert [await connection.receive() for _ in range(1000)] == [str(number) for number in range(1000)]
        assert await peer.next_event() == Pong(payload=b"still there?")


async def test_cancelling_a_receive_loses_no_message(autojump_clock: trio.testing.MockClock) -> None:
    async with conversation() as (connection, peer):
        with trio.move_on_after(1):
            await connection.receive()
        await peer.send(TextMessage(data="first"))
        assert await connection.receive() == "first"


# pings


async def test_a_ping_measures_the_round_trip(autojump_clock: trio.testing.MockClock) -> None:
    async def answer_late(peer: WebSocketPeer) -> None:
        ping = await peer.next_event()
        assert isinstance(ping, Ping)
        await trio.sleep(0.25)
        await peer.send(ping.response())

    async with conversation() as (connection, peer), trio.open_nursery() as nursery:
        nursery.start_soon(answer_late, peer)
        assert await connection.ping() == 0.25


async def test_a_ping_nobody_answers_waits_as_long_as_the_caller_lets_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with conversation() as (connection, peer):
        with trio.move_on_after(10) as limit:
            await connection.ping()
        assert limit.cancelled_caught
        # and does no harm to what follows
        await connection.send_text("next")
        assert isinstance(await peer.next_event(), Ping)
        assert await peer.next_event() == TextMessage(data="next")


async def test_a_ping_is_over_when_the_other_side_hangs_up(autojump_clock: trio.testing.MockClock) -> None:
    async def hang_up(peer: WebSocketPeer) -> None:
        await peer.next_event()
        await peer.stream.aclose()

    async with conversation() as (connection, peer), trio.open_nursery() as nursery:
        nursery.start_soon(hang_up, peer)
        with pytest.raises(CloudError) as caught:
            await connection.ping()
        assert caught.value.cause is Cause.CONNECTION_LOST
        with pytest.raises(CloudError):
            await connection.ping()
    assert trio.current_time() == 0


# ends that the other side makes


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (1000, Cause.CLOSED_NORMALLY),
        (1001, Cause.CLOSED_ABNORMALLY),
        (1011, Cause.CLOSED_ABNORMALLY),
        (4001, Cause.AUTH_TIMED_OUT),
        (4002, Cause.AUTH_MALFORMED),
        (4003, Cause.AUTH_REJECTED),
        (4500, Cause.SESSION_SETUP_FAILED),
        (4999, Cause.CLOSED_ABNORMALLY),
    ],
)
@pytest.mark.parametrize("tcp_left_open", [True, False])
async def test_a_close_code_ends_it_at_once(
    code: int, cause: Cause, tcp_left_open: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with conversation() as (connection, peer):
        await peer.send(TextMessage(data="last words"), CloseConnection(code=code, reason="as\nsaid"))
        if not tcp_left_open:
            await peer.stream.aclose()
        assert await connection.receive() == "last words"
        error = await end_of(connection)
        assert (error.cause, error.close_code) == (cause, code)
        assert error.detail == f"the service closed the connection with code {code}: as\\nsaid"
        with pytest.raises(CloudError) as caught:
            await connection.send_binary(FRAME)
        assert caught.value.close_code == code
        await connection.close(1000)
    assert trio.current_time() == 0


async def test_a_close_is_answered() -> None:
    async with conversation() as (connection, peer):
        await peer.send(CloseConnection(code=4500))
        await end_of(connection)
        answer = await peer.next_event()
        assert isinstance(answer, CloseConnection)
        assert answer.code == 4500


async def test_a_close_without_a_code() -> None:
    async with conversation() as (connection, peer):
        await peer.stream.send_all(frame(CLOSE))
        await peer.stream.aclose()
        error = await end_of(connection)
        assert (error.cause, error.close_code) == (Cause.CLOSED_ABNORMALLY, None)
        assert error.detail == "the service closed the connection without a close code"


async def test_hanging_up_without_a_close() -> None:
    async with conversation() as (connection, peer):
        await peer.send(TextMessage(data="last words"))
        await peer.stream.aclose()
        assert await connection.receive() == "last words"
        error = await end_of(connection)
        assert (error.cause, error.close_code) == (Cause.CONNECTION_LOST, None)
        assert error.detail == "voice.example hung up without saying why"


@pytest.mark.parametrize(
    "bytes_",
    [b"\xf0\x00", b"\x83\x00", b"\x81\x81key!x", frame(TEXT, b"\xff"), frame(CONTINUATION), b"\x89\x7e\x00\x80"],
)
async def test_frames_that_break_the_protocol_end_it(bytes_: bytes) -> None:
    async with conversation() as (connection, peer):
        await peer.stream.send_all(bytes_)
        error = await end_of(connection)
        assert (error.cause, error.close_code) == (Cause.PROTOCOL_VIOLATED, None)
        assert error.detail.startswith("the service broke the WebSocket protocol: ")


# ends that this side makes


async def test_goodbye_is_said_and_answered(autojump_clock: trio.testing.MockClock) -> None:
    async def answer(peer: WebSocketPeer) -> None:
        close = await peer.next_event()
        assert isinstance(close, CloseConnection)
        assert close.code == 1001
        await trio.sleep(0.2)
        await peer.send(close.response())  # and leave TCP open

    async with conversation() as (connection, peer), trio.open_nursery() as nursery:
        nursery.start_soon(answer, peer)
        await connection.close(1001)
        assert trio.current_time() == pytest.approx(0.2)
        error = await end_of(connection)
        assert (error.cause, error.detail) == (Cause.CLOSED_NORMALLY, "the connection was closed here")
        with pytest.raises(CloudError):
            await connection.send_text("too late")


async def test_a_goodbye_nobody_answers_waits_as_long_as_the_caller_lets_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with conversation() as (connection, _peer):
        with trio.move_on_after(1.5) as limit:
            await connection.close(1000)
        assert limit.cancelled_caught
    assert trio.current_time() == 1.5


async def test_a_ping_after_our_goodbye_ends_the_wait_and_hurts_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def ping_late(peer: WebSocketPeer) -> None:
        assert isinstance(await peer.next_event(), CloseConnection)
        await peer.stream.send_all(frame(PING, b"still there?"))

    async with conversation() as (connection, peer), trio.open_nursery() as nursery:
        nursery.start_soon(ping_late, peer)
        await connection.close(1000)
    assert trio.current_time() == 0


async def test_goodbye_to_a_peer_that_is_gone() -> None:
    async with conversation() as (connection, peer):
        await peer.stream.aclose()
        await connection.close(1000)
        await connection.close(1000)


async def test_a_send_that_is_cancelled_half_way_breaks_the_connection_and_says_so(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with conversation() as (connection, _peer):
        assert isinstance(connection._stream._stream, trio.StapledStream)
        connection._stream._stream.send_stream.send_all_hook = trio.sleep_forever
        with trio.move_on_after(10):
            await connection.send_binary(FRAME)
        error = await end_of(connection)
        assert error.cause is Cause.CONNECTION_LOST
        assert error.detail == "the connection was given up in the middle of a message"
        for send in (connection.send_binary(FRAME), connection.send_text("")):
            with pytest.raises(CloudError) as caught:
                await send
            assert caught.value.detail == error.detail
        await connection.close(1000)


async def test_a_send_that_is_cancelled_before_it_began_breaks_nothing() -> None:
    async with conversation() as (connection, peer):
        with trio.CancelScope() as scope:
            scope.cancel()
            await connection.send_text("never")
        await connection.send_text("later")
        assert await peer.next_event() == TextMessage(data="later")


@pytest.mark.parametrize("error", [ValueError("of the block"), CloudError(Cause.STOPPED, "of the block")])
async def test_what_the_block_raises_passes_as_it_is(error: Exception) -> None:
    dialer = MemoryDialer()

    async def talk() -> None:
        with pytest.raises(type(error), match="of the block") as caught:
            async with WebSocketTransport(dialer, connect_timeout_s=10).connect("wss://voice.example/ws"):
                raise error
        assert caught.value is error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        await dialer.opened.wait()
        await WebSocketPeer(dialer.peer).accept()


async def test_cancelling_the_block_is_a_cancellation_and_nothing_else(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(3) as limit:
        async with conversation() as (connection, _peer):
            await connection.receive()
    assert limit.cancelled_caught
    assert trio.current_time() == 3


# anything at all

frames = st.builds(frame, st.integers(0, 127), st.binary(max_size=130), final=st.booleans())
valid = st.builds(frame, st.sampled_from([CONTINUATION, TEXT, BINARY, PING, 10, CLOSE]), st.binary(max_size=130))


@given(st.lists(st.binary(max_size=20) | frames | valid, max_size=12).map(b"".join), st.integers(0, 200))
async def test_whatever_bytes_come_they_are_messages_and_then_an_end(data: bytes, cut: int) -> None:
    async with conversation() as (connection, peer):
        await peer.stream.send_all(data[:cut])
        await trio.testing.wait_all_tasks_blocked()
        await peer.stream.send_all(data[cut:])
        await peer.stream.aclose()
        messages = 0
        error: CloudError | None = None
        while error is None and messages <= len(data):
            try:
                assert isinstance(await connection.receive(), (str, bytes))
                messages += 1
            except CloudError as ended:
                error = ended
        assert error is not None
        assert error.cause in Cause
        assert error.close_code is None or 1000 <= error.close_code <= 4999
        await connection.close(1000)
        with pytest.raises(CloudError):
            await connection.ping()
