"""The steps of a station that a running daemon answers for: it holds the devices, and it holds the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.control.schema import MicrophoneHealth, SessionState
from gatewayd.diagnosis.advice import REPORT, about_cause
from gatewayd.diagnosis.results import Outcome, failed, passed, skipped, warned
from gatewayd.diagnosis.running import lasting, listed, number_at, section, text_at
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.diagnosis.running import Daemon

_UNKNOWN = "restart it, so that it reads its configuration anew: `systemctl restart gatewayd`"
_SAYS = "by the running gatewayd"


def unknown_station(name: str) -> Outcome:
    """A station that the configuration has and the daemon has not."""
    return warned(f"the running gatewayd has no station {name!r}: it was started with another configuration", _UNKNOWN)


def levels(station: Mapping[str, object]) -> Outcome:
    """What it hears."""
    capture = section(station, "capture")
    device = text_at(capture, "device") or "no microphone"
    problem = text_at(capture, "problem")
    health = text_at(capture, "health")
    if station.get("muted") is True:
        return warned(f"muted on request, {_SAYS}: {device} is closed", "unmute it: `gatewayd unmute`")
    if health == MicrophoneHealth.OK.value:
        return _heard(capture, device, problem)
    if health == MicrophoneHealth.STARTING.value:
        return warned(f"{device} was opened just now, {_SAYS}", "run this again in a few seconds")
    told = f"{device} is {health or 'in a state that it does not tell'}, {_SAYS}"
    if problem:
        told += f": {problem}"
    if health in (MicrophoneHealth.CLIPPING.value, MicrophoneHealth.MUTED.value):
        return warned(told, "do what it says there, and look again with `gatewayd status`")
    return failed(told, "do what it says there; `gatewayd devices` shows what is plugged in")


def _heard(capture: Mapping[str, object], device: str, problem: str | None) -> Outcome:
    level_dbfs = number_at(capture, "level_dbfs")
    level = "" if level_dbfs is None else f" at {level_dbfs:.0f} dBFS"
    told = f"{device} gives sound{level}, {_SAYS}"
    odd = [problem] if problem else []
    for name in ("findings", "mixer_problems"):
        for entry in listed(capture, name):
            text = entry.get("text") if isinstance(entry, dict) else entry
            odd += [text] if isinstance(text, str) else []
    if odd:
        return warned(f"{told}, but {'; '.join(odd)}", "do what it says there, and look again with `gatewayd status`")
    return passed(told)


def speaker(station: Mapping[str, object], *, tone: bool) -> Outcome:
    """What it plays on."""
    if station.get("playback") is None:
        return skipped("this station has none")
    playback = section(station, "playback")
    device = text_at(playback, "device") or "no speaker"
    problem = text_at(playback, "problem")
    if problem:
        return failed(
            f"{device}, {_SAYS}: {problem}", "do what it says there; `gatewayd devices` shows what is plugged in"
        )
    frames = number_at(playback, "frames_played") or 0.0
    played = f"it played {frames / 50:.0f} s so far" if frames else "nothing was to be played so far"
    refused = "; no tone was played, as gatewayd has it open: `systemctl stop gatewayd` first" if tone else ""
    return passed(f"{device} is in use, {_SAYS}; {played}{refused}")


def token(daemon: Daemon, names: list[str]) -> Outcome:
    """What its sessions say of its tokens, where this process may not have the credential."""
    for name in names:
        station = daemon.station(name) or {}
        state = text_at(station, "state")
        if state in (SessionState.CONNECTED.value, SessionState.AGENT_READY.value):
            return passed(f"the running gatewayd was given one: station {name} is {state}")
        cause = text_at(section(station, "session", "last_end"), "cause") or ""
        if cause.startswith("token_"):
            return _end(section(station, "session", "last_end"))
    return skipped("its credential cannot be read here, and no session of a running gatewayd tells more")


def session(station: Mapping[str, object]) -> Outcome:
    """Where its conversation stands."""
    state = text_at(station, "state")
    since = lasting(number_at(station, "since_s") or 0.0)
    if state == SessionState.AGENT_READY.value:
        return passed(f"the agent is ready since {since}, {_SAYS}")
    if state in (SessionState.CONNECTED.value, SessionState.CONNECTING.value):
        return warned(f"{state} since {since}, {_SAYS}", "run this again in a few seconds")
    if state == SessionState.IDLE.value:
        return warned(f"idle since {since}, {_SAYS}: nobody asked for a conversation", "start one: `gatewayd start`")
    if state == SessionState.NO_DEVICE.value:
        return failed(f"none without a microphone, {_SAYS}", "bring the microphone back: see the step levels")
    last_end = section(station, "session", "last_end")
    if last_end:
        return _end(last_end)
    return warned(
        f"{state or 'in a state that it does not tell'} since {since}, {_SAYS}", "run this again in a few seconds"
    )


def _end(last_end: Mapping[str, object]) -> Outcome:
    detail = text_at(last_end, "detail") or "the last one ended, and it does not say why"
    try:
        order = about_cause(Cause(text_at(last_end, "cause")))
    except ValueError:  # a cause of another version
        order = REPORT
    return failed(f"{detail}, {_SAYS}", order)
