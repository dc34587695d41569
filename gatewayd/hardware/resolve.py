"""Lays a station's configuration over its hardware profile, and both over what its card offers.

`check_stations` finds what is wrong without looking at hardware; `settle` says what to open, before each opening anew.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.configuration.rules import beyond
from gatewayd.errors import DeviceError, DeviceMissing, DeviceRefused
from gatewayd.hardware.detection import candidates, choose, described
from gatewayd.hardware.inventory import Inventory
from gatewayd.hardware.offers import best
from gatewayd.hardware.profile import CaptureProfile, Profile
from gatewayd.hardware.profile_rules import AUTO
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings
from gatewayd.hardware.station_rules import check_stations
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from gatewayd.configuration.model import CaptureOverrides, PlaybackOverrides, StationConfiguration
    from gatewayd.hardware.inventory import Card
    from gatewayd.hardware.offers import Offer
    from gatewayd.hardware.profile import PlaybackProfile

    AskOffers = Callable[[str, bool], tuple[Offer, ...]]
    """What a live device can do, by its name; True for capture. Raises `DeviceError`; nothing: it does not tell."""

__all__ = ["check_stations", "names_everything", "settle"]

T = TypeVar("T")

_NO_PROFILE = Profile("", "", capture=CaptureProfile(pick=(0,)))
"""For a station that names its device itself: nothing is assumed."""
_HARDWARE = re.compile(r"(plug)?hw:(?:CARD=)?([^,=]+)(?:,(?:DEV=)?([0-9]{1,4}))?(?:,.*)?")
"""ALSA's names of hardware, with and without the names of their arguments."""


_OFFERS_SHOWN_MAX = 4
"""Offers that a message lists: a line must stay readable, and `gatewayd devices` shows all."""


def names_everything(station: StationConfiguration) -> bool:
    """Whether a station needs no profile and says how its microphone is opened: no hardware is looked at then."""
    own = station.capture
    return station.profile == AUTO and None not in (own.device, own.rate_hz, own.format, own.channels)


def settle(
    station: StationConfiguration,
    profiles: Mapping[str, Profile],
    inventory: Inventory,
    *,
    claimed: Collection[str] = (),
    offers: AskOffers,
) -> StationSettings:
    """What a station opens, and how: its own keys, else the profile's, else the best of what the card offers.

    `claimed` are ports that other stations name. `offers` is asked where something is left open and the kernel's files
    say nothing; what it raises for capture is passed on. Raises `DeviceMissing`, `DeviceAmbiguous`, and `DeviceRefused`
    where the card does not offer what is asked for.
    """
    used = _use(station, profiles, inventory, claimed)
    settling = _Settling(station, used.profile, used.card, inventory, offers)
    capture = settling.capture()
    playback = settling.playback(capture)
    return StationSettings(
        profile=used.profile.name or None,
        capture=capture,
        playback=playback,
        card=used.card,
        mixer=used.profile.mixer,
        recovery=used.profile.recovery.steps,
        notes=tuple(settling.notes),
    )


@dataclass(frozen=True)
class _Used:
    profile: Profile
    card: Card | None


def _use(
    station: StationConfiguration, profiles: Mapping[str, Profile], inventory: Inventory, claimed: Collection[str]
) -> _Used:
    named = _named(station, profiles)
    if names_everything(station):
        return _Used(_NO_PROFILE, None)
    if station.capture.device is None:
        chosen = choose(station, inventory, profiles, claimed=claimed)
        return _Used(chosen.profile, chosen.card)
    card = inventory.card_of(station.capture.device)
    if named is not None or card is None:
        return _Used(named or _NO_PROFILE, card)
    alone = Inventory((card,), inventory.board)
    if not candidates(alone, profiles):
        return _Used(_NO_PROFILE, card)
    return _Used(choose(station, alone, profiles).profile, card)


def _named(station: StationConfiguration, profiles: Mapping[str, Profile]) -> Profile | None:
    """The profile a station names; None for "auto"."""
    if station.profile == AUTO:
        return None
    if station.profile not in profiles:
        raise DeviceMissing(f"profile {station.profile}", "no profile has that name; `gatewayd profiles` lists them")
    return profiles[station.profile]


