"""The daemon's state in one line, as `systemctl status` shows it.

    agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns
    door: no device 5 m · hw:CARD=Array: no such device | lobby: agent ready 3 h 12 m · 41 ms · mic -38 dBFS · 0 xruns

Troubles come first: the line may be cut where it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.control.schema import MicrophoneHealth, SessionState, WaitingFor

if TYPE_CHECKING:
    from gatewayd.control.schema import DaemonStatus, StationStatus

LINE_LIMIT = 256
"""Longest line, in characters."""
_PROBLEM_LIMIT = 100
"""Longest problem that is quoted, so that one does not hide all the others."""
_WHOLE_LIMIT = 160
"""The same for a problem of the daemon as a whole."""
_WAITS = {
    WaitingFor.BACKOFF: "next attempt",
    WaitingFor.SERVICE: "until the heartbeat answers, next attempt",
    WaitingFor.CLOCK: "for the clock to be set, next attempt",
}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def status_line(status: DaemonStatus, *, measured: bool = True) -> str:
    """One line of at most `LINE_LIMIT` characters.

    Without what is `measured`, and so changes all the time, it changes only when something happens.
    """
    several = len(status.stations) > 1
    ordered = sorted(status.stations.items(), key=lambda item: not _troubled(item[1]))
    parts = [_shortened(problem, _WHOLE_LIMIT) for problem in status.problems]
    if not status.ready:
        parts.append("starting")
    parts += [f"{name}: {_station(s, measured)}" if several else _station(s, measured) for name, s in ordered]
    line = " | ".join(parts)
    return line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"


def duration(seconds: float) -> str:
    """The two largest units: `4 s`, `12 m`, `3 h 12 m`, `8 d 1 h`."""
    whole = int(max(0.0, seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} m"
    if whole < _DAY_S:
        return _two(whole // _HOUR_S, "h", whole % _HOUR_S // _MINUTE_S, "m")
    return _two(whole // _DAY_S, "d", whole % _DAY_S // _HOUR_S, "h")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _troubled(station: StationStatus) -> bool:
    return bool(_problem(station)) or station.state not in (SessionState.AGENT_READY, SessionState.IDLE)


def _station(station: StationStatus, measured: bool) -> str:
    state = station.state.value.replace("_", " ")
    parts = [f"{state} {duration(station.since_s)}" if measured else state]
    if station.state is SessionState.WAITING:
        parts += _waiting(station, measured)
    if station.session.rtt_s is not None and measured:
        parts.append(f"{station.session.rtt_s * 1000:.0f} ms")
    microphone = _microphone(station, measured)
    if microphone:
        parts.append(microphone)
    problem = _problem(station)
    if problem:
        parts.append(_shortened(problem))
    if station.capture.health is not MicrophoneHealth.MISSING:
        parts.append(f"{station.capture.xruns} xrun{'' if station.capture.xruns == 1 else 's'}")
    return " · ".join(parts)


def _waiting(station: StationStatus, measured: bool) -> list[str]:
    session = station.session
    parts = []
    if session.waiting_for is not None:
        when = f" in {duration(session.next_attempt_s)}" if measured and session.next_attempt_s is not None else ""
        parts.append(_WAITS[session.waiting_for] + when)
    if session.last_end is not None:
        parts.append(session.last_end.cause.value.replace("_", " "))
    return parts


def _microphone(station: StationStatus, measured: bool) -> str:
    health = station.capture.health
    if station.muted or health is MicrophoneHealth.MUTED:
        return "mic muted"
    if health is MicrophoneHealth.MISSING:
        return "" if station.state is SessionState.NO_DEVICE else "mic missing"
    if health is not MicrophoneHealth.OK:
        return f"mic {health.value}"
    level_dbfs = station.capture.level_dbfs
    return f"mic {level_dbfs:.0f} dBFS" if measured and level_dbfs is not None else "mic ok"


def _problem(station: StationStatus) -> str | None:
    """The most important one; the whole status has them all."""
    playback = station.playback.problem if station.playback is not None else None
    return station.failure or station.capture.problem or playback


def _shortened(problem: str, limit: int = _PROBLEM_LIMIT) -> str:
    return problem if len(problem) <= limit else problem[: limit - 1] + "…"
