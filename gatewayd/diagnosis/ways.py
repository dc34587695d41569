"""The steps of the way to each host: name, connection, TLS. All hosts at once; one that fails holds up no other."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING

import trio

from gatewayd.addresses import Address, is_loopback, parse_address
from gatewayd.cloud import failures
from gatewayd.diagnosis.advice import advice
from gatewayd.diagnosis.results import Outcome, Verdict, failed, passed, skipped, warned
from gatewayd.diagnosis.walk import Found
from gatewayd.errors import CloudError
from gatewayd.lean import dataclass
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gatewayd.cloud.dial import Resolver
    from gatewayd.configuration.model import AgentConfiguration
    from gatewayd.seams.dialer import Dialer

RENEWED_BEFORE_DAYS = 14
"""A certificate that ends sooner is told of. Those who issue for 90 days have them renewed 30 days before their end, so
one with less than half of that left was forgotten."""
_DAY_S = 86_400
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.SKIPPED)


@dataclass(frozen=True)
class Way:
    """Somewhere to connect to."""

    host: str
    port: int
    tls: bool

    @classmethod
    def to(cls, address: Address) -> Way:
        """The way to an address."""
        return cls(address.host, address.port, address.tls)


@dataclass(frozen=True)
class Told:
    """What was found of one way."""

    way: Way
    outcome: Outcome
    leads_on: bool
    """Whether the next step makes sense."""


def address_of(url: str) -> Address:
    """Of a valid configuration, so that it parses."""
    return parse_address(url, schemes=("https", "http", "wss", "ws"), allow_plaintext=True)


def ways_of(agent: AgentConfiguration) -> tuple[Way, ...]:
    """Where the configuration leads to, each once: token, heartbeat, agent."""
    urls = (agent.token.url, agent.heartbeat.url, agent.url)
    return tuple(dict.fromkeys(Way.to(address_of(url)) for url in urls if url))


async def resolve_all(ways: Sequence[Way], agent: AgentConfiguration, resolver: Resolver) -> Found[tuple[Way, ...]]:
    """Look every host's name up, through the system's resolver; with a proxy the proxy's, which looks up the others."""

    async def resolve(way: Way) -> Told:
        behind = agent.proxy and not is_loopback(way.host)
        host = address_of(agent.proxy).host if behind else way.host
        note = f", which resolves {way.host}" if behind else ""
        if _is_numeric(host):
            return Told(way, passed(f"{host} is an address{note}"), leads_on=True)
        began_s = trio.current_time()
        try:
            lookup = functools.partial(resolver, host, way.port, type=socket.SOCK_STREAM, flags=0)
            found = await trio.to_thread.run_sync(lookup, abandon_on_cancel=True)
        except (OSError, ValueError) as error:
            return _failure(way, failures.resolving_failed(host, error))
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        more = f" and {len(addresses) - 1} more" if addresses[1:] else ""
        took = _ms(trio.current_time() - began_s)
        return Told(way, passed(f"{host} is {addresses[0]}{more}{note} ({took})"), leads_on=True)

    return _together(await _each(ways, resolve))


async def connect_all(ways: Sequence[Way], dialer: Dialer, *, timeout_s: float) -> Found[tuple[Way, ...]]:
    """Open a TCP connection to each, through the proxy where one is configured, and close it again."""

    async def connect(way: Way) -> Told:
        began_s = trio.current_time()
        dialing = dialer.dial(host=way.host, port=way.port, tls=False)
        with trio.move_on_after(timeout_s):
            try:
                async with dialing:
                    took = _ms(trio.current_time() - began_s)
                    return Told(way, passed(f"{way.host} port {way.port} answers ({took})"), leads_on=True)
            except CloudError as error:
                return _failure(way, error)
        return _failure(way, _too_slow(timeout_s, dialing.step))

    return _together(await _each(ways, connect))


async def secure_all(
    ways: Sequence[Way], dialer: Dialer, now_s: Callable[[], float], *, timeout_s: float
) -> Found[tuple[Way, ...]]:
    """Shake hands with each, verify its certificate, and look how long that will be good."""

    async def secure(way: Way) -> Told:
        if not way.tls:
            return Told(way, _plaintext(way), leads_on=True)
        dialing = dialer.dial(host=way.host, port=way.port, tls=True)
        with trio.move_on_after(timeout_s):
            try:
                async with dialing as stream:
                    return Told(way, _certified(way, stream, now_s()), leads_on=True)
            except CloudError as error:
                return _failure(way, error)
        return _failure(way, _too_slow(timeout_s, dialing.step))

    return _together(await _each(ways, secure))


def _plaintext(way: Way) -> Outcome:
    if is_loopback(way.host):
        return skipped(f"{way.host} is this device itself, without TLS")
    return warned(
        f"{way.host} is talked to without TLS: everybody on the way can read tokens and hear the conversation",
        "use https:// and wss:// in the configuration, and take agent.allow_plaintext out",
    )


def _certified(way: Way, stream: trio.abc.Stream, now_s: float) -> Outcome:
    if not isinstance(stream, trio.SSLStream):
        return passed(f"{way.host} is secured")
    days = int((ssl.cert_time_to_seconds(str(stream.getpeercert()["notAfter"])) - now_s) // _DAY_S)
    told = f"{way.host} speaks {stream.version()}, its certificate is good for {days} days"
    if days < RENEWED_BEFORE_DAYS:
        return warned(told, f"have whoever runs {way.host} renew its certificate")
    return passed(told)


async def _each(ways: Sequence[Way], look: Callable[[Way], Awaitable[Told]]) -> list[Told]:
    found: dict[Way, Told] = {}

    async def note(way: Way) -> None:
        found[way] = await look(way)

    async with trio.open_nursery() as nursery:
        for way in ways:
            nursery.start_soon(note, way)
    return [found[way] for way in ways]


def _together(told: Sequence[Told]) -> Found[tuple[Way, ...]]:
    """One outcome of all: the worst verdict, what is wrong first, and what to do about that."""
    ranked = sorted(told, key=lambda one: _WORST_FIRST.index(one.outcome.verdict))
    if not ranked:
        return Found(skipped("the configuration leads nowhere by itself: the token command says where"))
    worst = ranked[0].outcome
    text = "; ".join(dict.fromkeys(one.outcome.text for one in ranked))
    reached = tuple(one.way for one in told if one.leads_on)
    return Found(Outcome(worst.verdict, text, worst.next), reached or None)


def _failure(way: Way, error: CloudError) -> Told:
    return Told(way, failed(error.detail, advice(error)), leads_on=False)


def _too_slow(timeout_s: float, step: str) -> CloudError:
    return CloudError(Cause.CONNECT_TIMED_OUT, f"timed out after {timeout_s:g} s while {step}")


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
