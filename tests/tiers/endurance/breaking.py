"""A daemon with a bug in a place that has secrets at hand:

    python -m tests.tiers.endurance.breaking run PLACE TOKEN_URL WS_URL CA_FILE CREDENTIAL

The session is the real one, but for the one part that raises what a careless programmer would: a text with all that the
part can see.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.cli.main import Command, main
from gatewayd.configuration.model import AgentConfiguration, TokenConfiguration
from gatewayd.session import events
from tests.tiers.endurance.stack import AT_ONCE, SessionStack, dialer_for

if TYPE_CHECKING:
    import argparse

    from gatewayd.seams.http import HttpClient, HttpRequest, HttpResponse
    from gatewayd.seams.tokens import TokenSource
    from gatewayd.session.tokens import Token

PLACES = ("request", "answer", "token", "event", "play")


class Bug(Exception):
    """What nobody planned for."""


@dataclass(frozen=True)
class BrokenHttp:
    http: HttpClient
    place: str

    async def request(self, request: HttpRequest, *, timeout_s: float, body_limit_bytes: int) -> HttpResponse:
        if self.place == "request":
            raise Bug(f"{self} cannot take {request!r}")
        response = await self.http.request(request, timeout_s=timeout_s, body_limit_bytes=body_limit_bytes)
        if self.place == "answer":
            raise Bug(f"{request!r} was answered with {response!r}")
        return response


@dataclass(frozen=True)
class BrokenTokens:
    tokens: TokenSource

    async def fetch(self) -> Token:
        token = await self.tokens.fetch()
        raise Bug(f"{self} got {token!r}, that is {events.TokenFetched(token)!r}")


class Broken:
    """What `gatewayd run` would run, with a bug at `place`."""

    def __init__(self, place: str, agent: AgentConfiguration) -> None:
        self.place = place
        self.tokens: list[Token] = []
        self.stack = SessionStack(
            agent,
            dialer_for(agent),
            play=self.play,
            wrap_http=lambda http: BrokenHttp(http, place),
            wrap_tokens=lambda tokens: BrokenTokens(tokens) if place == "token" else Keeping(tokens, self.tokens),
        )

    def play(self, _frame: bytes) -> None:
        if self.place == "play":
            raise Bug(f"{self.tokens} in {vars(self.stack)}")

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.stack.driver.run)
            await self.stack.driver.tell(events.DeviceAppeared())
            while True:
                self.stack.driver.offer_frame(bytes(640))
                if self.place == "event" and self.tokens:
                    await self.stack.driver.tell(events.TokenFetched(self.tokens[0]))
                await trio.sleep(0.02)


@dataclass(frozen=True)
class Keeping:
    """Keeps the tokens, for the bugs that come later."""

    tokens: TokenSource
    kept: list[Token]

    async def fetch(self) -> Token:
        self.kept.append(await self.tokens.fetch())
        return self.kept[-1]


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    parser = subparsers.add_parser("run", parents=parents)
    for name in ("place", "token_url", "ws_url", "ca_file", "credential"):
        parser.add_argument(name)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> NoReturn:
    token = TokenConfiguration(url=arguments.token_url, credential=arguments.credential)
    agent = AgentConfiguration(url=arguments.ws_url, ca_file=arguments.ca_file, token=token, backoff=AT_ONCE)
    trio.run(Broken(arguments.place, agent).run)
    raise AssertionError("it was to break")


if __name__ == "__main__":
    sys.exit(main(commands=[Command("run", "tests.tiers.endurance.breaking", "breaks")]))
