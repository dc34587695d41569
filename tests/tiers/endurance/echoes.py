"""Every way in which a service can repeat a secret to the one who told it: one attempt each."""

from __future__ import annotations

import json
from typing import NamedTuple

from gatewayd.session.causes import Cause
from gatewayd.sim import script as scripted
from gatewayd.sim.script import Action, Place, Point, Script, Step
from tests.cloud.peers import TEXT, frame
from tests.tiers.endurance.canary import KEY, TOKEN

RESERVED_OPCODE = 0x3
SHOWN_CHARACTERS = 200
"""Where a server's words are cut, so that a token may be cut as well."""


class Echo(NamedTuple):
    """What the service does in one attempt, and how the daemon must call that."""

    name: str
    script: Script
    cause: Cause


def answered(**fields: object) -> str:
    """The token answer with the canary; `$TOKEN` makes the service count the attempt as one with a token."""
    return json.dumps({"token": TOKEN.value, "url": "$WS_URL", "sim": "$TOKEN", **fields})


def refused(name: str, cause: Cause, action: Action) -> Echo:
    """The token endpoint repeats the device's key."""
    return Echo(name, scripted.script(Place.TOKEN, action), cause)


def dialled(name: str, cause: Cause, url: str, *upgrade: Action) -> Echo:
    """The token's answer leads to an address that carries the token; the upgrade may be scripted too."""
    steps = [Step(Point(Place.TOKEN), scripted.Respond(200, body=answered(url=url)))]
    steps += [Step(Point(Place.UPGRADE), action) for action in upgrade]
    return Echo(name, Script(tuple(steps)), cause)


def said(name: str, cause: Cause, *actions: Action) -> Echo:
    """The service takes the token and repeats it in the session."""
    steps = [
        Step(Point(Place.TOKEN), scripted.Respond(200, body=answered())),
        Step(Point(Place.AUTH), scripted.Accept()),
        *(Step(Point(Place.AGENT_READY), action) for action in actions),
    ]
    return Echo(name, Script(tuple(steps)), cause)


def raw(text: str) -> scripted.SendRaw:
    return scripted.SendRaw(text.encode())


def _json(**fields: object) -> scripted.SendText:
    return scripted.SendText(json.dumps(fields))


_WITH_QUERY = f"$WS_URL?token={TOKEN.value}"
_SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

TOKEN_REQUESTS = (
    refused(
        "401 with the key in its body and a header",
        Cause.TOKEN_REFUSED,
        scripted.Respond(401, {"WWW-Authenticate": f'Bearer error="{KEY.value}"'}, json.dumps({"error": KEY.value})),
    ),
    refused(
        "a redirect that carries the key",
        Cause.TOKEN_UNAVAILABLE,
        scripted.Respond(302, {"Location": f"https://login.invalid/?key={KEY.value}"}),
    ),
    refused(
        "a Retry-After that is the key",
        Cause.TOKEN_UNAVAILABLE,
        scripted.Respond(503, {"Retry-After": KEY.value}, KEY.value),
    ),
    refused("400 that quotes the request", Cause.TOKEN_UNAVAILABLE, scripted.Respond(400, body=f"Bearer {KEY.value}")),
    refused("the key instead of JSON", Cause.TOKEN_UNUSABLE, scripted.Respond(200, body=KEY.value)),
    refused("no token, but the key", Cause.TOKEN_UNUSABLE, scripted.Respond(200, body=json.dumps({KEY.value: "x"}))),
    refused(
        "a token that is no text",
        Cause.TOKEN_UNUSABLE,
        scripted.Respond(200, body=json.dumps({"token": {"value": KEY.value}})),
    ),
    refused("far too much of the key", Cause.TOKEN_UNUSABLE, scripted.Respond(200, body=KEY.value * 3000)),
    refused("the key instead of HTTP", Cause.TOKEN_UNUSABLE, raw(f"{KEY.value}\r\n\r\n")),
    refused("the key as the status", Cause.TOKEN_UNUSABLE, raw(f"HTTP/1.1 {KEY.value} no\r\n\r\n")),
    refused(
        "the key as the reason of a status",
        Cause.TOKEN_UNAVAILABLE,
        raw(f"HTTP/1.1 599 {KEY.value}\r\nContent-Length: 0\r\n\r\n"),
    ),
    refused("the key as a broken header", Cause.TOKEN_UNUSABLE, raw(f"HTTP/1.1 200 OK\r\n{KEY.value}\r\n\r\n")),
    refused(
        "an address of another scheme with the key",
        Cause.TOKEN_UNUSABLE,
        scripted.Respond(200, body=json.dumps({"token": "t", "url": f"https://voice.invalid/{KEY.value}"})),
    ),
    refused(
        "an address with the key as password",
        Cause.TOKEN_UNUSABLE,
        scripted.Respond(200, body=json.dumps({"token": "t", "url": f"wss://me:{KEY.value}@voice.invalid/"})),
    ),
    refused(
        "an address that is no address",
        Cause.TOKEN_UNUSABLE,
        scripted.Respond(200, body=json.dumps({"token": "t", "url": f"wss://voice.invalid:{KEY.value}/"})),
    ),
)

