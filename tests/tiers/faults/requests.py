"""The answers to the two HTTP requests of an attempt: for the token, and for the upgrade to a WebSocket."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gatewayd.session.causes import Cause
from gatewayd.sim.script import Cut, Hangup, Place, Respond, SendRaw, Stall, script
from tests.tiers.faults.fault import AT_ONCE_S, BACKOFF_S, LATER_S, REFUSED_S, RETRY_AFTER_S, Ending, Fault

if TYPE_CHECKING:
    from gatewayd.sim.script import Action

_TEN_MEGABYTES = 10_000_000
_ELSEWHERE = {"Location": "https://elsewhere.invalid/"}
_LATER = {"Retry-After": f"{RETRY_AFTER_S:.0f}"}
_NOT_HTTP = b"SSH-2.0-OpenSSH_9.2\r\n\r\n"
_HEADERS = b"X-More: and more\r\n" * 2000
_BROKEN_OFF = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"token'
_WRONG_KEY = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXI=\r\n\r\n"
)
_SHORT_LIMIT_S = 3.0
"""`agent.token.timeout_s` and `agent.connect_timeout_s` where it has to pass."""


def _token(name: str, ending: Ending, *actions: Action) -> Fault:
    return Fault(f"token: {name}", (ending,), (script(Place.TOKEN, *actions),))


def _slow_token(name: str, *actions: Action) -> Fault:
    return Fault(
        f"token: {name}",
        (Ending(Cause.TOKEN_TIMED_OUT),),
        (script(Place.TOKEN, *actions),),
        token_timeout_s=_SHORT_LIMIT_S,
        limit_s=_SHORT_LIMIT_S,
        limit_key="agent.token.timeout_s",
    )


def _upgrade(name: str, ending: Ending, *actions: Action) -> Fault:
    return Fault(f"upgrade: {name}", (ending,), (script(Place.UPGRADE, *actions),))


def _unavailable(says: str = "", wait_s: float = BACKOFF_S) -> Ending:
    return Ending(Cause.TOKEN_UNAVAILABLE, says=says, wait_s=wait_s)


def _unusable(says: str) -> Ending:
    return Ending(Cause.TOKEN_UNUSABLE, says=says)


def _refused(says: str = "", wait_s: float = BACKOFF_S) -> Ending:
    return Ending(Cause.UPGRADE_REFUSED, says=says, wait_s=wait_s)


_TOKEN_REFUSED = Ending(Cause.TOKEN_REFUSED, wait_s=REFUSED_S, level=logging.ERROR, says="credential")
_FAILED = Ending(Cause.UPGRADE_FAILED)
_UNKNOWN_TOKEN = Ending(Cause.AUTH_REJECTED, 4003, "AUTH_FAILED", wait_s=AT_ONCE_S)

TOKENS = (
    Fault("token: nothing listens", (Ending(Cause.CONNECT_REFUSED),), token_refused=True),
    Fault("token: the name cannot be resolved", (Ending(Cause.DNS_FAILED),), names_unresolved=1),
    Fault(
        "token: resolving the name takes too long",
        (Ending(Cause.TOKEN_TIMED_OUT, says="resolving localhost"),),
        names_hang_s=_SHORT_LIMIT_S + 1.0,
        token_timeout_s=_SHORT_LIMIT_S,
        limit_s=_SHORT_LIMIT_S,
        limit_key="agent.token.timeout_s",
    ),
    _token("redirect", _unavailable("redirects are not followed"), Respond(302, _ELSEWHERE)),
    _token("401", _TOKEN_REFUSED, Respond(401)),
    _token("403", _TOKEN_REFUSED, Respond(403)),
    _token("404", _unavailable("check agent.token.url"), Respond(404)),
    _token("429 with Retry-After", _unavailable(wait_s=LATER_S), Respond(429, _LATER)),
    _token("503 with Retry-After", _unavailable(wait_s=LATER_S), Respond(503, _LATER)),
    _token("500", _unavailable(), Respond(500)),
    _token("503 and a body of 10 MB", _unavailable(wait_s=LATER_S), Respond(503, _LATER, body_bytes=_TEN_MEGABYTES)),
    _token("401 and a body of 10 MB", _TOKEN_REFUSED, Respond(401, body_bytes=_TEN_MEGABYTES)),
    _token("403 and an endless body", _TOKEN_REFUSED, Respond(403, body_bytes=_TEN_MEGABYTES, bytes_per_s=1000)),
    _token("a body of 10 MB", _unusable("more than"), Respond(200, body_bytes=_TEN_MEGABYTES)),
    _token("empty", _unusable("is empty"), Respond(200)),
    _token("not JSON", _unusable("is not JSON"), Respond(200, body="welcome")),
    _token("a web page", _unusable("captive portal"), Respond(200, body="<html>welcome</html>")),
    _token("the field is missing", _unusable("is not there"), Respond(200, body='{"expires_in": 300}')),
    _token("the field is a number", _unusable("is not a string"), Respond(200, body='{"token": 7}')),
    _token("the field is empty", _unusable("is empty"), Respond(200, body='{"token": ""}')),
    _token("not HTTP", _unusable("did not answer in HTTP"), SendRaw(_NOT_HTTP), Stall()),
    _token(
        "headers without end", _unusable("did not answer in HTTP"), SendRaw(b"HTTP/1.1 200 OK\r\n" + _HEADERS), Stall()
    ),
    _token(
        "the answer breaks off", _unavailable("before its answer was complete"), SendRaw(_BROKEN_OFF), Cut(Hangup.FIN)
    ),
    _token("hangs up", _unavailable("hung up"), Cut(Hangup.FIN)),
    _token("resets", _unavailable("reset"), Cut(Hangup.RST)),
    _slow_token("no answer", Stall()),
    _slow_token("an answer by the byte", Respond(200, body_bytes=1000, bytes_per_s=10)),
    _slow_token("half an answer", SendRaw(_BROKEN_OFF), Stall()),
    _token("one that the service does not know", _UNKNOWN_TOKEN, Respond(200, body='{"token": "stale"}')),
)

UPGRADES = (
    Fault("upgrade: nothing listens", (Ending(Cause.CONNECT_REFUSED),), voice_refused=True),
    _upgrade("redirect", _refused("redirects are not followed"), Respond(301, _ELSEWHERE)),
    _upgrade("200", _refused("no WebSocket at this address"), Respond(200, body="<html>welcome</html>")),
    _upgrade("401", _refused("not authorised", wait_s=AT_ONCE_S), Respond(401)),
    _upgrade("403", _refused("not authorised", wait_s=AT_ONCE_S), Respond(403)),
    Fault(
        "upgrade: 403 twice in a row",
        (
            _refused("not authorised", wait_s=AT_ONCE_S),
            Ending(Cause.UPGRADE_REFUSED, wait_s=REFUSED_S, level=logging.ERROR),
        ),
        (script(Place.UPGRADE, Respond(403)),) * 2,
    ),
    _upgrade("404", _refused("check its path"), Respond(404)),
    _upgrade("429 with Retry-After", _refused(wait_s=LATER_S), Respond(429, _LATER)),
    _upgrade("503 with Retry-After", _refused(wait_s=LATER_S), Respond(503, _LATER)),
    _upgrade("500", _refused(), Respond(500)),
    _upgrade("503 and a body of 10 MB", _refused(wait_s=LATER_S), Respond(503, _LATER, body_bytes=_TEN_MEGABYTES)),
    _upgrade("503 and an endless body", _refused(), Respond(503, body_bytes=_TEN_MEGABYTES, bytes_per_s=1000)),
    _upgrade("not HTTP", _FAILED, SendRaw(_NOT_HTTP), Stall()),
    _upgrade("headers without end", _FAILED, SendRaw(b"HTTP/1.1 101 Yes\r\n" + _HEADERS), Stall()),
    _upgrade("agreed without the key", _FAILED, SendRaw(_WRONG_KEY), Stall()),
    _upgrade("hangs up", _FAILED, Cut(Hangup.FIN)),
    _upgrade("resets", Ending(Cause.CONNECTION_LOST), Cut(Hangup.RST)),
    Fault(
        "upgrade: no answer",
        (Ending(Cause.CONNECT_TIMED_OUT, says="answer the WebSocket upgrade"),),
        (script(Place.UPGRADE, Stall()),),
        connect_timeout_s=_SHORT_LIMIT_S,
        limit_s=_SHORT_LIMIT_S,
        limit_key="agent.connect_timeout_s",
    ),
)
