"""The gateway under test: everything between the frames of a station and real sockets, watched through what it says."""

from __future__ import annotations

import logging
import random
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.formats import FRAME_BYTES
from gatewayd.audio.playback_buffer import PlaybackBuffer
from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.http import H11Client
from gatewayd.cloud.token import HttpTokenSource
from gatewayd.cloud.websocket import WebSocketTransport
from gatewayd.configuration.model import Activation, AgentConfiguration, TokenConfiguration
from gatewayd.control.schema import SessionState
from gatewayd.session import events
from gatewayd.session.driver import SessionDriver
from gatewayd.session.machine import SessionMachine
from gatewayd.system.clock import SystemClock
from gatewayd.system.logs import StationLog
from tests.tiers.faults.fault import BACKOFF
from tests.tiers.faults.watched import WatchedDialer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from gatewayd.cloud.dial import Address
    from gatewayd.control.schema import SessionEnd, SessionStatus
    from tests.tiers.faults.fault import Fault

SPOKEN = b"\x34\x12" * (FRAME_BYTES // 2 - 4)
"""What all frames of the microphone begin with; they end with the time. What comes back like it is the echo."""
GLANCE_S = 0.1
"""How often the counters are looked at; every word in the log is looked after at once."""


def spoken_at_ns(frame: bytes) -> int:
    """When the microphone gave it, on CLOCK_MONOTONIC."""
    return int.from_bytes(frame[-8:], "little")


@dataclass(frozen=True)
class Ended:
    """One end of an attempt or a session, as it was shown."""

    at_s: float
    end: SessionEnd
    wait_s: float | None
    level: int


class FirmClock(SystemClock):
    """The system's, but for whether it is set."""

    def __init__(self, *, is_set: bool) -> None:
        self._is_set = is_set

    def synchronised(self) -> bool:
        return self._is_set


class FailingResolver:
    """The system's, after some failures and a first answer that is late."""

    def __init__(self, failures: int, hangs_s: float) -> None:
        self._failures = failures
        self._hangs_s = hangs_s

    def __call__(self, host: str, port: int, *, type: socket.SocketKind, flags: int) -> Sequence[Address]:  # noqa: A002 - its name there
        hangs_s, self._hangs_s = self._hangs_s, 0.0
        time.sleep(hangs_s)
        if self._failures:
            self._failures -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        found: Sequence[Address] = socket.getaddrinfo(host, port, socket.AF_INET, type, 0, flags)
        return found


class Gateway:
    """A station's whole session, without its sound card."""

    def __init__(self, fault: Fault, *, token_port: int, voice_port: int, tls_context: ssl.SSLContext) -> None:
        host = "localhost" if fault.names_unresolved or fault.names_hang_s else "127.0.0.1"
        agent = AgentConfiguration(
            url=f"wss://{host}:{voice_port}/v1/voice",
            connect_timeout_s=fault.connect_timeout_s,
            token=TokenConfiguration(url=f"https://{host}:{token_port}/v1/session", timeout_s=fault.token_timeout_s),
            backoff=BACKOFF,
        )
        clock = FirmClock(is_set=fault.clock_set)
        resolver = FailingResolver(fault.names_unresolved, fault.names_hang_s)
        self.dialer = dialer = WatchedDialer(TcpDialer(tls_context=tls_context, resolver=resolver))
        self.machine = SessionMachine(agent, Activation.ALWAYS, random.uniform)
        self._speaker = PlaybackBuffer(prebuffer_ms=0)
        self.driver = SessionDriver(
            machine=self.machine,
            transport=WebSocketTransport(dialer, connect_timeout_s=agent.connect_timeout_s),
            tokens=HttpTokenSource(H11Client(dialer), clock, agent.token, _no_credential),
            clock=clock,
            play=self._play,
            clear_playback=self._clear,
            log=StationLog(self._logger(), "main"),
        )
        self.echoes = 0
        """The agent's frames that came back whole."""
        self.ends: list[Ended] = []
        self.readied_at_s: list[float] = []
        self.returned = False
        self._may_return = False
        self._frame_period_s = fault.frame_period_s
        self._word = trio.lowlevel.ParkingLot()

    @property
    def status(self) -> SessionStatus:
        """What people are shown."""
        return self.driver.status(trio.current_time())

    async def run(self) -> None:
        """Run the driver. Raises `AssertionError` when it returns without having been asked to."""
        await self.driver.run()
        assert self._may_return, "the driver returned unasked"
        self.returned = True
        self._word.unpark_all()

    async def listen(self) -> None:
        """Be the microphone, until cancelled."""
        await self.driver.note_device(present=True)
        while True:
            if self._frame_period_s or self.ends:
                self.driver.offer_frame(SPOKEN + time.monotonic_ns().to_bytes(8, "little"))
            await trio.sleep(self._frame_period_s or 0.25)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition on anything that this object shows. The caller bounds the wait."""
        while not condition():
            with trio.move_on_after(GLANCE_S):
                await self._word.park()

    async def shut_down(self) -> None:
        """Ask the session to end, and wait until the driver has returned."""
        self._may_return = True
        await self.driver.tell(events.ShutdownRequested())
        await self.until(lambda: self.returned)

    def _play(self, frame: bytes) -> None:
        self.echoes += frame.startswith(SPOKEN)
        self._speaker.put(frame)

    def _clear(self) -> None:
        self._speaker.clear()

    def _logger(self) -> logging.Logger:
        logger = logging.Logger("a station of its own", logging.DEBUG)  # noqa: LOG001 - shared with no other fault
        logger.addHandler(_Listener(self._note))
        return logger

    def _note(self, record: logging.LogRecord) -> None:
        """Something was said: look what changed."""
        now_s = trio.current_time()
        status = self.status
        if status.last_end is not None and (not self.ends or status.last_end is not self.ends[-1].end):
            self.ends.append(Ended(now_s, status.last_end, status.next_attempt_s, record.levelno))
        if self.machine.state is SessionState.AGENT_READY and len(self.readied_at_s) < status.connects:
            self.readied_at_s.append(now_s)
        self._word.unpark_all()


class _Listener(logging.Handler):
    def __init__(self, note: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(logging.DEBUG)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record)


def _no_credential(name: str) -> str:
    raise AssertionError(f"asked for the credential {name!r}, and none is configured")
