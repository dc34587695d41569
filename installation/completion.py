"""Completion of the command line, for bash and zsh."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import shtab

from installation.command_line import command_parsers

if TYPE_CHECKING:
    import argparse

_FILE = re.compile(r"\b(FILE|PATH)\b")
_DIRECTORY = re.compile(r"\bDIR\b")


def completion(top: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes `gatewayd`, whose whole parser is `top`, in `shell`, which is `bash` or `zsh`.

    Arguments that an option's metavar calls FILE, PATH or DIR are completed with those.
    """
    for parser in (top, *command_parsers(top).values()):
        _complete_paths(parser)
    return shtab.complete(top, shell=shell)


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # noqa: SLF001 - argparse tells its arguments in no other way
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        if _DIRECTORY.search(metavar):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined] # the attribute by which shtab is told
        elif _FILE.search(metavar):
            action.complete = shtab.FILE  # type: ignore[attr-defined] # as above
