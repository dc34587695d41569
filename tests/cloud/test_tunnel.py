"""Asking a proxy for a tunnel, over memory streams: what is said, and what each answer means."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import pytest
import trio
import trio.abc
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cloud.tunnel import HEADER_LIMIT_BYTES, Proxy, open_tunnel
from gatewayd.errors import CloudError, ConfigurationInvalid, Problem
from gatewayd.session.causes import Cause
from tests.cloud.proxies import ESTABLISHED, read_nothing, receive_head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOGIN = "kiosk:s3cr3t"
ENCODED = base64.b64encode(LOGIN.encode()).decode()
OPEN = Proxy("http://proxy.example.com:3128", "", read_nothing)
GUARDED = Proxy("http://proxy.example.com:3128", "proxy-login", lambda _name: LOGIN)
JUNK = b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 2000


async def ask(
    behaviour: Callable[[trio.abc.Stream], Awaitable[None]], proxy: Proxy = OPEN, host: str = "voice.example"
) -> None:
    """Ask for a tunnel to port 443 of `host` while the other end behaves as told and then hangs up."""
    ours, theirs = trio.testing.memory_stream_pair()
    raised: list[CloudError] = []

    async def ask_and_leave() -> None:
        try:
            await open_tunnel(ours, proxy, host=host, port=443)
        except CloudError as error:
            raised.append(error)
        nursery.cancel_scope.cancel()

    async def behave() -> None:
        await behaviour(theirs)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_and_leave)
        nursery.start_soon(behave)
    if raised:
        raise raised[0]


def answering(*parts: bytes, heard: list[str] | None = None) -> Callable[[trio.abc.Stream], Awaitable[None]]:
    async def behave(stream: trio.abc.Stream) -> None:
        head = await receive_head(stream)
        if heard is not None:
            heard.append(head.decode())
        for part in parts:
            await stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked()

    return behave


async def failure(*parts: bytes, proxy: Proxy = OPEN) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await ask(answering(*parts), proxy)
    for secret in ("s3cr3t", ENCODED):
        assert secret not in f"{caught.value!r} {caught.value.detail}"
    return caught.value


# what is asked


async def test_only_host_and_port_are_told() -> None:
    heard: list[str] = []
    await ask(answering(ESTABLISHED, heard=heard))
    lines = heard[0].split("\r\n")
    assert lines[:2] == ["CONNECT voice.example:443 HTTP/1.1", "Host: voice.example:443"]
    assert lines[2].startswith("User-Agent: gatewayd/")
    assert lines[3:] == ["", ""]


async def test_an_ipv6_address_is_bracketed() -> None:
    heard: list[str] = []
    await ask(answering(ESTABLISHED, heard=heard), host="2001:db8::1")
    assert heard[0].startswith("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")


async def test_the_credential_is_sent_and_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    heard: list[str] = []
    await ask(answering(ESTABLISHED, heard=heard), GUARDED)
    assert f"Proxy-Authorization: Basic {ENCODED}\r\n" in heard[0]
    await failure(b"HTTP/1.1 407 No\r\nX-You-Said: " + ENCODED.encode() + b"\r\n\r\ns3cr3t", proxy=GUARDED)
    assert caplog.messages == []
    assert "s3cr3t" not in repr(vars(GUARDED))


async def test_the_credential_is_read_anew_for_each_tunnel() -> None:
    logins = iter(["kiosk:old", "kiosk:new"])
    proxy = Proxy("http://proxy.example.com", "proxy-login", lambda _name: next(logins))
    heard: list[str] = []
    for _ in range(2):
        await ask(answering(ESTABLISHED, heard=heard), proxy)
    for head, login in zip(heard, [b"kiosk:old", b"kiosk:new"], strict=True):
        assert f"Basic {base64.b64encode(login).decode()}\r\n" in head


async def test_a_credential_that_cannot_be_read_or_used() -> None:
    def unreadable(name: str) -> str:
        raise ConfigurationInvalid([Problem(f"/run/credentials/{name}", "", "cannot be read: Permission denied")])

    error = await failure(proxy=Proxy("http://proxy.example.com", "proxy-login", unreadable))
    assert error.cause is Cause.PROXY_FAILED
    assert error.detail == (
        "the credential for the proxy: /run/credentials/proxy-login: cannot be read: Permission denied"
    )
    error = await failure(proxy=Proxy("http://proxy.example.com", "proxy-login", lambda _name: "s3cr3t"))
    assert error.cause is Cause.PROXY_FAILED
    assert error.detail == ("the credential 'proxy-login' (agent.proxy_credential) must have the form user:password")


@pytest.mark.parametrize("url", ["https://proxy.example.com", "proxy.example.com:3128", "http://u:s3cr3t@h", ""])
def test_a_proxy_has_an_address_without_secrets(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        Proxy(url, "", read_nothing)
    assert "s3cr3t" not in str(caught.value)


# what is answered


@pytest.mark.parametrize(
    "parts",
    [
        [ESTABLISHED],
        [b"HTTP/1.0 200 OK\r\n\r\n"],
        [b"HTTP/1.1 204 Sure\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n"],  # both mean nothing here
        [b"HTTP/1.1 103 Early Hints\r\n\r\n", ESTABLISHED],
        [ESTABLISHED[:3], ESTABLISHED[3:20], ESTABLISHED[20:]],
    ],
)
async def test_any_2xx_opens_the_tunnel(parts: list[bytes]) -> None:
    await ask(answering(*parts))


@pytest.mark.parametrize(
    ("status", "headers", "what"),
    [
        (407, b"Proxy-Authenticate: Basic realm=x", "it wants a user and password; agent.proxy_credential names none"),
        (407, b"X: y", "it wants a user and password; agent.proxy_credential names none"),
        (
            407,
            b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM",
            "it wants a kind of login other than Basic, which is the only one that gatewayd has",
        ),
        (403, b"X: y", "it does not let this device through to there; its rules are the network administrator's"),
        (401, b"X: y", "it wants a user and password; agent.proxy_credential names none"),
        (500, b"X: y", "it cannot reach voice.example itself, or has a problem of its own"),
        (502, b"X: y", "it cannot reach voice.example itself, or has a problem of its own"),
        (302, b"Location: http://login.example/?s3cr3t", "a proxy must not redirect; check agent.proxy"),
        (400, b"X: y", "it does not know CONNECT and is perhaps no proxy; check agent.proxy"),
        (501, b"X: y", "it does not know CONNECT and is perhaps no proxy; check agent.proxy"),
        (429, b"X: y", "it gives no tunnel"),
        (599, b"X: y", "it cannot reach voice.example itself, or has a problem of its own"),
    ],
)
async def test_a_refusal_is_told_by_its_status(status: int, headers: bytes, what: str) -> None:
    error = await failure(b"HTTP/1.1 %d s3cr3t\r\n%b\r\n\r\ns3cr3t" % (status, headers))
    assert (error.cause, error.http_status, error.retry_after_s) == (Cause.PROXY_REFUSED, status, None)
    assert error.detail == (f"the proxy proxy.example.com answered HTTP {status} when asked for voice.example: {what}")


async def test_a_refused_credential_is_named() -> None:
    error = await failure(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Digest a=b, basic realm=x\r\n\r\n", proxy=GUARDED)
    assert error.detail.endswith(": it refuses the user and password in 'proxy-login' (agent.proxy_credential)")


async def test_a_retry_after_is_kept() -> None:
    error = await failure(b"HTTP/1.1 503 Busy\r\nRetry-After: 17\r\n\r\n")
    assert (error.cause, error.http_status, error.retry_after_s) == (Cause.PROXY_REFUSED, 503, 17)


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ([b""], "hung up instead of answering"),
        ([b"HTTP/1.1 200 Connec"], "hung up instead of answering"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "did not answer in HTTP/1.1; check agent.proxy"),
        ([b"S", b"S"], "did not answer in HTTP/1.1; check agent.proxy"),
        ([b"\x15\x03\x01\x00\x02\x02\x46"], "did not answer in HTTP/1.1; check agent.proxy"),
        ([b"HTTP/1.1 banana\r\n\r\n"], "did not answer in HTTP/1.1; check agent.proxy"),
        ([b"HTTP/1.1 101 Switching Protocols\r\n\r\n"], "did not answer in HTTP/1.1; check agent.proxy"),
        ([JUNK], f"answers with more than {HEADER_LIMIT_BYTES} bytes of headers"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 1000], f"answers with more than {HEADER_LIMIT_BYTES} bytes of headers"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>It works!</html>"],
            "sent data of its own after opening the tunnel; it is perhaps a web server",
        ),
    ],
)
async def test_what_is_no_answer(parts: list[bytes], what: str) -> None:
    error = await failure(*parts)
    assert (error.cause, error.detail) == (Cause.PROXY_FAILED, f"the proxy proxy.example.com port 3128 {what}")


async def test_rubbish_is_known_before_the_proxy_hangs_up(autojump_clock: trio.testing.MockClock) -> None:
    async def greet(stream: trio.abc.Stream) -> None:
        await receive_head(stream)
        await stream.send_all(b"220 mail.example.com ESMTP")
        await trio.sleep_forever()

    with pytest.raises(CloudError, match=r"did not answer in HTTP/1\.1"):
        await ask(greet)
    assert trio.current_time() == 0


async def test_the_wait_is_the_caller_s_to_bound(autojump_clock: trio.testing.MockClock) -> None:
    async def trickle(stream: trio.abc.Stream) -> None:
        for byte in ESTABLISHED:
            await stream.send_all(bytes([byte]))
            await trio.sleep(1)

    with trio.move_on_after(10) as limit:
        await ask(trickle)
    assert limit.cancelled_caught
    assert trio.current_time() == 10


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"HTTP/1.1 407 No\r\n" + tail))
async def test_whatever_bytes_answer_there_is_a_tunnel_or_a_cause(answer: bytes) -> None:
    cause: Cause | None = None
    try:
        await ask(answering(answer))
    except CloudError as error:
        cause = error.cause
    assert cause in (None, Cause.PROXY_FAILED, Cause.PROXY_REFUSED)
