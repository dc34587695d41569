"""TLS goes wrong, on the way to the token and on the way to the WebSocket."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from gatewayd.session.causes import Cause
from gatewayd.sim.certificates import Flaw
from gatewayd.sim.hangup import hang_up
from gatewayd.sim.script import Hangup
from tests.tiers.faults.fault import CLOCK_S, Ending, Fault

if TYPE_CHECKING:
    from tests.tiers.faults.doors import Behaviour, Visit

_SHORT_LIMIT_S = 3.0


def _shows(flaw: Flaw) -> Behaviour:
    async def show(visit: Visit) -> None:
        await visit.secure(visit.certificates.flawed[flaw])

    return show


async def _shows_an_untrusted_one(visit: Visit) -> None:
    await visit.secure(visit.certificates.untrusted)


async def _answers_nothing(visit: Visit) -> None:
    while await visit.tcp.receive_some():
        pass


def half_a_handshake(how: Hangup | None) -> Behaviour:
    """Send the first half of what a server says first, then hang up, or nothing more at all."""

    async def behave(visit: Visit) -> None:
        whole = await _server_hello(visit)
        await visit.tcp.send_all(whole[: len(whole) // 2])
        if how is None:
            await _answers_nothing(visit)
        await hang_up(visit.tcp, how)

    return behave


async def _server_hello(visit: Visit) -> bytes:
    """What the service says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = visit.certificates.good.context.wrap_bio(incoming, outgoing, server_side=True)
    while not outgoing.pending:
        incoming.write(bytes(await visit.tcp.receive_some()))
        with suppress(ssl.SSLWantReadError):
            tls.do_handshake()
    return outgoing.read()


async def _wants_a_client_certificate(visit: Visit) -> None:
    """By hand, because trio's server does not send the alert that says why."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = visit.certificates.mutual.wrap_bio(incoming, outgoing, server_side=True)
    refused = False
    while not refused:
        incoming.write(bytes(await visit.tcp.receive_some()))
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            refused = True
        await visit.tcp.send_all(outgoing.read())
    await hang_up(visit.tcp, Hangup.FIN)


def _hangs_up(how: Hangup) -> Behaviour:
    async def behave(visit: Visit) -> None:
        await visit.tcp.receive_some()
        await hang_up(visit.tcp, how)

    return behave


async def _speaks_plain_http(visit: Visit) -> None:
    await visit.tcp.receive_some()
    await visit.tcp.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await trio.sleep_forever()


def _both(name: str, behaviour: Behaviour, ending: Ending, *, clock_set: bool = True) -> tuple[Fault, Fault]:
    return (
        Fault(f"TLS, token: {name}", (ending,), token=(behaviour,), clock_set=clock_set),
        Fault(f"TLS, upgrade: {name}", (ending,), voice=(behaviour,), clock_set=clock_set),
    )


def _both_time_out(name: str, behaviour: Behaviour) -> tuple[Fault, Fault]:
    says = "securing the connection"
    return (
        Fault(
            f"TLS, token: {name}",
            (Ending(Cause.TOKEN_TIMED_OUT, says=says),),
            token=(behaviour,),
            token_timeout_s=_SHORT_LIMIT_S,
            limit_s=_SHORT_LIMIT_S,
            limit_key="agent.token.timeout_s",
        ),
        Fault(
            f"TLS, upgrade: {name}",
            (Ending(Cause.CONNECT_TIMED_OUT, says=says),),
            voice=(behaviour,),
            connect_timeout_s=_SHORT_LIMIT_S,
            limit_s=_SHORT_LIMIT_S,
            limit_key="agent.connect_timeout_s",
        ),
    )


def _invalid(says: str) -> Ending:
    return Ending(Cause.CERTIFICATE_INVALID, says=says)


HANDSHAKES = (
    *_both("an unknown issuer", _shows_an_untrusted_one, _invalid("does not trust")),
    *_both("another host's certificate", _shows(Flaw.WRONG_HOST), _invalid("another host")),
    *_both("an expired certificate", _shows(Flaw.EXPIRED), _invalid("expired")),
    *_both("not yet valid", _shows(Flaw.NOT_YET_VALID), Ending(Cause.CERTIFICATE_NOT_YET_VALID)),
    *_both(
        "not yet valid, the clock not set",
        _shows(Flaw.NOT_YET_VALID),
        Ending(Cause.CLOCK_NOT_SET, wait_s=CLOCK_S),
        clock_set=False,
    ),
    *_both(
        "a client certificate wanted", _wants_a_client_certificate, Ending(Cause.TLS_FAILED, says="client certificate")
    ),
    *_both("plain HTTP", _speaks_plain_http, Ending(Cause.TLS_FAILED, says="does not speak TLS")),
    *_both("hangs up", _hangs_up(Hangup.FIN), Ending(Cause.TLS_FAILED)),
    *_both("resets", _hangs_up(Hangup.RST), Ending(Cause.TLS_FAILED)),
    *_both("half a handshake, then hangs up", half_a_handshake(Hangup.FIN), Ending(Cause.TLS_FAILED)),
    *_both("half a handshake, then resets", half_a_handshake(Hangup.RST), Ending(Cause.TLS_FAILED)),
    *_both_time_out("no answer", _answers_nothing),
    *_both_time_out("half a handshake, then nothing", half_a_handshake(None)),
)
