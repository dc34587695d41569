"""A device to be diagnosed: a configuration, a software card, a service, and everything that can be wrong with them."""

from __future__ import annotations

import json
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.cli.doctor_view import Quiet
from gatewayd.cli.sound import opened_capture, opened_playback
from gatewayd.diagnosis.configured import CredentialReader, installed_profiles
from gatewayd.diagnosis.doctor import Doctor, Outside, Scope
from gatewayd.diagnosis.sound import SoundAccess
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.sim.certificates import Authority
from gatewayd.sim.service import Service, SimOptions, serve
from tests.softcard.card import StreamDefinition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from gatewayd.cloud.dial import Resolver
    from gatewayd.diagnosis.results import Outcome, Result, Step
    from gatewayd.diagnosis.walk import Display
    from gatewayd.sim.certificates import Flaw
    from gatewayd.sim.script import Scenario

HURRIED = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,), speed=40.0)
"""A card on which 2.5 s of sound go by in a sixteenth of a second."""
SYNCHRONISED_S = 1_780_000_000.0
"""Some day in 2026."""


read_once = cache(installed_profiles)
"""Profiles do not change while tests run, and reading them takes longer than most steps."""


class KnownTime:
    """A clock that says what it is told of itself."""

    def __init__(self, *, synchronised: bool = True) -> None:
        self._synchronised = synchronised

    def monotonic_s(self) -> float:
        return trio.current_time()

    def boottime_s(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool:
        return self._synchronised


@dataclass(frozen=True)
class Patient:
    """What the doctor is given."""

    folder: Path
    agent: str
    """TOML of `[agent]` and what follows it."""
    device: str = "hw:CARD=Mic,DEV=0"
    stations: str | None = None
    root: Path = Path("/")
    clock: KnownTime = field(default_factory=KnownTime)
    now_s: Callable[[], float] = time.time
    resolver: Resolver = socket.getaddrinfo
    play: Callable[..., object] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "gatewayd.toml"

    @property
    def socket(self) -> Path:
        return self.folder / "c.sock"

    def write(self) -> None:
        """The configuration."""
        stations = self.stations
        if stations is None:
            stations = f"""
            [stations.main.capture]
            device = {json.dumps(self.device)}
            rate_hz = 16000
            format = "S16_LE"
            channels = 1
            """
        self.config.write_text(f"{self.agent}\n[control]\nsocket = {json.dumps(str(self.socket))}\n{stations}")

    def outside(self) -> Outside:
        sound = SoundAccess(
            partial(opened_capture, config=self.config),
            partial(opened_playback, config=self.config),
            AlsaMixer(self.root),
            play=self.play,  # type: ignore[arg-type]  # given by those tests alone that know its type
            root=self.root,
        )
        reader = CredentialReader(self.folder / "service-credentials")
        return Outside(sound, self.socket, self.clock, self.now_s, self.resolver, reader, read_once)

    async def examined(self, *, display: Display | None = None, **scope: object) -> Chart:
        """Walk the whole chain."""
        self.write()
        chosen = replace(Scope(self.config), **scope)  # type: ignore[arg-type]  # as the dataclass has them
        return Chart(await Doctor(chosen, self.outside(), display or Quiet()).run())


@dataclass(frozen=True)
class Chart:
    """What was found."""

    results: Sequence[Result]

    def of(self, step: Step, station: str | None = None) -> Outcome:
        """The only result of a step, or that of a station."""
        [found] = [result for result in self.results if result.step is step and station in (None, result.station)]
        return found.outcome

    def told(self, step: Step, station: str | None = None) -> tuple[str, str, str | None]:
        """Verdict, text and what to do next."""
        outcome = self.of(step, station)
        return outcome.verdict.value, outcome.text, outcome.next

    def verdicts(self) -> dict[str, str]:
        """The verdict of every step."""
        return {result.step.value: result.verdict.value for result in self.results}


def leading_to(service: Service, *, token: str = "", agent: str = "", ca_file: str | None = None) -> str:
    """The TOML of an agent that leads to `service`."""
    return f"""
    [agent]
    url = {json.dumps(service.ws_url)}
    ca_file = {json.dumps(ca_file if ca_file is not None else service.ca_file or "")}
    connect_timeout_s = 5
    {agent}
    [agent.token]
    url = {json.dumps(service.token_url)}
    {token}
    [agent.heartbeat]
    url = {json.dumps(service.heartbeat_url)}
    """


@asynccontextmanager
async def service_at(
    folder: Path, *, flaw: Flaw | None = None, tls: bool = True, scenario: Scenario | None = None, **options: object
) -> AsyncIterator[Service]:
    """The local voice service in this process."""
    made = SimOptions(**options)  # type: ignore[arg-type]  # as the dataclass has them
    if tls:
        authority = Authority(folder)
        made = replace(made, tls=authority.server_tls(flaw=flaw) if flaw else authority.server_tls())
    if scenario is not None:
        made = replace(made, scenario=scenario)
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, made)
        nursery.cancel_scope.cancel()
