"""`gatewayd stop`: has a station of the running daemon want no session until the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cli.orders import add_order
from gatewayd.control.protocol import Command

if TYPE_CHECKING:
    import argparse


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd stop`."""
    add_order(
        subparsers,
        parents,
        Command.STOP,
        summary="end a station's session until the next start",
        description="End a station's session, if it has one, and hold none until `gatewayd start`.",
        done="stop requested",
    )
