"""Settles stations over the cards and profiles of `cards`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.model import CaptureOverrides, PlaybackOverrides, StationConfiguration
from gatewayd.errors import DeviceError, DeviceRefused
from gatewayd.hardware.resolve import settle
from tests.detection.cards import PROFILES, inventory

if TYPE_CHECKING:
    from gatewayd.hardware.inventory import Card
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import Profile
    from gatewayd.hardware.settings import StationSettings


class Driver:
    """Tells what devices offer, and remembers which were asked."""

    def __init__(self, capture: tuple[Offer, ...] = (), playback: tuple[Offer, ...] | DeviceError = ()) -> None:
        self.asked: list[tuple[str, str]] = []
        self._capture = capture
        self._playback = playback

    def __call__(self, device: str, capture: bool) -> tuple[Offer, ...]:
        self.asked.append((device, "capture" if capture else "playback"))
        if capture:
            return self._capture
        if isinstance(self._playback, DeviceError):
            raise self._playback
        return self._playback


def station(
    profile: str = "auto",
    capture: CaptureOverrides | None = None,
    playback: PlaybackOverrides | None = None,
    port: str | None = None,
) -> StationConfiguration:
    return StationConfiguration(
        "main", profile, port, capture=capture or CaptureOverrides(), playback=playback or PlaybackOverrides()
    )


def settled(
    configuration: StationConfiguration, *cards: Card, driver: Driver | None = None, profile: Profile | None = None
) -> StationSettings:
    profiles = {**PROFILES, profile.name: profile} if profile else PROFILES
    return settle(configuration, profiles, inventory(*cards), offers=driver or Driver())


def refusal(
    configuration: StationConfiguration, *cards: Card, driver: Driver | None = None, profile: Profile | None = None
) -> str:
    with pytest.raises(DeviceRefused) as caught:
        settled(configuration, *cards, driver=driver, profile=profile)
    return str(caught.value)
