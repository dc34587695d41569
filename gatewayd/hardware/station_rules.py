"""What must hold between a station's configuration and its profile, before any hardware is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.configuration.report import Report, place_of
from gatewayd.configuration.rules import beyond
from gatewayd.configuration.tables import nearest
from gatewayd.hardware.profile import Match
from gatewayd.hardware.profile_rules import AUTO
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatewayd.configuration.model import Configuration, StationConfiguration
    from gatewayd.configuration.report import Path
    from gatewayd.hardware.profile import Profile


def check_stations(configuration: Configuration, profiles: Mapping[str, Profile]) -> None:
    """Raise `ConfigurationInvalid` with everything wrong in any station that can be told without its hardware."""
    report = Report()
    ports: dict[str, str] = {}
    for configured in configuration.stations:
        station = _Station(configured, configuration.origin, report)
        _check(station, profiles)
        if configured.port is not None and ports.setdefault(configured.port, configured.name) != configured.name:
            station.problem("port", what=f"is that of station {ports[configured.port]} too; each needs its own card")
    report.raise_if_any()


@dataclass(frozen=True)
class _Station:
    """A station being checked, and where its problems go."""

    configuration: StationConfiguration
    origin: Callable[[str], str]
    report: Report

    def path(self, *keys: str) -> Path:
        return ("stations", self.configuration.name, *keys)

    def place(self, *keys: str) -> str:
        return place_of(self.path(*keys))

    def problem(self, *keys: str, what: str) -> None:
        self.report.add(self.origin(self.place(*keys)), self.path(*keys), what)


def _check(station: _Station, profiles: Mapping[str, Profile]) -> None:
    wanted = station.configuration.profile
    if wanted == AUTO:
        return
    if wanted not in profiles:
        station.problem("profile", what=f"names no known profile; {nearest(wanted, profiles)}")
        return
    _check_device(station, profiles[wanted])
    _check_pick(station, profiles[wanted])
    _check_playback(station, profiles[wanted])
    _check_duplex(station, profiles[wanted])


def _check_device(station: _Station, profile: Profile) -> None:
    told = (station.configuration.capture.device, station.configuration.port, profile.capture.device)
    if profile.match == Match() and not any(told):
        what = f"is missing; profile {profile.name} recognises no card by itself: set it to hw:CARD=…,DEV=0, "
        station.problem("capture", "device", what=f"{what}with the card's id from `gatewayd devices`")


def _check_pick(station: _Station, profile: Profile) -> None:
    own = station.configuration.capture
    channels = profile.capture.channels if own.channels is None else own.channels
    pick = profile.capture.pick if own.pick is None else own.pick
    if pick is None or channels is None:
        return
    what = beyond(pick, channels)
    if what:
        whose = "" if own.pick is not None else f", as profile {profile.name} says; set it"
        station.problem("capture", "pick", what=what + whose)


def _check_playback(station: _Station, profile: Profile) -> None:
    own = station.configuration.playback
    if profile.playback.enabled or own.device is not None or own.enabled is False:
        return
    speakerless = f"profile {profile.name} has no speaker; name one in {station.place('playback', 'device')}"
    if own.enabled:
        station.problem("playback", "enabled", what=f"cannot be true: {speakerless}")
        return
    without_effect = {"rate_hz": own.rate_hz, "format": own.format, "channels": own.channels, "volume": own.volume}
    for key, value in without_effect.items():
        if value is not None:
            station.problem("playback", key, what=f"has no effect: {speakerless}")


def _check_duplex(station: _Station, profile: Profile) -> None:
    own = station.configuration.playback
    if own.enabled is False and profile.duplex.capture_needs_playback:
        what = f"cannot be false: profile {profile.name} gives sound only while its playback is open; set volume to 0"
        station.problem("playback", "enabled", what=what)
    if not profile.duplex.same_parameters or own.device is not None or own.enabled is False:
        return
    for key in ("rate_hz", "format", "channels"):
        played = getattr(own, key)
        captured = getattr(station.configuration.capture, key) or getattr(profile.capture, key)
        if played is not None and captured is not None and played != captured:
            shown = getattr(captured, "value", captured)
            what = f"must be {shown}, as for capture: profile {profile.name} needs both the same; leave it out"
            station.problem("playback", key, what=what)
