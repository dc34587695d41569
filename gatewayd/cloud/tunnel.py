"""Tunnels through an HTTP proxy: CONNECT (RFC 9110, section 9.3.6), after which the proxy only passes bytes on.

What is asked in plaintext is the service's host and port, nothing else; TLS with the service itself runs inside the
tunnel, so that the proxy can neither read nor change what is said. The proxy's own credential is the exception: HTTP's
Basic scheme sends it in the clear (RFC 7617), as far as the proxy.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
import trio
import trio.abc

import gatewayd
from gatewayd.addresses import parse_address
from gatewayd.cloud import failures
from gatewayd.cloud.retry_after import retry_after_s
from gatewayd.errors import CloudError, ConfigurationInvalid
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER_LIMIT_BYTES = 16_384
"""Of all that comes before the tunnel is open: proxies answer with a few hundred bytes."""

_BEGINNING = b"HTTP/"
_LOGIN_WANTED = (HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED)
"""Tinyproxy answers a wrong password with the second."""
_NO_PROXY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
)
"""What servers say to CONNECT that are something else."""


class Proxy:
    """The proxy at `url`, which begins with http://.

    `credential` names what `read_credential` is to give, as `user:password`, anew for each tunnel; empty for none.
    Raises `ValueError` for a `url` that is none.
    """

    def __init__(self, url: str, credential: str, read_credential: Callable[[str], str]) -> None:
        address = parse_address(url, schemes=("http",), allow_plaintext=True)
        self.host = address.host
        self.port = address.port
        self.credential = credential
        self._read_credential = read_credential

    def authorization(self) -> str | None:
        """The value of Proxy-Authorization, a secret, or None. Raises `CloudError` for a credential that is unusable:
        it may yet appear or be put right.
        """
        if not self.credential:
            return None
        try:
            user_and_password = self._read_credential(self.credential)
        except ConfigurationInvalid as error:
            raise CloudError(Cause.PROXY_FAILED, f"the credential for the proxy: {error}") from None
        if ":" not in user_and_password:
            raise CloudError(
                Cause.PROXY_FAILED,
                f"the credential {self.credential!r} (agent.proxy_credential) must have the form user:password",
            )
        return "Basic " + base64.b64encode(user_and_password.encode()).decode()


async def open_tunnel(stream: trio.abc.Stream, proxy: Proxy, *, host: str, port: int) -> None:
    """Ask the proxy at the other end of `stream` for a tunnel to `host`; once this returns, it speaks to that host.

    Raises `CloudError`: `PROXY_REFUSED` with `http_status` and `retry_after_s` when the proxy says no, whatever body
    goes with it unread; `PROXY_FAILED` when it says nothing that can be understood, or hangs up. The caller bounds the
    wait and closes the stream; cancelled half-way it is good for nothing else.
    """
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_LIMIT_BYTES)
    request = _encode(protocol, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    with suppress(trio.BrokenResourceError):
        # a proxy may refuse and hang up before it has read everything: what it said is still to be read
        await stream.send_all(request)
    answer = await _receive_answer(stream, protocol, proxy)
    if not 200 <= answer.status_code <= 299:
        raise _refusal(answer, proxy, host)
    if protocol.trailing_data[0]:
        # in TLS, HTTP and WebSocket the client speaks first, so this cannot come from the host
        raise _failed(proxy, "sent data of its own after opening the tunnel; it is perhaps a web server")


def _encode(protocol: h11.Connection, proxy: Proxy, target: str) -> bytes:
    headers = [("Host", target), ("User-Agent", f"gatewayd/{gatewayd.__version__}")]
    authorization = proxy.authorization()
    if authorization is not None:
        headers.append(("Proxy-Authorization", authorization))
    head = h11.Request(method="CONNECT", target=target, headers=headers)
    return b"".join(protocol.send(event) or b"" for event in (head, h11.EndOfMessage()))


async def _receive_answer(stream: trio.abc.Stream, protocol: h11.Connection, proxy: Proxy) -> h11.Response:
    received = 0
    beginning = b""
    while True:
        try:
            event = protocol.next_event()
        except h11.RemoteProtocolError:
            raise _not_http(proxy) from None
        if isinstance(event, h11.Response):
            return event
        if isinstance(event, h11.InformationalResponse):
            continue  # it has counted towards the limit
        if event is not h11.NEED_DATA:
            raise _not_http(proxy)
        data = await _receive(stream, proxy)
        received += len(data)
        if received > HEADER_LIMIT_BYTES:
            raise _failed(proxy, f"answers with more than {HEADER_LIMIT_BYTES} bytes of headers")
        # another protocol is told by its first bytes: the parser would wait for a whole head
        beginning = (beginning + data)[: len(_BEGINNING)]
        if not _BEGINNING.startswith(beginning):
            raise _not_http(proxy)
        protocol.receive_data(data)


async def _receive(stream: trio.abc.Stream, proxy: Proxy) -> bytes:
    try:
        # small, so that little more than the head is taken of a refusal with a long body
        data = bytes(await stream.receive_some(4096))
    except trio.BrokenResourceError as error:
        raise _failed(proxy, f"did not answer: {failures.connection_broke(error).detail}") from None
    if not data:
        raise _failed(proxy, "hung up instead of answering")
    return data


def _refusal(answer: h11.Response, proxy: Proxy, host: str) -> CloudError:
    status = answer.status_code
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    if status in _LOGIN_WANTED:
        what = _login_wanted(proxy, answer)
    elif status == HTTPStatus.FORBIDDEN:
        what = "it does not let this device through to there; its rules are the network administrator's"
    elif status in _NO_PROXY:
        what = "it does not know CONNECT and is perhaps no proxy; check agent.proxy"
    elif status >= 500:
        what = f"it cannot reach {host} itself, or has a problem of its own"
    elif 300 <= status <= 399:
        what = "a proxy must not redirect; check agent.proxy"
    else:
        what = "it gives no tunnel"
    return CloudError(
        Cause.PROXY_REFUSED,
        f"the proxy {proxy.host} answered HTTP {status} when asked for {host}: {what}",
        http_status=status,
        retry_after_s=retry_after_s(headers),
    )


def _login_wanted(proxy: Proxy, answer: h11.Response) -> str:
    offers = [value.lower() for name, value in answer.headers if name.lower() == b"proxy-authenticate"]
    if offers and not any(b"basic" in offer for offer in offers):
        return "it wants a kind of login other than Basic, which is the only one that gatewayd has"
    if proxy.credential:
        return f"it refuses the user and password in {proxy.credential!r} (agent.proxy_credential)"
    return "it wants a user and password; agent.proxy_credential names none"


def _not_http(proxy: Proxy) -> CloudError:
    return _failed(proxy, "did not answer in HTTP/1.1; check agent.proxy")


def _failed(proxy: Proxy, what: str) -> CloudError:
    return CloudError(Cause.PROXY_FAILED, f"the proxy {proxy.host} port {proxy.port} {what}")
