"""The daemon's status as a person reads it: one block a station.

The status comes from a daemon that may be older or newer than this command, so whatever is missing or of another kind
than expected is left out or shown as `?`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from gatewayd.text import one_line

BAR_CELLS = 24
BAR_FLOOR_DBFS = -60.0
"""Level at the bar's left end; below it a room is quiet."""

_GOOD, _WAITING, _BAD, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_COLOURS = {
    "agent_ready": _GOOD,
    "connected": _WAITING,
    "connecting": _WAITING,
    "waiting": _WAITING,
    "no_device": _BAD,
    "ok": _GOOD,
    "starting": _WAITING,
    "muted": _WAITING,
    "silent": _BAD,
    "stuck": _BAD,
    "clipping": _BAD,
    "missing": _BAD,
}


def table(status: Mapping[str, object], *, colours: bool) -> str:
    """Lines of text, without a newline at the end; `colours` adds terminal colours to states and health."""
    ready = "ready" if status.get("ready") is True else "not ready yet"
    blocks = [f"gatewayd {_text(status, 'version')}, up {duration(status.get('uptime_s'))}, {ready}"]
    stations = _part(status, "stations")
    blocks += [_station(name, _part(stations, name), colours) for name in stations]
    if heartbeat := _part(status, "heartbeat"):
        blocks.append(_heartbeat(heartbeat, colours))
    return "\n\n".join(blocks)


def duration(seconds: object) -> str:
    """A length of time with its two largest units: `3.1 s`, `4 min 12 s`, `2 h 5 min`, `3 d 1 h`."""
    if not _is_number(seconds):
        return "?"
    seconds = round(seconds, 1)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    if hours < 24:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def _station(name: str, station: Mapping[str, object], colours: bool) -> str:
    state = _coloured(_text(station, "state"), colours)
    muted = ", muted" if station.get("muted") is True else ""
    lines = [f"{one_line(name)}: {state} for {duration(station.get('since_s'))}{muted}"]
    if isinstance(station.get("failure"), str):
        lines.append(f"  died of {_text(station, 'failure')}, and is started anew")
    rows = [
        ("microphone", _capture(_part(station, "capture"), station, colours)),
        ("session", _session(_part(station, "session"))),
        ("speaker", _playback(_part(station, "playback"))),
        ("last end", _last_end(_part(_part(station, "session"), "last_end"))),
    ]
    for label, texts in rows:
        for position, text in enumerate(texts):
            lines.append(f"  {label if position == 0 else '':<12}{text}")
    return "\n".join(lines)


def _capture(capture: Mapping[str, object], station: Mapping[str, object], colours: bool) -> list[str]:
    if not capture:
        return ["none"]
    profile = station.get("profile")
    origin = f"profile {one_line(profile)}" if isinstance(profile, str) else "no profile"
    opened_by = f"{_text(capture, 'format')} {_count(capture, 'rate_hz')} Hz {_count(capture, 'channels')} ch"
    found = "not found" if capture.get("device", "?") is None else f"{_text(capture, 'device')}, {opened_by}"
    return [
        f"{found}, {origin}",
        *_problem(capture),
        *(_text(finding, "text") for finding in _parts(capture, "findings")),
        *(one_line(problem) for problem in _list(capture, "mixer_problems") if isinstance(problem, str)),
        f"{_level(capture.get('level_dbfs'))}  {_coloured(_text(capture, 'health'), colours)}{_recovery(capture)}",
        (
            f"{_count(capture, 'frames')} frames, {_count(capture, 'xruns')} overruns, "
            f"{_count(capture, 'reopens')} reopens{_gaps(capture)}"
        ),
    ]


def _recovery(capture: Mapping[str, object]) -> str:
    return f", tried: {_text(capture, 'recovery')}" if isinstance(capture.get("recovery"), str) else ""


def _gaps(capture: Mapping[str, object]) -> str:
    gaps = capture.get("gaps")
    if not _is_number(gaps) or gaps == 0:
        return ""
    return f", {_count(capture, 'gaps')} gaps of {duration(capture.get('gap_s'))} together"


def _problem(part: Mapping[str, object]) -> list[str]:
    return [_text(part, "problem")] if isinstance(part.get("problem"), str) else []


