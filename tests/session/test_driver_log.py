"""What the driver logs of a session: records with fields, repetitions left to whoever debugs, and no secret."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.errors import CloudError
from gatewayd.message_ids import MessageId
from gatewayd.redaction import REDACTED, forget_secrets, redacted
from gatewayd.session.causes import Cause
from tests.session.test_driver import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio.testing import MockClock

UNAVAILABLE = CloudError(Cause.TOKEN_UNAVAILABLE, "the token endpoint answered HTTP 503", http_status=503)
DENIED = CloudError(Cause.TOKEN_REFUSED, "the token endpoint answered HTTP 401", http_status=401)


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, "gatewayd")
    yield
    forget_secrets()


def fields(record: logging.LogRecord, *names: str) -> tuple[object, ...]:
    return tuple(record.__dict__.get(name) for name in names)


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.INFO]


async def test_a_failure_carries_what_a_search_would_ask_for(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(device=False) as outside:
        outside.tokens.failures.append(UNAVAILABLE)
        await outside.driver.note_device(present=True)
        await trio.sleep(0.5)
        (record,) = told(caplog)
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        "the token endpoint answered HTTP 503; next attempt in 1.0 s",
    )
    assert fields(record, "cause", "http_status", "attempt", "next_attempt_s", "state", "message_id") == (
        Cause.TOKEN_UNAVAILABLE,
        503,
        1,
        1.0,
        "waiting",
        MessageId.SESSION_ENDED,
    )


async def test_a_close_code_is_told(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with running() as outside:
        (await outside.agent_ready()).end(Cause.SESSION_SETUP_FAILED, close_code=4500)
        await trio.testing.wait_all_tasks_blocked()
        ready, ended = told(caplog)
    assert fields(ready, "message_id", "state") == (MessageId.AGENT_READY, "agent_ready")
    assert fields(ended, "close_code", "message_id") == (4500, MessageId.SESSION_ENDED)


async def test_a_refused_device_has_an_id_of_its_own(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(device=False) as outside:
        outside.tokens.failures.append(DENIED)
        await outside.driver.note_device(present=True)
        await trio.sleep(0.5)
        (record,) = told(caplog)
    assert (record.levelname, *fields(record, "message_id")) == ("ERROR", MessageId.CREDENTIAL_REFUSED)


async def test_an_hour_without_the_service_is_four_lines_and_its_end_a_fifth(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(device=False) as outside:
        outside.tokens.failures.extend([UNAVAILABLE] * 80)
        await outside.driver.note_device(present=True)
        await outside.agent_ready()
        lines = told(caplog)
    assert [record.levelname for record in lines] == ["WARNING"] * 4 + ["INFO"]
    assert [fields(record, "message_id")[0] for record in lines] == [
        MessageId.SESSION_ENDED,
        *[MessageId.SESSIONS_SUMMED_UP] * 3,
        MessageId.AGENT_READY,
    ]
    assert lines[1].getMessage() == (
        "6 more sessions or attempts ended in 1 min 3 s: token_unavailable 6; "
        "the last: the token endpoint answered HTTP 503; next attempt in 60.0 s"
    )
    assert lines[-1].getMessage() == "agent ready after 0.00 s; failed before it: 80, in 1 h 15 min"
    every = [record for record in caplog.records if fields(record, "cause")[0] is Cause.TOKEN_UNAVAILABLE]
    assert len(every) == 80, "at debug level each attempt is there"


async def test_the_token_of_a_session_is_known_as_a_secret(autojump_clock: MockClock) -> None:
    async with running() as outside:
        connection = await outside.agent_ready()
        assert redacted(f"the service said: {connection.sent[0]!r}") == (
            f'the service said: \'{{"token": "{REDACTED}"}}\''
        )
        assert redacted("a library said: token-1") == f"a library said: {REDACTED}"
