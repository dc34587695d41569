"""`gatewayd mute`: closes a station's microphone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cli.orders import add_order
from gatewayd.control.protocol import Command

if TYPE_CHECKING:
    import argparse


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd mute`."""
    add_order(
        subparsers,
        parents,
        Command.MUTE,
        summary="close a station's microphone",
        description="Close a station's microphone, as the kernel shows it; its session goes on, and its speaker plays.",
        done="muted",
    )
