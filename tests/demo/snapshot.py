"""The daemon's status, read for the demo's station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_READY = "agent_ready"


@dataclass(frozen=True)
class Snapshot:
    """What `gatewayd status --json` said of one station at one moment."""

    state: str
    since_s: float
    """How long it has been in that state."""
    level_dbfs: float | None
    microphone: str
    frames_sent: int
    frames_received: int
    frames_played: int
    stalled: int
    """Captured frames that were dropped because the link did not take them in time."""
    unplayed: int
    """Received frames that were dropped because the card did not take them in time."""
    capture_xruns: int
    underruns: int
    reopens: int
    connects: int
    buffered_ms: float
    time_to_ready_s: float | None
    rtt_s: float | None
    """Of a ping on the session, or, until there was one, of the heartbeat."""
    last_end: str


def parse_snapshot(status: Mapping[str, object], station: str) -> Snapshot | None:
    """Read the answer of the control socket; None while the daemon does not know the station yet.

    Raises `KeyError` or `TypeError` for an answer that is no status.
    """
    whole = _table(_table(status["stations"]).get(station, {}))
    if not whole:
        return None
    capture, session, playback = (_table(whole[name]) for name in ("capture", "session", "playback"))
    rtt_s = _number(session["rtt_s"])
    return Snapshot(
        state=str(whole["state"]),
        since_s=_number(whole["since_s"]) or 0.0,
        level_dbfs=_number(capture["level_dbfs"]),
        microphone=str(capture["health"]),
        frames_sent=_count(session, "frames_sent"),
        frames_received=_count(session, "frames_received"),
        frames_played=_count(playback, "frames_played"),
        stalled=_count(_table(session["frames_dropped"]), "stalled"),
        unplayed=_count(playback, "frames_dropped"),
        capture_xruns=_count(capture, "xruns"),
        underruns=_count(playback, "underruns"),
        reopens=_count(capture, "reopens") + _count(playback, "reopens"),
        connects=_count(session, "connects"),
        buffered_ms=_number(playback["buffered_ms"]) or 0.0,
        time_to_ready_s=_number(session["time_to_ready_s"]),
        rtt_s=rtt_s if rtt_s is not None else _number(_table(status.get("heartbeat")).get("rtt_s")),
        last_end=str(_table(session["last_end"]).get("detail", "")),
    )


def _table(value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, got {value!r}")
    return value


def _number(value: object) -> float | None:
    if value is not None and not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, got {value!r}")
    return None if value is None else float(value)


def _count(table: Mapping[str, object], name: str) -> int:
    value = table[name]
    if not isinstance(value, int):
        raise TypeError(f"{name}: expected a count, got {value!r}")
    return value