_AWAITED = {"service": "waits for the service's heartbeat", "clock": "waits for this device's clock to be set"}


def _waits(session: Mapping[str, object]) -> list[str]:
    if session.get("next_attempt_s") is None:
        return []
    awaited = _AWAITED.get(_text(session, "waiting_for"))
    attempt = f"next attempt in {duration(session['next_attempt_s'])}"
    return [f"{awaited}, {attempt} at the latest" if awaited else attempt]


def _session(session: Mapping[str, object]) -> list[str]:
    if not session:
        return ["none"]
    dropped = ", ".join(
        f"{count} dropped ({one_line(cause)})"
        for cause, count in _part(session, "frames_dropped").items()
        if _is_number(count) and count > 0
    )
    lines = [
        f"{_count(session, 'connects')} connects, {_count(session, 'attempt')} failures in a row",
        (
            f"{_count(session, 'frames_sent')} frames sent, {_count(session, 'frames_received')} received, "
            f"{dropped or 'none dropped'}"
        ),
    ]
    times = _waits(session) + [
        f"{what} {_milliseconds(session[key])}"
        for what, key in (("ready after", "time_to_ready_s"), ("round trip", "rtt_s"))
        if session.get(key) is not None
    ]
    return [*lines, ", ".join(times)] if times else lines


def _playback(playback: Mapping[str, object]) -> list[str]:
    if not playback:
        return ["none"]
    return [
        "not found" if playback.get("device", "?") is None else _text(playback, "device"),
        *_problem(playback),
        (
            f"{_count(playback, 'frames_played')} frames played, {_count(playback, 'underruns')} underruns, "
            f"{_count(playback, 'frames_dropped')} dropped, {_count(playback, 'buffered_ms')} ms buffered"
        ),
    ]


def _last_end(end: Mapping[str, object]) -> list[str]:
    if not end:
        return []
    codes = [
        f"{what} {one_line(str(end[key]))}"
        for what, key in (("close code", "close_code"), ("error", "error_code"))
        if end.get(key) is not None
    ]
    detail = end.get("detail")
    told = f": {one_line(detail)}" if isinstance(detail, str) and detail else ""
    in_brackets = f" ({', '.join(codes)})" if codes else ""
    return [f"{_text(end, 'cause')}{told}{in_brackets}"]


def _heartbeat(heartbeat: Mapping[str, object], colours: bool) -> str:
    reachable = heartbeat.get("reachable")
    if reachable is None:
        return "heartbeat: not asked yet"
    if reachable is not True:
        return f"heartbeat: {_BAD if colours else ''}not reachable{_RESET if colours else ''}"
    return f"heartbeat: reachable, round trip {_milliseconds(heartbeat.get('rtt_s'))}"


def _level(level_dbfs: object) -> str:
    """A bar from `BAR_FLOOR_DBFS` to full scale, and the number; digital zero has neither."""
    if not _is_number(level_dbfs):
        return f"[{'-' * BAR_CELLS}] no level"
    share = min(max(1 - level_dbfs / BAR_FLOOR_DBFS, 0.0), 1.0)
    filled = round(share * BAR_CELLS)
    return f"[{'#' * filled}{'-' * (BAR_CELLS - filled)}] {level_dbfs:.1f} dBFS"


def _milliseconds(seconds: object) -> str:
    return f"{seconds * 1000:.0f} ms" if _is_number(seconds) else "?"


def _coloured(word: str, colours: bool) -> str:
    colour = _COLOURS.get(word) if colours else None
    return f"{colour}{word}{_RESET}" if colour else word


def _part(whole: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = whole.get(key)
    return part if isinstance(part, Mapping) else {}


def _list(whole: Mapping[str, object], key: str) -> list[object]:
    part = whole.get(key)
    return part if isinstance(part, list) else []


def _parts(whole: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    return [part for part in _list(whole, key) if isinstance(part, Mapping)]


def _text(part: Mapping[str, object], key: str) -> str:
    value = part.get(key)
    return one_line(value) if isinstance(value, str) else "?"


def _count(part: Mapping[str, object], key: str) -> str:
    value = part.get(key)
    return f"{value:.0f}" if _is_number(value) else "?"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
