"""A token request through everything real, HTTP, TLS and sockets: each failure has a cause and words of its own."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
import trustme

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.token import HttpTokenSource
from gatewayd.configuration.model import TokenConfiguration
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.fakes import OffsetClock
from tests.cloud.peers import answering, client_tls, closed_port, listening, server_tls, silent
from tests.cloud.proxies import proxy_on, receive_head

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from gatewayd.cloud.dial import Address
    from gatewayd.cloud.tunnel import Proxy
    from tests.cloud.peers import Behaviour

NOW, DAY = datetime.now(timezone.utc), timedelta(days=1)
HOST = "api.example"


@dataclass
class HostsFile:
    """A resolver that knows one name, and says that it is this machine's."""

    name: str = HOST

    def __call__(self, host: str, port: int, *, type: socket.SocketKind, flags: int) -> Sequence[Address]:  # noqa: A002 - its name there
        if host not in (self.name, "127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return socket.getaddrinfo("127.0.0.1", port, type=type, flags=flags)


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return server_tls(authority.issue_cert(HOST))


async def failure(
    authority: trustme.CA, port: int, *, resolver: HostsFile | None = None, proxy: Proxy | None = None
) -> CloudError:
    dialer = TcpDialer(tls_context=client_tls(authority), resolver=resolver or HostsFile(), proxy=proxy)
    configuration = TokenConfiguration(
        url=f"https://{HOST}:{port}/v1/session?key=s3cr3t", credential="device-key", timeout_s=60
    )
    with pytest.raises(CloudError) as caught:
        await HttpTokenSource(H11Client(dialer), OffsetClock(), configuration, lambda _name: "cr3dential").fetch()
    for secret in ("s3cr3t", "cr3dential"):
        assert secret not in f"{caught.value!r} {caught.value.detail}"
    return caught.value


def said(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return answering(f"{head}\r\n\r\n".encode() + body)


ANSWERS: list[tuple[Behaviour, Cause, str]] = [
    (said("401 No"), Cause.TOKEN_REFUSED, "answered HTTP 401: it refuses this device's credential 'device-key'"),
    (said("404 No"), Cause.TOKEN_UNAVAILABLE, "answered HTTP 404: check agent.token.url and agent.token.method"),
    (said("422 No"), Cause.TOKEN_UNAVAILABLE, "answered HTTP 422: it does not take the request; check"),
    (said("429 No", b"", "Retry-After: 9"), Cause.TOKEN_UNAVAILABLE, "answered HTTP 429: too many requests"),
    (said("500 No"), Cause.TOKEN_UNAVAILABLE, "answered HTTP 500: it has a problem of its own"),
    (said("511 No"), Cause.TOKEN_UNAVAILABLE, "answered HTTP 511: this network wants somebody to log in first"),
    (
        said("302 No", b"", "Location: https://hotel.example/login?s3cr3t"),
        Cause.TOKEN_UNAVAILABLE,
        "set agent.token.url to where it leads to hotel.example, unless a captive portal of this network sent it",
    ),
    (
        said("200 OK", b"<!DOCTYPE html><p>s3cr3t", "Content-Type: text/html"),
        Cause.TOKEN_UNUSABLE,
        "answered HTTP 200 with a web page: likely a captive portal, where somebody has to log this device in",
    ),
    (said("200 OK", b"\n <p>s3cr3t"), Cause.TOKEN_UNUSABLE, "with a web page: likely a captive portal"),
    (said("200 OK", b"s3cr3t", "Content-Type: text/html"), Cause.TOKEN_UNUSABLE, "with a web page"),
    (said("200 OK", b"s" * 70_000), Cause.TOKEN_UNUSABLE, "answered with more than 65536 bytes"),
    (said("200 OK", b"s3cr3t"), Cause.TOKEN_UNUSABLE, "the answer to the token request is not JSON"),
    (said("200 OK", b" "), Cause.TOKEN_UNUSABLE, "the answer to the token request is empty"),
    (said("200 OK", b'{"jwt": "s3cr3t"}'), Cause.TOKEN_UNUSABLE, "'token' (agent.token.token_field) is not there"),
    (
        said("200 OK", b'{"jwt": "s3cr3t"}', "Content-Type: text/html"),  # what some frameworks call everything
        Cause.TOKEN_UNUSABLE,
        "'token' (agent.token.token_field) is not there",
    ),
    (said("200 OK", b'{"token": ""}'), Cause.TOKEN_UNUSABLE, "'token' (agent.token.token_field) is empty"),
    (said("200 OK", b'{"token": 7}'), Cause.TOKEN_UNUSABLE, "'token' (agent.token.token_field) is not a string"),
    (answering(b"220 s3cr3t\r\n"), Cause.TOKEN_UNUSABLE, "did not answer in HTTP/1.1"),
    (answering(b"HTTP/1.1 200 OK\r\n"), Cause.TOKEN_UNAVAILABLE, "hung up before its answer was complete"),
]


@pytest.mark.parametrize(("behaviour", "cause", "words"), ANSWERS, ids=[words for _, _, words in ANSWERS])
async def test_an_answer_without_a_token(
    behaviour: Behaviour,
    cause: Cause,
    words: str,
    *,
    authority: trustme.CA,
    tls: ssl.SSLContext,
    no_descriptor_left: None,
) -> None:
    async with listening(behaviour, tls=tls) as port:
        error = await failure(authority, port)
    assert error.cause is cause
    assert words in error.detail
    assert error.retry_after_s == (9 if "429" in words else None)


CERTIFICATES: list[tuple[dict[str, Any], Cause, str]] = [
    ({"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}, Cause.CERTIFICATE_INVALID, "has expired"),
    ({"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}, Cause.CERTIFICATE_NOT_YET_VALID, "is not yet valid"),
]


@pytest.mark.parametrize(("validity", "cause", "words"), CERTIFICATES)
async def test_a_certificate_at_the_wrong_time(
    validity: dict[str, Any], cause: Cause, words: str, authority: trustme.CA
) -> None:
    async with listening(said("200 OK"), tls=server_tls(authority.issue_cert(HOST, **validity))) as port:
        error = await failure(authority, port)
    assert error.cause is cause
    assert error.detail.startswith(f"the token endpoint: the certificate of {HOST} {words}")


async def test_somebody_else_s_certificate(authority: trustme.CA) -> None:
    async with listening(said("200 OK"), tls=server_tls(authority.issue_cert("portal.example"))) as port:
        error = await failure(authority, port)
    assert error.cause is Cause.CERTIFICATE_INVALID
    assert error.detail.startswith(f"the token endpoint: the certificate of {HOST} is for another host: a wrong addr")


async def test_a_certificate_that_nobody_here_trusts(authority: trustme.CA) -> None:
    async with listening(said("200 OK"), tls=server_tls(trustme.CA().issue_cert(HOST))) as port:
        error = await failure(authority, port)
    assert error.cause is Cause.CERTIFICATE_INVALID
    assert "comes from an issuer that this device does not trust" in error.detail


async def test_no_tls_at_all(authority: trustme.CA) -> None:
    async def speak_plainly(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await silent(stream)

    async with listening(speak_plainly) as port:
        error = await failure(authority, port)
    assert error.cause is Cause.TLS_FAILED
    assert error.detail.startswith(f"the token endpoint: no TLS with {HOST}: the other end does not speak TLS")


async def test_a_name_that_does_not_resolve(authority: trustme.CA) -> None:
    error = await failure(authority, 443, resolver=HostsFile("another.example"))
    assert error.cause is Cause.DNS_FAILED
    assert error.detail.startswith(f"the token endpoint: cannot resolve {HOST}: ")


async def test_nobody_listens(authority: trustme.CA) -> None:
    with closed_port() as port:
        error = await failure(authority, port)
    assert error.cause is Cause.CONNECT_REFUSED
    assert error.detail.startswith(f"the token endpoint: {HOST} port {port} refused the connection")


async def test_a_proxy_that_is_busy_is_told_as_the_proxy_and_its_wait_is_kept(authority: trustme.CA) -> None:
    async with listening(said("503 Busy", b"", "Retry-After: 17")) as port:
        error = await failure(authority, 443, proxy=proxy_on(port))
    assert (error.cause, error.http_status, error.retry_after_s) == (Cause.PROXY_REFUSED, 503, 17)
    assert error.detail.startswith("the token endpoint: the proxy 127.0.0.1 answered HTTP 503")


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (b"", f"waiting for the answer of {HOST}"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", f"reading the answer of {HOST}"),
    ],
)
async def test_an_endpoint_that_is_slow(
    answer: bytes,
    step: str,
    *,
    authority: trustme.CA,
    tls: ssl.SSLContext,
    mock_clock: trio.testing.MockClock,
    no_descriptor_left: None,
) -> None:
    answered = trio.Event()

    async def dawdle(stream: trio.abc.Stream) -> None:
        await receive_head(stream)
        await stream.send_all(answer)
        answered.set()
        await silent(stream)

    async def expect_failure(port: int) -> None:
        error = await failure(authority, port)
        assert error.cause is Cause.TOKEN_TIMED_OUT
        assert error.detail == f"the token endpoint: timed out after 60 s while {step}"

    async with listening(dawdle, tls=tls) as port, trio.open_nursery() as nursery:
        nursery.start_soon(expect_failure, port)
        await answered.wait()
        await trio.testing.wait_all_tasks_blocked(0.1)
        mock_clock.jump(60)
