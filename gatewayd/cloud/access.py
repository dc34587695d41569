"""The way to the service, put together: which adapters an `[agent]` table asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.tls import make_tls_context
from gatewayd.cloud.token import CommandTokenSource, HttpTokenSource
from gatewayd.cloud.tunnel import Proxy
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.lean import dataclass
from gatewayd.system.credentials import read_credential

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from gatewayd.configuration.model import AgentConfiguration
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.dialer import Dialer
    from gatewayd.seams.http import HttpClient
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Transport


@dataclass(frozen=True)
class CloudAccess:
    """The way to the service; everything that talks to it shares it."""

    dialer: Dialer
    http: HttpClient
    transport: Transport
    tokens: TokenSource


def make_access(
    agent: AgentConfiguration, clock: Clock, *, source: str, read: Callable[[str], str] = read_credential
) -> CloudAccess:
    """Put it together; `read` gives a credential's secret by its name or path, anew for each use.

    Raises `ConfigurationInvalid`, naming `source`, when a certificate or key cannot be used.
    """
    context = make_tls_context(agent.ca_file, agent.client_cert, agent.client_key, source=source)
    return access_by(agent, clock, context, read=read)


def access_by(
    agent: AgentConfiguration, clock: Clock, context: ssl.SSLContext, *, read: Callable[[str], str] = read_credential
) -> CloudAccess:
    """The same by TLS settings that are already there."""
    plaintext = agent.allow_plaintext
    proxy = Proxy(agent.proxy, agent.proxy_credential, read) if agent.proxy else None
    dialer = TcpDialer(tls_context=context, proxy=proxy)
    http = H11Client(dialer, allow_plaintext=plaintext)
    tokens: TokenSource
    if agent.token.command:
        tokens = CommandTokenSource(clock, agent.token, allow_plaintext=plaintext)
    else:
        tokens = HttpTokenSource(http, clock, agent.token, read, allow_plaintext=plaintext)
    transport = WebSocketTransport(dialer, connect_timeout_s=agent.connect_timeout_s, allow_plaintext=plaintext)
    return CloudAccess(dialer, http, transport, tokens)
