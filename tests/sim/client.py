"""A WebSocket client without mercy: sees every frame and every way TCP ends, at what time."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from gatewayd.sim.service import Service

PATIENCE_S = 20.0


class Client:
    """Logs what it gets as short strings: `connected`, `binary 640`, `ping`, `close 1000`, `eof`, `reset`."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.accepted: bool | None = None
        self.status = 101
        self.body = b""
        self.answers_close = True
        self.frames: list[bytes] = []
        self._log: list[str] = []
        self._binary = b""
        self._text = ""

    async def upgrade(self) -> None:
        await self.stream.send_all(self.ws.send(Request(host="127.0.0.1", target="/v1/voice")))
        while self.accepted is None and await self._receive():
            pass

    async def send_text(self, text: str) -> None:
        await self.stream.send_all(self.ws.send(TextMessage(data=text)))

    async def send_token(self, token: str) -> None:
        await self.send_text(json.dumps({"token": token}))

    async def send_frame(self, data: bytes = bytes(640)) -> None:
        await self.stream.send_all(self.ws.send(BytesMessage(data=data)))

    async def send_ping(self, payload: bytes = b"") -> None:
        await self.stream.send_all(self.ws.send(Ping(payload=payload)))

    async def close(self, code: int = 1000) -> None:
        await self.stream.send_all(self.ws.send(CloseConnection(code=code)))

    async def next(self) -> str:
        """The next thing that happens."""
        with trio.fail_after(PATIENCE_S):
            while not self._log:
                await self._receive()
        return self._log.pop(0)

    async def transcript(self) -> list[str]:
        """Everything from here to the end of TCP."""
        happened = [await self.next()]
        while happened[-1] not in ("eof", "reset"):
            happened.append(await self.next())
        return happened

    async def become_ready(self, service: Service) -> None:
        await self.send_token(service.issue_token())
        assert [await self.next(), await self.next()] == ["connected", "agent_ready"]

    async def _receive(self) -> bool:
        try:
            data = await self.stream.receive_some(65536)
        except trio.BrokenResourceError:
            self._log.append("reset")
            return False
        if not data:
            self._log.append("eof")
            return False
        self.ws.receive_data(bytes(data))
        for event in self.ws.events():
            await self._note(event)
        return True

    async def _note(self, event: Event) -> None:  # noqa: C901 - one arm per kind of event
        if isinstance(event, AcceptConnection):
            self.accepted = True
        elif isinstance(event, RejectConnection):
            self.accepted, self.status = False, event.status_code
        elif isinstance(event, RejectData):
            self.body += event.data
        elif isinstance(event, TextMessage):
            self._text += event.data
            if event.message_finished:
                self._log.append(_short(self._text))
                self._text = ""
        elif isinstance(event, BytesMessage):
            self._binary += event.data
            if event.message_finished:
                self.frames.append(self._binary)
                self._log.append(f"binary {len(self._binary)}")
                self._binary = b""
        elif isinstance(event, Ping):
            self._log.append("ping")
            await self.stream.send_all(self.ws.send(event.response()))
        elif isinstance(event, Pong):
            self._log.append(f"pong {bytes(event.payload).decode()}")
        elif isinstance(event, CloseConnection):
            self._log.append(f"close {int(event.code)}")
            if self.answers_close and self.ws.state.name == "REMOTE_CLOSING":
                await self.stream.send_all(self.ws.send(event.response()))


def _short(text: str) -> str:
    message = json.loads(text)
    kind = message.get("type")
    if kind == "error" or (kind is None and "code" in message):
        return f"{kind or 'untyped'} {message['code']}"
    if kind == "session_ended":
        return f"session_ended {message['reason']}"
    return str(kind)


@asynccontextmanager
async def connect(service: Service, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    """A client whose handshake is done, on a real socket."""
    tcp = await trio.open_tcp_stream("127.0.0.1", service.port)
    stream: trio.abc.Stream = tcp
    if tls is not None:
        stream = trio.SSLStream(tcp, tls, server_hostname="127.0.0.1", https_compatible=True)
    try:
        client = Client(stream)
        with trio.fail_after(PATIENCE_S):
            await client.upgrade()
        yield client
    finally:
        await trio.aclose_forcefully(tcp)


class Answer:
    """An HTTP answer, or how there was none (`status` 0)."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = ""

    def json(self) -> dict[str, object]:
        content = json.loads(self.body)
        assert isinstance(content, dict)
        return content


async def request(
    service: Service,
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """One HTTP request on a connection of its own."""
    fields = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
    client = h11.Connection(h11.CLIENT)
    data = client.send(h11.Request(method=method, target=path, headers=list(fields.items()))) or b""
    data += client.send(h11.Data(data=body)) or b""
    data += client.send(h11.EndOfMessage()) or b""
    answer = Answer()
    async with await trio.open_tcp_stream("127.0.0.1", service.port) as stream:
        with trio.fail_after(PATIENCE_S):
            await stream.send_all(data)
            while not answer.ended:
                try:
                    received = await stream.receive_some(65536)
                except trio.BrokenResourceError:
                    answer.ended = "reset"
                    break
                if not received:
                    answer.ended = "eof"
                client.receive_data(received)
                _note_http(client, answer)
    return answer


def _note_http(client: h11.Connection, answer: Answer) -> None:
    while True:
        try:
            event = client.next_event()
        except h11.RemoteProtocolError:
            answer.ended = answer.ended or "broken"
            return
        if isinstance(event, h11.Response):
            answer.status = event.status_code
            answer.headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            answer.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            answer.ended = "whole"
            return
        elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return
