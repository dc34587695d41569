"""Tokens over HTTP: what is asked, what is taken out of the answer, and the cause of each failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cloud.token import ANSWER_LIMIT_BYTES, HttpTokenSource, read_answer
from gatewayd.configuration.model import TokenConfiguration
from gatewayd.errors import CloudError, ConfigurationInvalid, Problem
from gatewayd.session.causes import Cause
from tests.cloud.fakes import OffsetClock, ScriptedHttp, answer

if TYPE_CHECKING:
    from gatewayd.seams.http import HttpResponse
    from gatewayd.session.tokens import Token

TOKEN, CREDENTIAL = "t0ken", "cr3dential"
ENDPOINT = TokenConfiguration(url="https://api.example.com/v1/session", credential="device-key")
GOOD = answer(200, b'{"token": "t0ken"}')


def source(
    *answers: HttpResponse | CloudError, configuration: TokenConfiguration = ENDPOINT, takes_s: float = 0
) -> tuple[HttpTokenSource, ScriptedHttp]:
    http = ScriptedHttp(list(answers), takes_s)
    return HttpTokenSource(http, OffsetClock(slept_s=1000), configuration, lambda name: CREDENTIAL), http


async def fetch(*answers: HttpResponse | CloudError, configuration: TokenConfiguration = ENDPOINT) -> Token:
    return await source(*answers, configuration=configuration)[0].fetch()


async def failure(*answers: HttpResponse | CloudError, configuration: TokenConfiguration = ENDPOINT) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await fetch(*answers, configuration=configuration)
    for secret in (TOKEN, CREDENTIAL):
        assert secret not in f"{caught.value!r} {caught.value.detail}"
    return caught.value


async def test_what_is_asked() -> None:
    configuration = TokenConfiguration(
        url="https://api.example.com/v1/session",
        headers={"X-Device": "lobby"},
        body={"agent_id": "front-desk"},
        credential="device-key",
        timeout_s=7,
    )
    tokens, http = source(GOOD, configuration=configuration)
    assert (await tokens.fetch()).value == TOKEN
    (request,) = http.requests
    assert (request.method, request.url) == ("POST", "https://api.example.com/v1/session")
    assert request.headers == {
        "X-Device": "lobby",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {CREDENTIAL}",
    }
    assert json.loads(request.body) == {"agent_id": "front-desk"}
    assert http.bounds == {(7, ANSWER_LIMIT_BYTES)}


async def test_without_body_and_credential_nothing_is_made_up() -> None:
    tokens, http = source(GOOD, configuration=TokenConfiguration(url="https://api.example.com/", method="GET"))
    await tokens.fetch()
    (request,) = http.requests
    assert (request.method, request.headers, request.body) == ("GET", {}, b"")


async def test_a_token_is_as_old_as_its_request(autojump_clock: trio.testing.MockClock) -> None:
    tokens, _http = source(GOOD, takes_s=9)
    token = await tokens.fetch()
    assert trio.current_time() == 9
    assert token.requested_at_s == 1000
    assert token.usable_at(1239)
    assert not token.usable_at(1240)


async def test_each_fetch_asks_anew() -> None:
    tokens, http = source(GOOD, answer(201, b'{"token": "another"}'))
    assert [(await tokens.fetch()).value, (await tokens.fetch()).value] == [TOKEN, "another"]
    assert len(http.requests) == 2


async def test_a_token_and_an_address_deep_in_the_answer() -> None:
    configuration = TokenConfiguration(url="https://x/", token_field="data.session.jwt", url_field="data.url")
    body = b'{"data": {"session": {"jwt": "t0ken"}, "url": "wss://voice.example/ws?room=1"}}'
    token = await fetch(answer(200, body), configuration=configuration)
    assert (token.value, token.url) == (TOKEN, "wss://voice.example/ws?room=1")
    assert "t0ken" not in repr(token)


@pytest.mark.parametrize(
    ("status", "cause", "words"),
    [
        (401, Cause.TOKEN_REFUSED, "HTTP 401: it refuses this device's credential 'device-key'"),
        (403, Cause.TOKEN_REFUSED, "HTTP 403: it refuses this device's credential 'device-key'"),
        (301, Cause.TOKEN_UNAVAILABLE, "HTTP 301: redirects are not followed; set agent.token.url to where it leads"),
        (400, Cause.TOKEN_UNAVAILABLE, "HTTP 400: it does not take the request"),
        (404, Cause.TOKEN_UNAVAILABLE, "HTTP 404: check agent.token.url"),
        (429, Cause.TOKEN_UNAVAILABLE, "HTTP 429: too many requests"),
        (500, Cause.TOKEN_UNAVAILABLE, "HTTP 500: it has a problem of its own"),
        (503, Cause.TOKEN_UNAVAILABLE, "HTTP 503: it has a problem of its own"),
    ],
)
async def test_a_refusal(status: int, cause: Cause, words: str) -> None:
    error = await failure(answer(status, b"t0ken", {"retry-after": "17"}))
    assert (error.cause, error.http_status, error.retry_after_s) == (cause, status, 17)
    assert error.detail.startswith(f"the token endpoint answered {words}")


async def test_a_refusal_where_no_credential_is_configured() -> None:
    error = await failure(answer(401), configuration=TokenConfiguration(url="https://x/"))
    assert error.detail == "the token endpoint answered HTTP 401: it wants a credential; none is configured"


@pytest.mark.parametrize(
    ("http", "token"),
    [
        (Cause.DNS_FAILED, Cause.DNS_FAILED),
        (Cause.CONNECT_REFUSED, Cause.CONNECT_REFUSED),
        (Cause.CERTIFICATE_NOT_YET_VALID, Cause.CERTIFICATE_NOT_YET_VALID),
        (Cause.CONNECT_TIMED_OUT, Cause.TOKEN_TIMED_OUT),
        (Cause.PROTOCOL_VIOLATED, Cause.TOKEN_UNUSABLE),
        (Cause.CONNECTION_LOST, Cause.TOKEN_UNAVAILABLE),
    ],
)
async def test_a_request_that_failed(http: Cause, token: Cause) -> None:
    error = await failure(CloudError(http, "what happened"))
    assert (error.cause, error.detail) == (token, "the token endpoint: what happened")


async def test_a_credential_that_cannot_be_read() -> None:
    def unreadable(name: str) -> str:
        raise ConfigurationInvalid([Problem(f"/run/credentials/{name}", "", "cannot be read: Permission denied")])

    http = ScriptedHttp([GOOD])
    with pytest.raises(CloudError) as caught:
        await HttpTokenSource(http, OffsetClock(), ENDPOINT, unreadable).fetch()
    assert caught.value.cause is Cause.TOKEN_UNAVAILABLE
    assert caught.value.detail.endswith("/run/credentials/device-key: cannot be read: Permission denied")
    assert http.requests == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "the answer to the token request is empty"),
        (b"t0ken", "the answer to the token request is not JSON"),
        (b"\xff\xfe\xfd", "the answer to the token request is not JSON"),
        (b"[" * 60_000, "the answer to the token request is not JSON"),
        (b"{}", "in the answer to the token request, 'token' (agent.token.token_field) is not there"),
        (b'["token"]', "in the answer to the token request, 'token' (agent.token.token_field) is not there"),
        (b'{"token": ""}', "in the answer to the token request, 'token' (agent.token.token_field) is empty"),
        (
            b'{"token": ["t0ken"]}',
            "in the answer to the token request, 'token' (agent.token.token_field) is not a string",
        ),
        (b'{"token": null}', "in the answer to the token request, 'token' (agent.token.token_field) is not a string"),
    ],
)
async def test_an_answer_that_carries_no_token(body: bytes, what: str) -> None:
    error = await failure(answer(200, body))
    assert (error.cause, error.detail) == (Cause.TOKEN_UNUSABLE, what)


@pytest.mark.parametrize("url", ["", "https://voice.example/", "ws://voice.example/", "wss://u:t0ken@h/", "wss://"])
async def test_an_answer_whose_address_is_none(url: str) -> None:
    configuration = TokenConfiguration(url="https://x/", url_field="url")
    error = await failure(answer(200, json.dumps({"token": "t", "url": url}).encode()), configuration=configuration)
    assert error.cause is Cause.TOKEN_UNUSABLE
    assert "'url' (agent.token.url_field)" in error.detail


def test_a_plaintext_address_in_an_answer_where_that_is_allowed() -> None:
    configuration = TokenConfiguration(url_field="url")
    body = b'{"token": "t", "url": "ws://10.0.0.2/ws"}'
    assert read_answer(body, configuration, requested_at_s=0, allow_plaintext=True).url == "ws://10.0.0.2/ws"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.binary(max_size=200) | json_values.map(json.dumps).map(str.encode), st.sampled_from(["a", "a.b", "", ".", "a."])
)
def test_any_answer_gives_a_token_or_a_cause(body: bytes, path: str) -> None:
    configuration = TokenConfiguration(token_field=path, url_field="c")
    cause: Cause | None = None
    try:
        token = read_answer(body, configuration, requested_at_s=0)
    except CloudError as error:
        cause = error.cause
    else:
        assert token.value
        assert token.url is not None
        assert token.url.startswith("ws")
    assert cause in (None, Cause.TOKEN_UNUSABLE)
