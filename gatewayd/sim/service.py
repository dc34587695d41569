"""The service in a trio program: one listener for token, heartbeat and voice."""

from __future__ import annotations

import json
import logging
import ssl
from contextlib import ExitStack, closing
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import Unavailable
from gatewayd.lean import dataclass
from gatewayd.sim.agents import Echo
from gatewayd.sim.conversation import Conversation
from gatewayd.sim.director import Attempt, Director
from gatewayd.sim.exchange import Exchange
from gatewayd.sim.http import Refused, Request, check_credential, check_json_object, check_method
from gatewayd.sim.recording import Recording
from gatewayd.sim.script import Place, Scenario, Script
from gatewayd.sim.session import Session
from gatewayd.sim.tokens import TOKEN_VALID_S, TokenBook, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatewayd.sim.agents import Agent
    from gatewayd.sim.certificates import ServerTls

log = logging.getLogger(__name__)

TOKEN_PATH, HEARTBEAT_PATH, VOICE_PATH = "/v1/session", "/heartbeat", "/v1/voice"
TLS_TIMEOUT_S = 10.0
"""For a TLS handshake."""
SHUTDOWN_S = 2.0
"""How long sessions may take over their goodbyes when the service stops."""
SETUP_S = 0.05
"""What setting an agent up takes, between `connected` and `agent_ready`."""
SESSIONS_KEPT = 1000
"""Sessions that are remembered once they ended."""


@dataclass(frozen=True)
class SimOptions:
    """What the service is to be; the defaults are a plain echo service on any free port of loopback."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any that is free."""
    tls: ServerTls | None = None
    agent: Callable[[], Agent] = Echo
    """Makes the agent of each session (`agents.agent_factory`)."""
    scenario: Scenario = field(default_factory=Scenario)
    credential: str | None = field(default=None, repr=False)
    """Where given, token requests must carry it as `Authorization: Bearer`."""
    record: Path | None = None
    """An existing directory for recordings."""
    strict: bool = False
    """Also close on what the protocol forbids without naming a close code."""
    setup_s: float = SETUP_S
    keep_frames: int = 15_000
    """Frames kept in memory per session and direction: five minutes."""
    max_connections: int = 64
    clock: Callable[[], float] = trio.current_time
    """Seconds; what tokens age by."""


