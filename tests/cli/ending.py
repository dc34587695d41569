"""A command whose one option says how it ends; test_main.py has the frame run it."""

from __future__ import annotations

import logging
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import ConfigurationInvalid, Problem, Unavailable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

SECRET = "Bearer s3cret"


def show(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def end_well(_: argparse.Namespace) -> int:
    show("done")
    logging.getLogger("gatewayd").info("well done")
    return 0


def be_unavailable(_: argparse.Namespace) -> int:
    raise Unavailable("no gatewayd answers:\n\x1b[2Jis it running?")


def find_problems(_: argparse.Namespace) -> int:
    raise ConfigurationInvalid([Problem("a.toml", "agent.url", "is missing"), Problem("a.toml", "", "is odd")])


def be_interrupted(_: argparse.Namespace) -> int:
    raise KeyboardInterrupt


def strike_a_bug(_: argparse.Namespace) -> int:
    raise LookupError(SECRET)


def strike_a_bug_in_a_library(_: argparse.Namespace) -> int:
    return int(SECRET)


def hang_up_elsewhere(_: argparse.Namespace) -> int:
    one, other = socket.socketpair()
    other.close()
    with one:
        return one.send(b"x")


def fail_in_a_nursery(error: BaseException) -> Callable[[argparse.Namespace], int]:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise error

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)

    def run(_: argparse.Namespace) -> int:
        trio.run(main)
        return 0

    return run


def tell_the_environment(_: argparse.Namespace) -> int:
    show(os.environ["OPENBLAS_NUM_THREADS"], "numpy" in sys.modules)
    return 0


def tell_the_options(arguments: argparse.Namespace) -> int:
    show(arguments.config, arguments.log_level)
    return 0


ENDINGS = {
    "well": end_well,
    "unavailable": be_unavailable,
    "problems": find_problems,
    "interrupted": be_interrupted,
    "bug": strike_a_bug,
    "bug-in-library": strike_a_bug_in_a_library,
    "hung-up": hang_up_elsewhere,
    "nursery-unavailable": fail_in_a_nursery(Unavailable("no card")),
    "nursery-interrupted": fail_in_a_nursery(KeyboardInterrupt()),
    "nursery-bug": fail_in_a_nursery(LookupError(SECRET)),
    "environment": tell_the_environment,
    "options": tell_the_options,
}


def run(arguments: argparse.Namespace) -> int:
    return ENDINGS[arguments.ending](arguments)


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    parser = subparsers.add_parser("end", parents=parents, help="end", epilog="Example:\n  gatewayd end well")
    parser.add_argument("ending", choices=sorted(ENDINGS))
    parser.set_defaults(run=partial(run))
