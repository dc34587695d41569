"""An event as a person reads it: when, where, what.

Events come from a daemon that may be older or newer than this command: one that is not known here is shown as its
name with its fields, and what is missing or of another kind than expected as `?`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime

from gatewayd.text import one_line

_GOOD, _WAITING, _BAD, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_ENVELOPE = ("event", "time", "boot_s", "station")
_STATION_WIDTH = 8
_STATE_COLOURS = {"agent_ready": _GOOD, "waiting": _WAITING, "no_device": _BAD}
_HEALTH_COLOURS = {"ok": _GOOD, "starting": "", "muted": _WAITING}
_COLOURS = {
    "ready": _GOOD,
    "device_found": _GOOD,
    "service_reachable": _GOOD,
    "station_restarted": _GOOD,
    "muted": _WAITING,
    "sound_lost": _WAITING,
    "recovery_step_taken": _WAITING,
    "lost": _WAITING,
    "log_messages_lost": _WAITING,
    "service_unreachable": _BAD,
    "device_lost": _BAD,
    "station_died": _BAD,
    "configuration_refused": _BAD,
}


def line(event: Mapping[str, object], *, colours: bool) -> str:
    """One line without its newline, the time being this device's local one; `colours` adds a terminal's."""
    name = _text(event, "event")
    tell = _SENTENCES.get(name)
    told = one_line(tell(event) if tell else _plainly(event, name))
    colour = _colour(name, event) if colours else ""
    station = event.get("station")
    where = one_line(station) if isinstance(station, str) else "-"
    return f"{_local_time(event.get('time'))}  {where:<{_STATION_WIDTH}}  {colour}{told}{_RESET if colour else ''}"


def _state(event: Mapping[str, object]) -> str:
    cause = event.get("cause")
    why = f": {cause}" if isinstance(cause, str) else ""
    return f"{_text(event, 'state')}, was {_text(event, 'previous')}{why}"


def _session_end(event: Mapping[str, object]) -> str:
    codes = [
        f"{what} {event[key]}"
        for what, key in (("close code", "close_code"), ("error", "error_code"))
        if event.get(key) is not None
    ]
    in_brackets = f" ({', '.join(codes)})" if codes else ""
    return f"session ended: {_text(event, 'detail')}{in_brackets}"


def _health(event: Mapping[str, object]) -> str:
    findings = event.get("findings")
    texts = [event.get("problem"), *(map(_found, findings) if isinstance(findings, list) else ())]
    told = "; ".join(text for text in texts if isinstance(text, str))
    return f"microphone {_text(event, 'health')}, was {_text(event, 'previous')}{': ' if told else ''}{told}"


def _found(finding: object) -> object:
    return finding.get("text") if isinstance(finding, Mapping) else None


def _sound_lost(event: Mapping[str, object]) -> str:
    gaps = _count(event, "gaps")
    return f"{_seconds(event, 'length_s')} of sound are missing in {gaps} gaps: {_list(event, 'causes', ' and ')}"


def _reloaded(event: Mapping[str, object]) -> str:
    parts = [f"{what}: {_list(event, key, ', ')}" for what, key in (("started", "started"), ("ended", "removed"))]
    told = [part for part in parts if not part.endswith(": ")]
    return f"configuration reloaded; {'; '.join(told) or 'no station was touched'}"


def _found_device(event: Mapping[str, object]) -> str:
    profile = "no profile" if event.get("profile", "?") is None else f"profile {_text(event, 'profile')}"
    return f"microphone found: {_text(event, 'device')}, {profile}"


_SENTENCES: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "state_changed": _state,
    "session_ended": _session_end,
    "device_found": _found_device,
    "device_lost": lambda event: f"microphone gone: {_text(event, 'problem')}",
    "health_changed": _health,
    "recovery_step_taken": lambda event: f"the microphone gives nothing usable; next step: {_text(event, 'step')}",
    "sound_lost": _sound_lost,
    "muted": lambda _: "muted: the microphone is closed",
    "unmuted": lambda _: "no longer muted: the microphone is opened",
    "station_died": lambda event: f"died of a bug and is started anew: {_text(event, 'failure')}",
    "station_restarted": lambda _: "runs again",
    "ready": lambda event: f"gatewayd {_text(event, 'version')} is ready",
    "stopping": lambda event: f"{_text(event, 'signal')}: gatewayd stops",
    "service_reachable": lambda _: "the service can be reached",
    "service_unreachable": lambda _: "the service cannot be reached",
    "configuration_reloaded": _reloaded,
    "configuration_refused": lambda event: f"the new configuration is refused: {_list(event, 'problems', '; ')}",
    "log_messages_lost": lambda event: f"{_count(event, 'count')} log messages could not be handed to the journal",
    "lost": lambda event: f"{_count(event, 'count')} events are missing here: this terminal was too slow",
}


def _plainly(event: Mapping[str, object], name: str) -> str:
    fields = (f"{key}={value}" for key, value in event.items() if key not in _ENVELOPE)
    return " ".join([name, *fields])


def _colour(name: str, event: Mapping[str, object]) -> str:
    if name == "state_changed":
        return _STATE_COLOURS.get(_text(event, "state"), "")
    if name == "health_changed":
        return _HEALTH_COLOURS.get(_text(event, "health"), _BAD)
    return _COLOURS.get(name, "")


def _local_time(time: object) -> str:
    """An RFC 3339 time as a clock on the wall shows it."""
    try:
        when = datetime.fromisoformat(str(time).replace("Z", "+00:00"))
        return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "?"


def _text(event: Mapping[str, object], key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else "?"


def _list(event: Mapping[str, object], key: str, between: str) -> str:
    values = event.get(key)
    return between.join(str(value) for value in values) if isinstance(values, list) else "?"


def _count(event: Mapping[str, object], key: str) -> str:
    value = event.get(key)
    return f"{value}" if isinstance(value, int) and not isinstance(value, bool) else "?"


def _seconds(event: Mapping[str, object], key: str) -> str:
    value = event.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return f"{value:.2f} s" if is_number else "?"
