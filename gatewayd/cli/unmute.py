"""`gatewayd unmute`: opens a muted station's microphone again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cli.orders import add_order
from gatewayd.control.protocol import Command

if TYPE_CHECKING:
    import argparse


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd unmute`."""
    add_order(
        subparsers,
        parents,
        Command.UNMUTE,
        summary="open a muted station's microphone again",
        description="Open a muted station's microphone again.",
        done="unmuted",
    )
