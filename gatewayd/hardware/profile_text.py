"""Hardware profiles in words, for `gatewayd profiles` and docs/hardware.md."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.hardware.profile import Confidence, Match
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewayd.hardware.profile import CaptureProfile, Fact, PlaybackProfile, Profile
    from gatewayd.hardware.settings import MixerSetting

_EVIDENCE = (
    ("usb_ids", "USB"),
    ("products", "product"),
    ("drivers", "driver"),
    ("device_tree", "device tree"),
    ("controls", "with control"),
    ("without_controls", "without control"),
    ("ports", "port"),
    ("card_ids", "card id"),
)
_TABLES = ("match", "capture", "playback", "duplex", "recovery")
_VALUES = ("raw", "percent", "db", "switch", "choice")


@dataclass(frozen=True)
class ToldFact:
    """One fact of a profile, with what it rests on."""

    place: str
    """Dotted, as in [provenance]: `capture.rate_hz`."""
    value: str
    """As TOML writes it; for a mixer control in words."""
    confidence: Confidence
    source: str


def recognised_by(match: Match) -> str:
    """`USB 1415:2000; card id CameraB409241`."""
    if match == Match():
        return "nothing: used by its name"
    parts = [f"{word} {', '.join(values)}" for key, word in _EVIDENCE if (values := getattr(match, key))]
    if match.generic:
        return f"{'; '.join(parts) or 'any card'}, where no other profile matches"
    return "; ".join(parts)


def captures(capture: CaptureProfile) -> str:
    """`S16_LE 16000 Hz 6 ch, channel 0`."""
    picked = f", channel{'s' * (len(capture.pick) > 1)} {', '.join(map(str, capture.pick))}" if capture.pick else ""
    return (_parameters(capture) or "the best the card offers") + picked


def plays(playback: PlaybackProfile) -> str:
    """`48000 Hz 2 ch`, `as capture` or `no speaker`."""
    if not playback.enabled:
        return "no speaker"
    return _parameters(playback) or "as capture"


def echo(profile: Profile) -> str:
    """Whether the board takes the speaker's sound out of what it captures."""
    return "board" if profile.capture.echo_cancelled else "-"


def recovery(profile: Profile) -> str:
    """`reopen, usb-reset, alarm`."""
    return ", ".join(step.value for step in profile.recovery.steps)


def sureness(profile: Profile) -> str:
    """How many facts there are of each confidence, the surest first: `3 vendor-file, 1 unverified`."""
    counts = Counter(fact.confidence for fact in facts(profile))
    return ", ".join(f"{counts[confidence]} {confidence.value}" for confidence in Confidence if counts[confidence])


def facts(profile: Profile) -> tuple[ToldFact, ...]:
    """Every fact that the profile states, in the order of its tables, with the provenance that covers it."""
    return tuple(
        ToldFact(place, value, fact.confidence, fact.source)
        for place, value, stated in _stated(profile)
        if (fact := _covering(profile, place)) and (stated or fact.place == place)
    )


def _stated(profile: Profile) -> Iterator[tuple[str, str, bool]]:
    """Place, value, and whether it differs from what holds without it; recovery steps are always worth telling."""
    if profile.quirks:
        yield "quirks", profile.quirks, True
    for name in _TABLES:
        table = getattr(profile, name)
        usual = type(table)()
        for field in fields(table):
            value = getattr(table, field.name)
            yield f"{name}.{field.name}", _toml(value), value != getattr(usual, field.name) or name == "recovery"
    for setting in profile.mixer:
        yield f"mixer.{setting.control}", _setting(setting), True


def _covering(profile: Profile, place: str) -> Fact | None:
    """The fact that speaks for `place`: its own, else its table's. Why channels are picked is part of the picking."""
    told = {fact.place: fact for fact in profile.provenance}
    own = "capture.pick" if place == "capture.why_pick" else place
    return told.get(own) or told.get(own.partition(".")[0])


def _parameters(direction: CaptureProfile | PlaybackProfile) -> str:
    known = (
        direction.format and direction.format.value,
        direction.rate_hz and f"{direction.rate_hz} Hz",
        direction.channels and f"{direction.channels} ch",
    )
    return " ".join(each for each in known if each)


def _setting(setting: MixerSetting) -> str:
    [(name, value)] = [(name, value) for name in _VALUES if (value := getattr(setting, name)) is not None]
    index = f"index {setting.index}, " if setting.index else ""
    side = f"{setting.side.value}, " if setting.side else ""
    return f"{index}{side}{name} {_toml(value)}{', optional' * setting.optional}"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Enum):
        value = value.value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