UPGRADES = (
    dialled("a closed port, the token in the query", Cause.CONNECT_REFUSED, f"wss://127.0.0.1:1/?t={TOKEN.value}"),
    dialled(
        "403 that quotes the address",
        Cause.UPGRADE_REFUSED,
        _WITH_QUERY,
        scripted.Respond(403, {"X-Asked": TOKEN.value}, f"?token={TOKEN.value} is not allowed"),
    ),
    dialled(
        "a redirect with the token",
        Cause.UPGRADE_REFUSED,
        _WITH_QUERY,
        scripted.Respond(307, {"Location": f"/v1/voice?token={TOKEN.value}"}),
    ),
    dialled(
        "the token as the reason of a status",
        Cause.UPGRADE_REFUSED,
        _WITH_QUERY,
        raw(f"HTTP/1.1 599 {TOKEN.value}\r\nContent-Length: 0\r\n\r\n"),
    ),
    dialled("the token instead of HTTP", Cause.UPGRADE_FAILED, _WITH_QUERY, raw(f"{TOKEN.value}\r\n\r\n")),
    dialled(
        "the token as accept key",
        Cause.UPGRADE_FAILED,
        _WITH_QUERY,
        raw(f"{_SWITCHING}Sec-WebSocket-Accept: {TOKEN.value}\r\n\r\n"),
    ),
    dialled(
        "the token as subprotocol",
        Cause.UPGRADE_FAILED,
        _WITH_QUERY,
        raw(f"{_SWITCHING}Sec-WebSocket-Protocol: {TOKEN.value}\r\n\r\n"),
    ),
)

SESSIONS = (
    said("an error message", Cause.AUTH_REJECTED, scripted.Fail("AUTH_FAILED", f"token {TOKEN.value} has expired")),
    said("an error code", Cause.SERVER_ERROR, scripted.Fail(TOKEN.value, "no", 4000)),
    said("an error without type", Cause.SERVER_ERROR, scripted.SendError(TOKEN.value, TOKEN.value, typed=False)),
    said(
        "a message cut within the token",
        Cause.SESSION_SETUP_FAILED,
        scripted.Fail("SESSION_SETUP_FAILED", "x" * (SHOWN_CHARACTERS - 30) + TOKEN.value),
    ),
    said("a reason", Cause.SESSION_ENDED, scripted.EndSession(TOKEN.value)),
    said("a close reason", Cause.AUTH_REJECTED, scripted.Close(4003, f"bad token {TOKEN.value}")),
    said("an unknown close code's reason", Cause.CLOSED_ABNORMALLY, scripted.Close(4999, f"token={TOKEN.value}")),
    said("a close reason on 1000", Cause.CLOSED_NORMALLY, scripted.Close(1000, TOKEN.value)),
    said(
        "texts that mean nothing",
        Cause.CLOSED_NORMALLY,
        _json(type=TOKEN.value),
        _json(type=["no text", TOKEN.value]),
        _json(kind="news", body=TOKEN.value),
        scripted.SendText(TOKEN.value),
        scripted.SendText(json.dumps(TOKEN.value)),
        scripted.SendPing(payload=TOKEN.value.encode()),
        scripted.SendBinary(TOKEN.value.encode() * 9),
        scripted.Close(1000),
    ),
    said(
        "invalid UTF-8",
        Cause.PROTOCOL_VIOLATED,
        scripted.SendRaw(frame(TEXT, TOKEN.value.encode() + b"\xff" + TOKEN.value.encode())),
    ),
    said(
        "a reserved frame", Cause.PROTOCOL_VIOLATED, scripted.SendRaw(frame(RESERVED_OPCODE, TOKEN.value.encode() * 2))
    ),
    said("HTTP where none belongs", Cause.PROTOCOL_VIOLATED, raw(f"HTTP/1.1 400 {TOKEN.value}\r\n\r\n")),
    said("too much of it", Cause.PROTOCOL_VIOLATED, scripted.SendText(TOKEN.value * 1500)),
)

ALL = TOKEN_REQUESTS + UPGRADES + SESSIONS
