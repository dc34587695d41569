"""Reads what the kernel writes under /proc/asound, and the names in a file that `alsactl store` wrote.

Every parser takes any text: a line that is not understood is passed over, and what it would have said is not known.
The forms are those of the kernel's sound/core/init.c (`cards`), sound/core/pcm.c (`pcm`) and sound/usb/proc.c
(`stream0`).
"""

from __future__ import annotations

import re
from dataclasses import field

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat
from gatewayd.hardware.offers import Offer
from gatewayd.lean import dataclass

_CARD = re.compile(r" *([0-9]{1,4}) \[([^\]]*)\]: ?(.*)")
_PCM = re.compile(r"([0-9]{1,4})-([0-9]{1,4}): ")
_DIRECTION = re.compile(r"(playback|capture) [0-9]+")
_ALTERNATE_SETTING = re.compile(r"Altset [0-9]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_RATE_RANGE = re.compile(r"([0-9]{1,9}) - ([0-9]{1,9}) \(continuous\)")
_FORMATS = {format_.value: format_ for format_ in SampleFormat}

_SUFFIXES = (
    *(f" {side} {kind}" for side in ("Playback", "Capture") for kind in ("Enum", "Switch", "Route", "Volume")),
    *(f" {kind}" for kind in ("Enum", "Switch", "Route", "Volume")),
)
"""What libasound cuts off a control's name, the first that fits (alsa-lib, src/mixer/simple_none.c)."""
_CAPTURE_SOURCE = "Capture Source"
"""libasound makes one element of each of this control's texts instead (the same file)."""
_NO_ELEMENT = ("BYTES", "IEC958", "INTEGER64")
"""Types of controls that libasound makes no simple mixer element of (the same file)."""
_STATE = "state."
_CONTROL_DEPTH = 2
"""`state.ID {`, `control.N {`; a deeper `comment {` says what the control is like."""


@dataclass(frozen=True)
class CardLine:
    """One card of /proc/asound/cards."""

    number: int
    id: str
    driver: str
    name: str
    long_name: str


@dataclass(frozen=True)
class PcmDevices:
    """The device numbers of one card, in ascending order."""

    capture: tuple[int, ...] = ()
    playback: tuple[int, ...] = ()


@dataclass(frozen=True)
class StreamOffers:
    """What one PCM device of a USB card offers; empty: not known."""

    capture: tuple[Offer, ...] = ()
    playback: tuple[Offer, ...] = ()


@dataclass
class _AlternateSetting:
    """What was read so far of one block of a stream file."""

    formats: tuple[SampleFormat, ...] = ()
    rates_hz: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()

    def read(self, key: str, value: str) -> None:
        if key == "Format":
            self.formats = tuple(_FORMATS[name] for name in dict.fromkeys(value.split()) if name in _FORMATS)
        elif key == "Rates":
            self.rates_hz = _rates(value)
        elif key == "Channels" and _NUMBER.fullmatch(value) and 1 <= int(value) <= MAX_CHANNELS:
            self.channels = (int(value),)

    @property
    def offer(self) -> Offer | None:
        """None where nothing of it can be used, or a part is not known."""
        usable = self.formats and self.rates_hz and self.channels
        return Offer(self.formats, self.rates_hz, self.channels) if usable else None


@dataclass
class _Control:
    """What was read so far of one control in a state file."""

    name: str = ""
    interface: str = "MIXER"
    type: str = ""
    texts: list[str] = field(default_factory=list)

    def read(self, key: str, value: str) -> None:
        if key == "name":
            self.name = value
        elif key == "iface":
            self.interface = value

    def read_comment(self, key: str, value: str) -> None:
        if key == "type":
            self.type = value
        elif key.startswith("item."):
            self.texts.append(value)

    @property
    def elements(self) -> list[str]:
        """The simple mixer elements that libasound makes of it."""
        if not self.name or self.interface != "MIXER" or self.type in _NO_ELEMENT:
            return []
        return self.texts if self.name == _CAPTURE_SOURCE else [element_name(self.name)]


def parse_cards(text: str) -> tuple[CardLine, ...]:
    """The cards of /proc/asound/cards, as they stand there.

    Each takes two lines: ` 1 [Device         ]: USB-Audio - USB PnP Sound Device`, then its long name.
    """
    lines = text.split("\n")
    cards = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        found = _CARD.fullmatch(line)
        if found is not None:
            driver, _, name = found[3].partition(" - ")
            long_name = "" if _CARD.fullmatch(following) else following.strip()
            cards.append(CardLine(int(found[1]), found[2].strip(), driver.strip(), name.strip(), long_name))
    return tuple(cards)


def parse_pcm(text: str) -> dict[int, PcmDevices]:
    """Which devices capture and which play, by card number, from /proc/asound/pcm.

    A line is `01-00: USB Audio : USB Audio : playback 1 : capture 1`, with a count of substreams each. A card that
    stands nowhere in it has no PCM device.
    """
    capture: dict[int, set[int]] = {}
    playback: dict[int, set[int]] = {}
    for line in text.split("\n"):
        found = _PCM.match(line)
        if found is None:
            continue
        card, device = int(found[1]), int(found[2])
        # Names come first and may hold anything; of the directions there is one each, at the end.
        for part in line.split(" : ")[2:][-2:]:
            direction = _DIRECTION.fullmatch(part.strip())
            if direction is not None:
                into = capture if direction[1] == "capture" else playback
                into.setdefault(card, set()).add(device)
    return {
        card: PcmDevices(tuple(sorted(capture.get(card, ()))), tuple(sorted(playback.get(card, ()))))
        for card in sorted({*capture, *playback})
    }


def parse_stream(text: str) -> StreamOffers:
    """What a USB card's device offers, from /proc/asound/cardN/stream0: each alternate setting is one offer.

    Formats, rates and channel counts that this program cannot convert are left out, and settings of which nothing is
    left.
    """
    offers: dict[str, list[Offer]] = {"Capture:": [], "Playback:": []}
    section: list[Offer] | None = None
    setting = _AlternateSetting()
    for line in [*text.split("\n"), "end"]:
        words = line.strip()
        begins_section = line[:1] not in ("", " ", "\t")
        if begins_section or _ALTERNATE_SETTING.fullmatch(words):
            offer = setting.offer
            if section is not None and offer is not None and offer not in section:
                section.append(offer)
            setting = _AlternateSetting()
        if begins_section:
            section = offers.get(words)
        key, colon, value = words.partition(":")
        if colon:
            setting.read(key, value.strip())
    return StreamOffers(tuple(offers["Capture:"]), tuple(offers["Playback:"]))


def _rates(text: str) -> tuple[int, ...]:
    span = _RATE_RANGE.fullmatch(text)
    if span is not None:
        return tuple(rate for rate in RATES_HZ if int(span[1]) <= rate <= int(span[2]))
    given = {int(number) for number in text.split(", ") if _NUMBER.fullmatch(number)}
    return tuple(rate for rate in RATES_HZ if rate in given)


def parse_control_names(text: str, card_id: str) -> frozenset[str] | None:
    """The simple mixer elements of a card, from what `alsactl store` wrote; None where the card is not in it."""
    return parse_state(text).get(card_id)


def parse_state(text: str) -> dict[str, frozenset[str]]:
    """The simple mixer elements of each card, by its id, from what `alsactl store` wrote.

    It writes each key, each `state.ID {` and `control.N {`, and each `}` on a line of its own.
    """
    names: dict[str, set[str]] = {}
    path: list[str] = []
    control = _Control()
    for line in text.split("\n"):
        words = line.strip()
        if words.endswith("{"):
            path.append(_unquoted(words[:-1].strip()))
            if len(path) == 1 and path[0].startswith(_STATE):
                names.setdefault(path[0][len(_STATE) :], set())
            elif len(path) == _CONTROL_DEPTH:
                control = _Control()
        elif words == "}":
            if len(path) == _CONTROL_DEPTH and path[0].startswith(_STATE):
                names[path[0][len(_STATE) :]].update(control.elements)
            del path[-1:]
        elif len(path) >= _CONTROL_DEPTH:
            key, _, value = words.partition(" ")
            read = control.read if len(path) == _CONTROL_DEPTH else control.read_comment
            read(key, _unquoted(value.strip()))
    return {card_id: frozenset(elements) for card_id, elements in names.items()}


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def element_name(control: str) -> str:
    """The simple mixer element that libasound makes of a control: `Mic Capture Volume` belongs to `Mic`."""
    for suffix in _SUFFIXES:
        # "3D Control - Switch" is a name of its own: libasound keeps what ends on a dash.
        if control.endswith(suffix) and len(control) > len(suffix) and control[-len(suffix) - 1] != "-":
            return control[: -len(suffix)]
    return control
