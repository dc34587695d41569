"""`gatewayd start`: has a station of the running daemon want a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cli.orders import add_order
from gatewayd.control.protocol import Command

if TYPE_CHECKING:
    import argparse


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd start`."""
    add_order(
        subparsers,
        parents,
        Command.START,
        summary="have a station hold a session",
        description="Have a station hold a session with its agent from now on.",
        done="start requested",
    )
