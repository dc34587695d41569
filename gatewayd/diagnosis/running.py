"""The running daemon, as it tells of itself on its control socket: another process, perhaps of another version."""

from __future__ import annotations

import socket
from dataclasses import field
from typing import TYPE_CHECKING

import trio

from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.diagnosis.results import Outcome, failed, passed, warned
from gatewayd.diagnosis.walk import Found
from gatewayd.errors import GatewayError
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONNECT_LIMIT_S = 2.0
"""For the kernel's own part of a connection on this device."""


@dataclass(frozen=True)
class Daemon:
    """What is known of it."""

    status: Mapping[str, object] | None = field(default=None, repr=False)
    """Its answer to `status`; None where no daemon runs, or none that can be asked."""

    @property
    def runs(self) -> bool:
        """Whether its word is to be taken for what only it can know."""
        return self.status is not None

    def station(self, name: str) -> Mapping[str, object] | None:
        """What it says of a station; None where it does not have it."""
        stations = section(self.status or {}, "stations")
        return section(stations, name) if name in stations else None


async def ask_daemon(socket_path: Path) -> Found[Daemon]:
    """Ask for its status, within the client's own bound."""
    return await trio.to_thread.run_sync(_ask, socket_path, abandon_on_cancel=True)


def _ask(socket_path: Path) -> Found[Daemon]:
    away = _away(socket_path)
    if away is not None:
        return Found(away, Daemon())
    try:
        status = request(socket_path, Command.STATUS)
    except GatewayError as error:
        return Found(failed(str(error), "restart it: `systemctl restart gatewayd`"), Daemon())
    version, uptime_s = text_at(status, "version") or "?", number_at(status, "uptime_s") or 0.0
    told = f"gatewayd {version} runs for {lasting(uptime_s)}; what it holds open is judged by its own word"
    if status.get("ready") is not True:
        return Found(warned(f"{told}; it is not ready yet", "wait a moment, and run this again"), Daemon(status))
    wrong = [text for text in listed(status, "problems") if isinstance(text, str)]
    if wrong:
        return Found(warned(f"{told}; it says: {'; '.join(wrong)}", "do what it says there"), Daemon(status))
    return Found(passed(told), Daemon(status))


def _away(socket_path: Path) -> Outcome | None:
    """Why no daemon can be asked; None where one answers the connection."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONNECT_LIMIT_S)
            connection.connect(str(socket_path))
    except PermissionError:
        return warned(
            f"{socket_path} is not for this user, so a gatewayd that runs cannot be asked", "run this as root"
        )
    except (FileNotFoundError, ConnectionRefusedError):
        return warned(
            "no gatewayd runs; its sound devices are tried here instead",
            "start it once this is done: `systemctl start gatewayd`",
        )
    except OSError as error:
        return failed(
            f"{socket_path} does not take a connection: {error.strerror or 'it takes too long'}",
            "restart it: `systemctl restart gatewayd`",
        )
    return None


def section(document: Mapping[str, object], *path: str) -> Mapping[str, object]:
    """The object at `path`; empty where there is none."""
    for name in path:
        inner = document.get(name)
        document = inner if isinstance(inner, dict) else {}
    return document


def listed(document: Mapping[str, object], name: str) -> Sequence[object]:
    """The list there; empty where there is none."""
    value = document.get(name)
    return value if isinstance(value, list) else ()


def text_at(document: Mapping[str, object], name: str) -> str | None:
    """The text there; None where there is none."""
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def number_at(document: Mapping[str, object], name: str) -> float | None:
    """The number there; None where there is none."""
    value = document.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def lasting(seconds: float) -> str:
    """A time for people: `12 s`, `3 min`, `4 h 5 min`, `2 d 3 h`."""
    if not 60 <= seconds < float("inf"):
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