@dataclass(frozen=True)
class _Wish:
    """Stream parameters as far as something asks for them."""

    rate_hz: int | None = None
    format: SampleFormat | None = None
    channels: int | None = None

    def over(self, base: _Wish | StreamParameters) -> _Wish:
        """This, and where it is open, `base`."""
        return _Wish(
            _either(self.rate_hz, base.rate_hz),
            _either(self.format, base.format),
            _either(self.channels, base.channels),
        )

    @property
    def parameters(self) -> StreamParameters | None:
        """None while anything is open."""
        if self.rate_hz is None or self.format is None or self.channels is None:
            return None
        return StreamParameters(self.rate_hz, self.format, self.channels)

    def best_of(self, offers: Sequence[Offer]) -> StreamParameters | None:
        """The best that is offered and fulfils this."""
        return best(offers, rate_hz=self.rate_hz, format=self.format, channels=self.channels)

    def __str__(self) -> str:
        parts = (
            self.format.value if self.format else "",
            f"{self.rate_hz} Hz" if self.rate_hz else "",
            f"{self.channels} ch" if self.channels else "",
        )
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class _Settling:
    """A station, its profile and its card, laid over each other."""

    station: StationConfiguration
    profile: Profile
    card: Card | None
    inventory: Inventory
    ask: AskOffers
    notes: list[str] = field(default_factory=list)
    """Said while settling, for `StationSettings.notes`."""

    def capture(self) -> CaptureSettings:
        own, base = self.station.capture, self.profile.capture
        device = own.device or base.device or self._device_of_card()
        parameters = self._capture_parameters(device)
        pick = _either(own.pick, base.pick) or tuple(range(parameters.channels if parameters.channels == 2 else 1))
        what = beyond(pick, parameters.channels)
        if what:
            raise DeviceRefused(device, f"{self._place('capture', 'pick')} {what}; set pick to what there is")
        return CaptureSettings(
            device,
            parameters,
            pick,
            gain_db=_either(own.gain_db, base.gain_db),
            highpass_hz=_either(own.highpass_hz, base.highpass_hz),
            period_ms=base.period_ms,
            buffer_ms=base.buffer_ms,
            warm_up_ms=base.warm_up_ms,
            needs_playback=self.profile.duplex.capture_needs_playback and self._plays_on_its_card(),
            mute_gives_zeros=base.mute_gives_zeros,
        )

    def playback(self, capture: CaptureSettings) -> PlaybackSettings | None:
        own, base = self.station.playback, self.profile.playback
        if not self._plays():
            return None
        device = own.device or base.device or self._playback_device(capture.device)
        if device is None:
            return None
        return PlaybackSettings(
            device,
            self._playback_parameters(device, capture),
            volume=_either(own.volume, base.volume),
            period_ms=base.period_ms,
            buffer_ms=base.buffer_ms,
            keep_alive=base.keep_alive,
        )

    def _device_of_card(self, *, capture: bool = True) -> str:
        """The card's first device, by the card's present id; without a card, by the only id the profile has."""
        if self.card is None:
            return f"hw:CARD={self.profile.match.card_ids[0]},DEV=0"
        return f"hw:CARD={self.card.id},DEV={_first_device(self.card, capture=capture)}"

    def _capture_parameters(self, device: str) -> StreamParameters:
        own_wish, wish = _wishes(self.station.capture, self.profile.capture)
        if own_wish.parameters is not None and self.station.capture.device is not None:
            return own_wish.parameters  # all of it is a person's word: opening it shows whether it holds
        offered = self._offers_of(device, capture=True)
        asked = wish.parameters
        if asked is not None and not offered:
            return asked
        offered = offered or self.ask(device, True)
        if not offered:
            table = self._place("capture")
            raise DeviceRefused(device, f"does not tell what it can do; set rate_hz, format and channels in [{table}]")
        fitting = wish.best_of(offered) or self._with_other_channels(device, wish, offered)
        if fitting is None:
            raise self._refusal(device, "capture", wish, own_wish, offered)
        return fitting

    def _with_other_channels(self, device: str, wish: _Wish, offered: Sequence[Offer]) -> StreamParameters | None:
        """As many channels as there are, where only their count differs from the profile's and the picked are there.

        Arrays come with firmware for one channel or for six; what is picked lies in the same place in both.
        """
        own, base = self.station.capture, self.profile.capture
        if own.channels is not None:
            return None
        last = max(own.pick or base.pick or (0,))
        enough = [
            replace(offer, channels=tuple(count for count in offer.channels if count > last)) for offer in offered
        ]
        fitting = replace(wish, channels=None).best_of(enough)
        if fitting is not None:
            what = f"captures {fitting.channels} ch, not {wish.channels} as profile {self.profile.name} says"
            self.notes.append(f"{device} {what}; it is used with {fitting.channels}")
        return fitting

    def _playback_parameters(self, device: str, capture: CaptureSettings) -> StreamParameters:
        own_wish, wish = _wishes(self.station.playback, self.profile.playback)
        captured = capture.parameters
        if self.profile.duplex.same_parameters and self._plays_on_its_card():
            if own_wish.over(captured).parameters != captured:
                what = f"must play as it captures, {captured}; leave rate_hz, format and channels out of"
                raise DeviceRefused(device, f"{what} [{self._place('playback')}]")
            return captured
        asked = wish.over(captured)
        offered = self._offers_of(device, capture=False) or self._offers_of_player(device, wish)
        if not offered and asked.parameters is not None:
            return asked.parameters
        # What the configuration asks for holds; a profile's word gives way to the card's own.
        for each in (asked, wish.over(_Wish(captured.rate_hz)), wish, own_wish.over(_Wish(captured.rate_hz)), own_wish):
            fitting = each.best_of(offered)
            if fitting is not None:
                return fitting
        raise self._refusal(device, "playback", own_wish, own_wish, offered)

    def _offers_of(self, device: str, *, capture: bool) -> tuple[Offer, ...]:
        """What a device's card offers by the kernel's files, where those tell of this device; empty: not known."""
        hardware = _HARDWARE.fullmatch(device)
        card = self.inventory.card_of(device)
        if hardware is None or hardware[1] is not None or card is None:
            return ()
        if int(hardware[3] or 0) != _first_device(card, capture=capture):
            return ()
        return card.capture_offers if capture else card.playback_offers

    def _offers_of_player(self, device: str, wish: _Wish) -> tuple[Offer, ...]:
        """What a live device can play, where how its card captures says nothing of it; empty: not known.

        That is so on another card, and where the card had to be asked how it captures too.
        """
        _, captured = _wishes(self.station.capture, self.profile.capture)
        elsewhere = self.card is not None and self.inventory.card_of(device) is not self.card
        if wish.parameters is not None or not (elsewhere or captured.parameters is None):
            return ()
        try:
            return self.ask(device, False)
        except DeviceError:
            return ()  # a speaker that is busy or gone must not keep the microphone from being opened

    def _plays(self) -> bool:
        own, base = self.station.playback, self.profile.playback
        speaker = base.enabled or own.device is not None
        return speaker and _either(own.enabled, speaker)

    def _plays_on_its_card(self) -> bool:
        own, base = self.station.playback, self.profile.playback
        return self._plays() and own.device is None and base.device is None

    def _playback_device(self, capture_device: str) -> str | None:
        """The speaker of the microphone's card; None where it has none."""
        if self.card is None:
            return capture_device
        if self.card.playback_devices == ():
            self.notes.append(
                f"{described(self.card)} has no playback: the agent is not heard; name a speaker as device in "
                f"[{self._place('playback')}], or say enabled = false there"
            )
            return None
        follows = capture_device == self._device_of_card()
        return self._device_of_card(capture=False) if follows else capture_device

    def _refusal(self, device: str, direction: str, wish: _Wish, own: _Wish, offered: Sequence[Offer]) -> DeviceRefused:
        whose = f"[{self._place(direction)}] asks" if own != _Wish() else f"profile {self.profile.name} asks"
        if own not in (_Wish(), wish):
            whose = f"[{self._place(direction)}] and profile {self.profile.name} ask"
        has = "; or ".join(str(offer) for offer in offered[:_OFFERS_SHOWN_MAX])
        what = f"no {direction} with {wish}, as {whose}: it has {has}; set rate_hz, format and channels"
        return DeviceRefused(device, f"{what} in [{self._place(direction)}] to what it has")

    def _place(self, *keys: str) -> str:
        return ".".join(("stations", self.station.name, *keys))


def _wishes(own: CaptureOverrides | PlaybackOverrides, base: CaptureProfile | PlaybackProfile) -> tuple[_Wish, _Wish]:
    """What the configuration asks of one direction, and what it and the profile ask together."""
    wish = _Wish(own.rate_hz, own.format, own.channels)
    return wish, wish.over(_Wish(base.rate_hz, base.format, base.channels))


def _first_device(card: Card, *, capture: bool) -> int:
    devices = card.capture_devices if capture else card.playback_devices
    return devices[0] if devices else 0


def _either(own: T | None, base: T) -> T:
    """What the configuration says, or where that is left out, what comes after it."""
    return base if own is None else own
