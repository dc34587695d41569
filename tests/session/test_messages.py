from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.session import events, messages
from gatewayd.session.causes import Cause


def test_the_first_message_carries_the_token() -> None:
    assert json.loads(messages.authenticate('a"b')) == {"token": 'a"b'}


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('{"type":"connected"}', events.ServerConnected()),
        ('{"type":"connected","more":[1]}', events.ServerConnected()),
        ('{"type":"agent_ready"}', events.AgentReadied()),
        ('{"type":"session_ended","reason":"room_closed"}', events.SessionEndAnnounced("room_closed")),
        ('{"type":"session_ended"}', events.SessionEndAnnounced("")),
        ('{"type":"session_ended","reason":7}', events.SessionEndAnnounced("")),
        (
            '{"type":"error","code":"AUTH_TIMEOUT","message":"late"}',
            events.ErrorReported(Cause.AUTH_TIMED_OUT, "AUTH_TIMEOUT", "late"),
        ),
        (
            '{"code":"INVALID_AUTH","message":"no token"}',
            events.ErrorReported(Cause.AUTH_MALFORMED, "INVALID_AUTH", "no token"),
        ),
        (
            '{"type":"error","code":"AUTH_FAILED","message":"old"}',
            events.ErrorReported(Cause.AUTH_REJECTED, "AUTH_FAILED", "old"),
        ),
        (
            '{"type":"error","code":"SESSION_SETUP_FAILED"}',
            events.ErrorReported(Cause.SESSION_SETUP_FAILED, "SESSION_SETUP_FAILED", ""),
        ),
        ('{"type":"error","code":"NEW"}', events.ErrorReported(Cause.SERVER_ERROR, "NEW", "")),
        ('{"type":"error"}', events.ErrorReported(Cause.SERVER_ERROR, "", "")),
        ('{"type":"error","code":42}', events.ErrorReported(Cause.SERVER_ERROR, "", "")),
        ('{"type":"transcript","text":"hi"}', events.MessageIgnored("a message of the unknown type 'transcript'")),
        ('{"code":4500}', events.MessageIgnored("a message of the unknown type '?'")),
        ('{"type":"tok-123"}', events.MessageIgnored("a message of the unknown type '?'")),
        ("[]", events.MessageIgnored("a JSON message that is not an object")),
        ("connected", events.MessageIgnored("a text message that is not JSON")),
        ("[" * 100_000, events.MessageIgnored("a text message that is not JSON")),
    ],
)
def test_messages_of_the_server(text: str, event: events.ServerMessage) -> None:
    assert messages.parse(text) == event


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (None, Cause.CONNECTION_LOST),
        (1000, Cause.CLOSED_NORMALLY),
        (4001, Cause.AUTH_TIMED_OUT),
        (4002, Cause.AUTH_MALFORMED),
        (4003, Cause.AUTH_REJECTED),
        (4500, Cause.SESSION_SETUP_FAILED),
        (1011, Cause.CLOSED_ABNORMALLY),
        (4999, Cause.CLOSED_ABNORMALLY),
    ],
)
def test_close_codes(code: int | None, cause: Cause) -> None:
    assert messages.cause_of_close_code(code) is cause


def test_text_from_outside_is_on_one_line() -> None:
    assert messages.parse('{"type":"error","code":"a\\nb","message":"\\u001b[31m"}') == events.ErrorReported(
        Cause.SERVER_ERROR, "a\ufffdb", "\ufffd[31m"
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "code", "message", "reason"]), inner),
)


@given(st.text() | _json.map(json.dumps))
def test_no_text_hurts(text: str) -> None:
    event = messages.parse(text)
    assert "\n" not in repr(event)
