"""What is told to a person about an odd microphone, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.audio.formats import RATES_HZ
from gatewayd.audio.quiet import DAY_HOURS, DAY_QUIET_DBFS, HOUR_QUIET_DBFS
from gatewayd.audio.rate_check import WRONG_FROM
from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.audio.channel_health import ChannelMonitor
    from gatewayd.audio.quiet import QuietMonitor
    from gatewayd.audio.rate_check import RateMonitor

_SLOTS = {
    MicrophoneHealth.SILENT: (FindingKind.SLOT_SILENT, "digital zero"),
    MicrophoneHealth.STUCK: (FindingKind.SLOT_STUCK, "one value over and over"),
}

_CLOCK = "its clock is set up wrong"
_LOSES = f"{_CLOCK}, or its driver loses sound"
_TRY = "unplug it and plug it in again, or try another rate_hz"


def channels(monitors: Sequence[ChannelMonitor], pick: Sequence[int]) -> list[Finding]:
    """One for each channel of `pick` that is dead while any other channel gives sound."""
    if all(monitors[number].dead is None for number in pick):
        return []
    sounding = [number for number, channel in enumerate(monitors) if channel.dead is None and channel.sounds]
    if not sounding:
        return []
    advice = _advice(sounding, [number for number in pick if number in sounding])
    found = []
    for number in pick:
        dead = monitors[number].dead
        if dead is not None:
            kind, gives = _SLOTS[dead]
            found.append(Finding(kind, f"channel {number} gives {gives}, {_listed(sounding)} sound: {advice}", number))
    return found


def _advice(sounding: list[int], useful: list[int]) -> str:
    if useful:
        return f"it only makes the others quieter; look for its microphone's connection, or set pick = {useful}"
    if len(sounding) == 1:
        return f"set pick = {sounding}, unless what it gives is not the microphone"
    return f"set pick to that of {sounding} which is the microphone; `gatewayd meter` shows them"


def _listed(channels: list[int]) -> str:
    if len(channels) == 1:
        return f"channel {channels[0]} gives"
    return f"channels {', '.join(map(str, channels[:-1]))} and {channels[-1]} give"


def loudness(quiet: QuietMonitor) -> list[Finding]:
    """One if speech cannot come through: no second of a day had its level, or not even a room's noise is there."""
    if (loudest_dbfs := quiet.quiet_day_dbfs) is not None:
        return [_quiet_day(loudest_dbfs)]
    return [_quiet_hour()] if quiet.quiet_hour else []


def _quiet_day(loudest_dbfs: float) -> Finding:
    return Finding(
        FindingKind.QUIET,
        f"the loudest second of the last {DAY_HOURS} hours was at {loudest_dbfs:.0f} dBFS after gain; speech at 1 m is "
        f"to give about -30, and never less than {DAY_QUIET_DBFS:.0f}: raise gain_db or the microphone's volume in the "
        "mixer, or look whether it is covered or unplugged",
    )


def _quiet_hour() -> Finding:
    return Finding(
        FindingKind.QUIET,
        f"nothing above {HOUR_QUIET_DBFS:.0f} dBFS after gain for an hour, less than the noise of a quiet room: the "
        "microphone is unplugged from its converter, or its volume in the mixer is at the bottom",
    )


def rate(nominal_hz: int, monitor: RateMonitor) -> list[Finding]:
    """One if the card's samples do not come at the rate it was opened with."""
    return [_wrong_rate(nominal_hz, monitor.rate_hz)] if monitor.wrong else []


def _wrong_rate(nominal_hz: int, measured_hz: float | None) -> Finding:
    if measured_hz is None:
        text = f"the card does not give the {nominal_hz} samples a second that it says: {_LOSES}; {_TRY}"
        return Finding(FindingKind.WRONG_RATE, text)
    off = 100.0 * (measured_hz / nominal_hz - 1.0)
    speed, cause = ("fast and high", _LOSES) if off < 0.0 else ("slow and low", _CLOCK)
    others = [rate_hz for rate_hz in RATES_HZ if rate_hz != nominal_hz]
    known = [rate_hz for rate_hz in others if abs(measured_hz / rate_hz - 1.0) <= WRONG_FROM]
    advice = (
        f"it runs at {known[0]} Hz: set rate_hz = {known[0]} for capture and playback" if known else f"{cause}; {_TRY}"
    )
    return Finding(
        FindingKind.WRONG_RATE,
        f"the card gives {measured_hz:.0f} samples a second and says {nominal_hz} ({off:+.1f} %), so the agent hears "
        f"voices too {speed}: {advice}",
    )
