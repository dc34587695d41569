"""The steps at the service itself: its heartbeat, a token, and a whole session up to the agent and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.cloud.heartbeat import ANSWER_LIMIT_BYTES, what_is_wrong
from gatewayd.cloud.portal import wants_login
from gatewayd.diagnosis.advice import advice
from gatewayd.diagnosis.results import failed, passed
from gatewayd.diagnosis.walk import Found
from gatewayd.errors import CloudError
from gatewayd.lean import dataclass
from gatewayd.seams.http import HttpRequest
from gatewayd.session import messages
from gatewayd.session.causes import Cause
from gatewayd.session.events import AgentReadied, ErrorReported, ServerConnected, SessionEndAnnounced
from gatewayd.session.machine import AGENT_READY_LIMIT_S, CLOSE_LIMIT_S, CONNECTED_LIMIT_S
from gatewayd.session.tokens import without_token

if TYPE_CHECKING:
    from gatewayd.configuration.model import HeartbeatConfiguration
    from gatewayd.seams.http import HttpClient
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Connection, Transport
    from gatewayd.session.events import ServerMessage
    from gatewayd.session.tokens import Token

SEND_LIMIT_S = 5.0
"""For the token to be taken by the transport, on a connection that has carried nothing yet."""
GOODBYE_LIMIT_S = 1.5
"""For the close handshake, as the daemon keeps it."""


async def ask_heartbeat(http: HttpClient, heartbeat: HeartbeatConfiguration) -> Found[bool]:
    """Make one request, and look at the answer as the daemon does. Raises `CloudError`."""
    began_s = trio.current_time()
    request = HttpRequest(method="GET", url=heartbeat.url)
    answer = await http.request(request, timeout_s=heartbeat.timeout_s, body_limit_bytes=ANSWER_LIMIT_BYTES)
    wrong = what_is_wrong(answer, heartbeat.expect)
    if wrong is not None:
        return Found(failed(wrong, _about_answer(answer.status)))
    return Found(
        passed(f"it answers HTTP {answer.status} within {1000 * (trio.current_time() - began_s):.0f} ms"), True
    )


def _about_answer(status: int) -> str:
    if status >= 500 and not wants_login(status):
        return "ask whoever runs the service: it has a problem of its own"
    if 400 <= status <= 499:
        return "check agent.heartbeat.url"
    return "log this device in to the network (a captive portal asks for it), or correct agent.heartbeat"


async def fetch_token(tokens: TokenSource) -> Found[Token]:
    """Ask for one as the daemon does before each session. Raises `CloudError`. The token is never shown."""
    began_s = trio.current_time()
    token = await tokens.fetch()
    where = ", with the address of the agent" if token.url else ""
    return Found(passed(f"one was given within {1000 * (trio.current_time() - began_s):.0f} ms{where}"), token)


@dataclass(frozen=True)
class SessionTrial:
    """Holds one session, without any sound, for as long as it takes to see the agent ready."""

    transport: Transport
    url: str
    """Where the agent is, unless the token says it."""

    async def run(self, token: Token) -> Found[bool]:
        """Connect, authenticate, wait for the agent, and say goodbye. The token is taken out of whatever is told."""
        try:
            told = await self._hold(token)
        except CloudError as error:
            return Found(failed(without_token(error.detail, token.value), advice(error)))
        return Found(passed(told), True)

    async def _hold(self, token: Token) -> str:
        url = token.url or self.url
        if not url:
            raise CloudError(
                Cause.TOKEN_UNUSABLE, "the token's answer carries no WebSocket address, nor is agent.url set"
            )
        began_s = trio.current_time()
        async with self.transport.connect(url) as connection:
            opened_s = trio.current_time()
            with trio.move_on_after(SEND_LIMIT_S) as limit:
                await connection.send_text(messages.authenticate(token.value))
            if limit.cancelled_caught:
                raise CloudError(Cause.SEND_TIMED_OUT, f"the link did not take the token within {SEND_LIMIT_S:g} s")
            await _await_message(connection, ServerConnected, CONNECTED_LIMIT_S, Cause.CONNECTED_TIMED_OUT)
            connected_s = trio.current_time()
            await _await_message(connection, AgentReadied, AGENT_READY_LIMIT_S, Cause.AGENT_READY_TIMED_OUT)
            ready_s = trio.current_time()
            with trio.move_on_after(GOODBYE_LIMIT_S):
                await connection.close(messages.CLOSE_NORMAL)
        return (
            f"the agent is ready after {ready_s - began_s:.2f} s: {opened_s - began_s:.2f} s to connect, "
            f"{connected_s - opened_s:.2f} s to be let in, {ready_s - connected_s:.2f} s for the agent"
        )


_MISSED = {
    Cause.CONNECTED_TIMED_OUT: "the service did not answer the token",
    Cause.AGENT_READY_TIMED_OUT: "the service let this device in, and no agent became ready",
}


async def _await_message(connection: Connection, awaited: type[ServerMessage], limit_s: float, missed: Cause) -> None:
    """Wait for a message of that kind; sound, and what is not known, passes by. Raises `CloudError`."""
    with trio.move_on_after(limit_s):
        while True:
            message = await connection.receive()
            said = messages.parse(message) if isinstance(message, str) else None
            if isinstance(said, awaited):
                return
            if isinstance(said, ErrorReported):
                raise await _error(said, connection)
            if isinstance(said, SessionEndAnnounced):
                why = said.reason or "no reason given"
                raise CloudError(Cause.SESSION_ENDED, f"the service ended the session: {why}")
    raise CloudError(missed, f"{_MISSED[missed]} within {limit_s:g} s")


async def _error(said: ErrorReported, connection: Connection) -> CloudError:
    """What the service reported, with the close code that follows it."""
    detail = f"the service reported {said.code or 'an error without a code'}: {said.message or 'no message'}"
    with trio.move_on_after(CLOSE_LIMIT_S):
        try:
            while True:
                await connection.receive()
        except CloudError as end:
            if end.close_code is not None:
                detail += f" (close code {end.close_code})"
    return CloudError(said.cause, detail)
