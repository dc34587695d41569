"""Lays a station's configuration over its hardware profile: what the station opens, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gatewayd.audio.formats import StreamParameters
from gatewayd.configuration.model import UNKNOWN_ORIGIN
from gatewayd.configuration.report import Report, listed, place_of
from gatewayd.configuration.rules import beyond
from gatewayd.configuration.tables import nearest
from gatewayd.hardware.profiles import AUTO, CaptureProfile, Profile
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatewayd.configuration.model import Configuration, StationConfiguration
    from gatewayd.configuration.report import Path

T = TypeVar("T")


def resolve_stations(configuration: Configuration, profiles: Mapping[str, Profile]) -> dict[str, StationSettings]:
    """The settings of every station, by its name, in the configuration's order.

    Raises `ConfigurationInvalid` with the problems of all stations at once.
    """
    report = Report()
    found = {
        station.name: _resolve(_Station(station, configuration.origin, report), profiles)
        for station in configuration.stations
    }
    report.raise_if_any()
    return {name: settings for name, settings in found.items() if settings is not None}


def resolve(
    station: StationConfiguration,
    profiles: Mapping[str, Profile],
    origin: Callable[[str], str] = lambda _: UNKNOWN_ORIGIN,
) -> StationSettings:
    """The settings of one station: its own keys, else the profile's, else (for playback) the capture's.

    `origin` names the file of a dotted place in messages, as `Configuration.origin` does. Raises
    `ConfigurationInvalid` with all problems at once.
    """
    report = Report()
    settings = _resolve(_Station(station, origin, report), profiles)
    report.raise_if_any()
    assert settings is not None, "no settings without a problem"  # noqa: S101 - for mypy
    return settings


@dataclass(frozen=True)
class _Station:
    """A station being resolved, and where its problems go."""

    configuration: StationConfiguration
    origin: Callable[[str], str]
    report: Report

    def path(self, *keys: str) -> Path:
        return ("stations", self.configuration.name, *keys)

    def place(self, *keys: str) -> str:
        return place_of(self.path(*keys))

    def problem(self, *keys: str, what: str) -> None:
        self.report.add(self.origin(self.place(*keys)), self.path(*keys), what)


def _resolve(station: _Station, profiles: Mapping[str, Profile]) -> StationSettings | None:
    profile = _profile(station, profiles)
    if profile is None:
        return None
    capture = _capture(station, profile)
    if capture is None:
        return None
    return StationSettings(profile.name or None, capture, _playback(station, profile, capture))


def _profile(station: _Station, profiles: Mapping[str, Profile]) -> Profile | None:
    """The station's profile; one without a name where the station says everything itself."""
    wanted = station.configuration.profile
    if wanted != AUTO:
        if wanted not in profiles:
            station.problem("profile", what=f"names no known profile; {nearest(wanted, profiles)}")
        return profiles.get(wanted)
    own = station.configuration.capture
    if own.device is not None and own.rate_hz is not None and own.format is not None and own.channels is not None:
        return Profile("", "", "", CaptureProfile(own.rate_hz, own.format, own.channels))
    needed = {"device": own.device, "rate_hz": own.rate_hz, "format": own.format, "channels": own.channels}
    left_out = ", ".join(key for key, value in needed.items() if value is None)
    known = ", ".join(profiles) or "none is installed"
    station.problem(
        "profile",
        what=f'is "{AUTO}", and this version does not find hardware; set device, rate_hz, format and channels '
        f"in [{station.place('capture')}] (left out: {left_out}), or name a profile: {known}",
    )
    return None


def _capture(station: _Station, profile: Profile) -> CaptureSettings | None:
    own, base = station.configuration.capture, profile.capture
    device = own.device or base.device or _device_of_card(station, profile)
    channels = _either(own.channels, base.channels)
    pick = _either(own.pick, base.pick)
    what = beyond(pick, channels)
    if what:
        whose = "" if own.pick is not None else f", as profile {profile.name} says; set it"
        station.problem("capture", "pick", what=what + whose)
    if device is None:
        return None
    return CaptureSettings(
        device,
        StreamParameters(_either(own.rate_hz, base.rate_hz), _either(own.format, base.format), channels),
        pick,
        gain_db=_either(own.gain_db, base.gain_db),
        highpass_hz=_either(own.highpass_hz, base.highpass_hz),
        period_ms=base.period_ms,
        buffer_ms=base.buffer_ms,
    )


def _device_of_card(station: _Station, profile: Profile) -> str | None:
    """The device of the profile's card; which of several cards is there is not for this pure function to find out."""
    devices = [f"hw:CARD={card},DEV=0" for card in profile.match.card_ids]
    if len(devices) == 1:
        return devices[0]
    example = listed(devices) if devices else "hw:CARD=…,DEV=0, with the card's id from /proc/asound/cards"
    station.problem("capture", "device", what=f"is missing; profile {profile.name} leaves it open: set it to {example}")
    return None


def _playback(station: _Station, profile: Profile, capture: CaptureSettings) -> PlaybackSettings | None:
    own, base = station.configuration.playback, profile.playback
    if not _either(own.enabled, base.enabled or own.device is not None):
        without_effect = {"rate_hz": own.rate_hz, "format": own.format, "channels": own.channels, "volume": own.volume}
        for key, value in without_effect.items():
            if own.enabled is None and value is not None:
                station.problem("playback", key, what=f"has no effect: {_speakerless(station, profile)}")
        return None
    if not base.enabled and own.device is None:
        station.problem("playback", "enabled", what=f"cannot be true: {_speakerless(station, profile)}")
        return None
    return PlaybackSettings(
        own.device or base.device or capture.device,
        StreamParameters(
            _either(own.rate_hz, _either(base.rate_hz, capture.parameters.rate_hz)),
            _either(own.format, _either(base.format, capture.parameters.format)),
            _either(own.channels, _either(base.channels, capture.parameters.channels)),
        ),
        volume=_either(own.volume, base.volume),
        period_ms=base.period_ms,
        buffer_ms=base.buffer_ms,
    )


def _speakerless(station: _Station, profile: Profile) -> str:
    return f"profile {profile.name} has no speaker; name one in {station.place('playback', 'device')}"


def _either(own: T | None, base: T) -> T:
    return base if own is None else own
