"""The real session, from the token request to the socket, without a sound card: frames are offered by the test."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.tls import make_tls_context
from gatewayd.cloud.token import HttpTokenSource
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.configuration.model import Activation, AgentConfiguration, BackoffConfiguration, TokenConfiguration
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.system.clock import SystemClock
from gatewayd.system.credentials import read_credential
from gatewayd.system.logs import StationLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.seams.dialer import Dialer
    from gatewayd.seams.http import HttpClient
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.seams.transport import Transport
    from gatewayd.sim.service import Service

AT_ONCE = BackoffConfiguration(base_s=0.1, cap_s=0.1, startup_spread_s=0.0)
"""No wait but the policy's floor."""


def agent_of(service: Service, *, backoff: BackoffConfiguration = AT_ONCE, credential: str = "") -> AgentConfiguration:
    """How to reach a local service."""
    return AgentConfiguration(
        url=service.ws_url,
        ca_file=service.ca_file or "",
        backoff=backoff,
        token=TokenConfiguration(url=service.token_url, credential=credential),
    )


def dialer_for(agent: AgentConfiguration) -> TcpDialer:
    return TcpDialer(tls_context=make_tls_context(agent.ca_file, "", "", source="test"))


@dataclass
class SessionStack:
    """One always-on station's session over `dialer`. `play` gets what the agent says."""

    agent: AgentConfiguration
    dialer: Dialer
    play: Callable[[bytes], None] = lambda _frame: None
    uniform: Callable[[float, float], float] = random.uniform
    name: str = "main"
    wrap_http: Callable[[HttpClient], HttpClient] = lambda http: http
    wrap_transport: Callable[[Transport], Transport] = lambda transport: transport
    wrap_tokens: Callable[[TokenSource], TokenSource] = lambda tokens: tokens
    machine: SessionMachine = field(init=False)
    driver: SessionDriver = field(init=False)

    def __post_init__(self) -> None:
        clock = SystemClock()
        self.machine = SessionMachine(self.agent, Activation.ALWAYS, self.uniform)
        http = self.wrap_http(H11Client(self.dialer))
        self.driver = SessionDriver(
            machine=self.machine,
            transport=self.wrap_transport(
                WebSocketTransport(self.dialer, connect_timeout_s=self.agent.connect_timeout_s)
            ),
            tokens=self.wrap_tokens(HttpTokenSource(http, clock, self.agent.token, read_credential)),
            clock=clock,
            play=self.play,
            clear_playback=lambda: None,
            log=StationLog(logging.getLogger("gatewayd.station"), self.name),
        )