class Service:
    """A running service: its addresses, its sessions, and orders for attempts to come."""

    def __init__(self, options: SimOptions, port: int) -> None:
        self.port = port
        self.sessions: list[Session] = []
        """Voice sessions in the order of their upgrades: the last `SESSIONS_KEPT`."""
        self.token_requests = 0
        self.heartbeats = 0
        self._options = options
        self._director = Director(options.scenario)
        self._tokens = TokenBook()
        self._connections = 0
        self._sessions_begun = 0
        self._watchers = trio.lowlevel.ParkingLot()
        self._stop_asked = trio.Event()
        self._stopped = trio.Event()

    @property
    def token_url(self) -> str:
        """Where to ask for a token, with POST."""
        return self._url("http", TOKEN_PATH)

    @property
    def heartbeat_url(self) -> str:
        """Where to ask whether the service is there, with GET."""
        return self._url("http", HEARTBEAT_PATH)

    @property
    def ws_url(self) -> str:
        """Where to talk."""
        return self._url("ws", VOICE_PATH)

    @property
    def ca_file(self) -> str | None:
        """The authority that signed the service's certificate; None without TLS."""
        return str(self._options.tls.ca_file) if self._options.tls is not None else None

    def addresses(self) -> dict[str, str | None]:
        """The line that `gatewayd sim` prints when it is ready."""
        return {
            "token_url": self.token_url,
            "heartbeat_url": self.heartbeat_url,
            "ws_url": self.ws_url,
            "ca_file": self.ca_file,
        }

    def issue_token(self) -> str:
        """A token as the endpoint would give it, for tests that skip the request."""
        return self._tokens.issue(self._options.clock())

    def script_next(self, *scripts: Script) -> None:
        """Let the next attempts follow these scripts."""
        self._director.script_next(*scripts)

    async def wait_session(self, number: int = 1) -> Session:
        """Wait for the session of that number, counted from 1. The caller bounds the wait."""
        while self._sessions_begun < number:
            await self._watchers.park()
        return self.sessions[number - 1 - self._sessions_begun]

    def stop(self) -> None:
        """Ask the service to end its sessions (`server_shutdown`, 1000) and return from `serve`."""
        self._stop_asked.set()

    async def wait_stopped(self) -> None:
        """Wait until all is over after `stop`."""
        await self._stopped.wait()

    def _url(self, scheme: str, path: str) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._options.host, self._options.host)  # noqa: S104 - not bound here, but told to people, who need an address to connect to
        secure = "s" if self._options.tls is not None else ""
        return f"{scheme}{secure}://{f'[{host}]' if ':' in host else host}:{self.port}{path}"

    # connections

    async def run(self, listener: trio.SocketListener) -> None:
        """Accept until stopped."""
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(
                    partial(trio.serve_listeners, self._serve, [listener], handler_nursery=nursery),
                )
                await self._stop_asked.wait()
                accepting.cancel_scope.cancel()
            for session in self.sessions:
                session.shut_down()
            with trio.move_on_after(SHUTDOWN_S):
                for session in self.sessions:
                    await session.wait_ended()
            nursery.cancel_scope.cancel()
        self._stopped.set()

    async def _serve(self, tcp: trio.SocketStream) -> None:
        if self._connections >= self._options.max_connections:
            log.warning("over %d connections at once: turned one away", self._options.max_connections)
            await trio.aclose_forcefully(tcp)
            return
        self._connections += 1
        try:
            await self._serve_stream(tcp)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            log.info("a connection failed: %s", error.__cause__ or error)
        finally:
            self._connections -= 1
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(tcp)

    async def _serve_stream(self, tcp: trio.SocketStream) -> None:
        scripted = self._director.accept()
        if scripted is None:
            await self._serve_bytes(tcp)
        else:
            await Exchange(tcp).play((scripted,), partial(self._serve_bytes, tcp), str)

    async def _serve_bytes(self, tcp: trio.SocketStream) -> None:
        if self._options.tls is None:
            await self.serve_http(tcp)
            return
        stream = trio.SSLStream(tcp, self._options.tls.context, server_side=True, https_compatible=True)
        try:
            with trio.fail_after(TLS_TIMEOUT_S):
                await stream.do_handshake()
        except trio.TooSlowError:
            log.info("a TLS handshake took over %g s", TLS_TIMEOUT_S)
            return
        except trio.BrokenResourceError as error:
            cause = error.__cause__
            log.info("a TLS handshake failed: %s", cause.reason if isinstance(cause, ssl.SSLError) else cause or error)
            return
        await self.serve_http(stream)

    async def serve_http(self, stream: trio.abc.Stream) -> None:
        """Serve one client on a stream of any kind, to its end.

        Raises `trio.BrokenResourceError` when the client goes in the middle of an answer. Cancelling leaves the stream
        to the caller.
        """
        exchange = Exchange(stream)
        try:
            request = await exchange.read_request()
            if request is not None:
                await self._route(exchange, request)
            else:
                await exchange.end(None)
        except Refused as refused:
            log.info("refused with %d: %s", refused.status, refused)
            await exchange.answer(refused.status, json.dumps({"error": str(refused)}), refused.headers)

    async def _route(self, exchange: Exchange, request: Request) -> None:
        if request.path == TOKEN_PATH:
            await self._serve_token(exchange, request)
        elif request.path == HEARTBEAT_PATH:
            check_method(request, "GET")
            self.heartbeats += 1
            usual = partial(exchange.answer, 200, '{"status":"ok"}')
            await exchange.play(self._options.scenario.heartbeat, usual, str)
        elif request.path == VOICE_PATH:
            check_method(request, "GET")
            await self._serve_voice(exchange, request)
        else:
            raise Refused(404, "no such path")

    async def _serve_token(self, exchange: Exchange, request: Request) -> None:
        self.token_requests += 1
        attempt = self._director.begin()

        def fill(body: str) -> str:
            if "$TOKEN" in body:
                self._director.token_issued(attempt)
                body = body.replace("$TOKEN", self.issue_token())
            return body.replace("$WS_URL", self.ws_url)

        async def usual() -> None:
            check_method(request, "POST")
            check_credential(request, self._options.credential)
            check_json_object(request)
            await exchange.answer(200, fill(self._options.scenario.token_body or TOKEN_BODY))

        await exchange.play(attempt.script.at(Place.TOKEN), usual, fill)

    async def _serve_voice(self, exchange: Exchange, request: Request) -> None:
        attempt = self._director.upgrade()

        async def usual() -> None:
            await exchange.stream.send_all(exchange.http.switch(request))
            await self._hold_session(exchange, attempt)

        await exchange.play(attempt.script.at(Place.UPGRADE), usual, str)

    async def _hold_session(self, exchange: Exchange, attempt: Attempt) -> None:
        options = self._options
        conversation = Conversation(
            script=attempt.script,
            agent=options.agent(),
            redeem=self._redeem,
            setup_s=options.setup_s,
            strict=options.strict,
        )
        self._sessions_begun += 1
        number = self._sessions_begun
        with ExitStack() as files:
            recording = (
                files.enter_context(closing(Recording(options.record, number))) if options.record is not None else None
            )
            session = Session(
                number, attempt.number, conversation, recording=recording, keep_frames=options.keep_frames
            )
            self.sessions.append(session)
            del self.sessions[:-SESSIONS_KEPT]
            self._watchers.unpark_all()
            log.info("session %d begins (attempt %d%s)", number, attempt.number, _named(attempt.script))
            await session.run(exchange.stream, exchange.http.trailing)

    def _redeem(self, token: str, _now: float) -> Verdict:
        return self._tokens.redeem(token, self._options.clock())


TOKEN_BODY = json.dumps({"token": "$TOKEN", "url": "$WS_URL", "expires_in": round(TOKEN_VALID_S)})


def _named(script: Script) -> str:
    return f", scripted: {script.name or 'unnamed'}" if script.steps else ""


async def serve(options: SimOptions, *, task_status: trio.TaskStatus[Service] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve until `Service.stop` or cancellation; hands the `Service` to `nursery.start`.

    Raises `Unavailable` when it cannot listen. Cancelling ends sessions without a word; recordings are finished.
    """
    try:
        listeners = await trio.open_tcp_listeners(options.port, host=options.host or None)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {options.host}:{options.port}: {error.strerror or error}; choose another with --listen"
        ) from None
    for extra in listeners[1:]:
        await extra.aclose()  # one port, one address: what is printed is where it is
    async with listeners[0] as listener:
        service = Service(options, listener.socket.getsockname()[1])
        task_status.started(service)
        await service.run(listener)
