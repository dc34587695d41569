"""The whole command line as one tree of parsers, from which manual pages and completion are made."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gatewayd.cli.main import COMMANDS, parser

if TYPE_CHECKING:
    from collections.abc import Mapping


def whole_parser() -> argparse.ArgumentParser:
    """The parser of `gatewayd` in which every command knows its options; at run time only the chosen one does."""
    top = parser(None)
    commands = _commands_of(top).choices
    for command in COMMANDS:
        commands[command.name] = _commands_of(parser(command.name)).choices[command.name]
    return top


def command_parsers(top: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The parser of each command, by its name, in the order of the overview."""
    return _commands_of(top).choices


def _commands_of(top: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 - argparse tells its arguments in no other way
