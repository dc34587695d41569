"""Mixer settings without a mixer: what a setting asks of a control as it stands, and what is said of the outcome."""

from __future__ import annotations

import difflib
import errno
import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from gatewayd.hardware.settings import Side
from gatewayd.lean import dataclass
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from gatewayd.hardware.settings import MixerSetting

Value: TypeAlias = "int | bool | str"
"""A volume in the driver's steps, a switch, or a choice."""


@dataclass(frozen=True)
class Volume:
    """One side's volume, in the driver's steps."""

    low: int
    high: int
    values: tuple[int, ...]
    """One for each channel."""


@dataclass(frozen=True)
class Control:
    """A simple mixer element as it stands."""

    volumes: Mapping[Side, Volume] = field(default_factory=dict)
    switches: Mapping[Side, tuple[bool, ...]] = field(default_factory=dict)
    """One for each channel."""
    one_volume: bool = False
    """Both sides are the same volume."""
    one_switch: bool = False
    choices: tuple[str, ...] = ()
    chosen: str = ""


@dataclass(frozen=True)
class Decibels:
    """Where a volume in decibels lies on a control's scale."""

    raw: int
    """The step nearest to it."""
    low_db: float
    high_db: float


@dataclass(frozen=True)
class Target:
    """What exactly is to be set."""

    side: Side | None
    """None for a choice."""
    value: Value
    clipped: str = ""
    """Where more or less was wanted than there is: the range, in words."""


def aim(setting: MixerSetting, control: Control, decibels: Callable[[Side, float], Decibels | None]) -> Target | str:
    """What `setting` means for `control`; or why it cannot be set, in words, with what to do.

    `decibels` looks a volume up on that side's scale; None where it has none.
    """
    if setting.choice is not None:
        return _aim_at_choice(setting.choice, control)
    if setting.switch is not None:
        side = _side_of("switch", setting, control, control.switches, both_are_one=control.one_switch)
        return Target(side, setting.switch) if isinstance(side, Side) else side
    side = _side_of("volume", setting, control, control.volumes, both_are_one=control.one_volume)
    if not isinstance(side, Side):
        return side
    volume = control.volumes[side]
    if setting.db is not None:
        place = decibels(side, setting.db)
        if place is None:
            return f"its volume has no decibels; give it in steps of {volume.low} to {volume.high}, with `raw`"
        return _aim_at_decibels(side, setting.db, place)
    raw = setting.raw if setting.raw is not None else _share(volume, setting.percent or 0)
    nearest = min(max(raw, volume.low), volume.high)
    return Target(side, nearest, "" if raw == nearest else f"{volume.low} to {volume.high}")


def _aim_at_choice(choice: str, control: Control) -> Target | str:
    if choice in control.choices:
        return Target(None, choice)
    if not control.choices:
        return f"it has no choices that could be read, but {_described(control)}; correct it in the profile"
    near = difflib.get_close_matches(choice, control.choices, n=1)
    known = f'did you mean "{near[0]}"?' if near else f"it has {_quoted(control.choices)}"
    return f'it has no choice "{choice}"; {known}'


def _aim_at_decibels(side: Side, wanted_db: float, place: Decibels) -> Target:
    # libasound counts in hundredths.
    beyond = not round(100 * place.low_db) <= round(100 * wanted_db) <= round(100 * place.high_db)
    return Target(side, place.raw, f"{place.low_db:g} to {place.high_db:g} dB" if beyond else "")


def _share(volume: Volume, percent: int) -> int:
    return volume.low + ((volume.high - volume.low) * percent + 50) // 100


def _side_of(
    kind: str, setting: MixerSetting, control: Control, sides: Collection[Side], *, both_are_one: bool
) -> Side | str:
    wanted = setting.side
    if wanted is not None and wanted in sides:
        return wanted
    if wanted is not None or not sides:
        missing = f"{wanted.value} {kind}" if wanted else kind
        return f"it has no {missing}, but {_described(control)}; correct it in the profile"
    if len(sides) == 1 or both_are_one:
        return next(iter(sides))
    return f'it has a capture {kind} and a playback {kind}; say which with `side = "capture"` or `"playback"`'


def _described(control: Control) -> str:
    parts = [f"a {side.value} volume" for side in control.volumes] if not control.one_volume else ["a volume"]
    parts += [f"a {side.value} switch" for side in control.switches] if not control.one_switch else ["a switch"]
    if control.choices:
        parts.append(f"the choices {_quoted(control.choices)}")
    return " and ".join(parts) or "nothing that could be read"


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


# What came of it


def standing(control: Control, target: Target) -> tuple[Value, ...]:
    """What stands where `target` belongs, one for each channel; nothing where the control is another by now."""
    if target.side is None:
        return (control.chosen,)
    if isinstance(target.value, bool):
        return control.switches.get(target.side, ())
    volume = control.volumes.get(target.side)
    return volume.values if volume else ()


def stands(control: Control, target: Target) -> bool:
    """Whether all channels are as wanted."""
    return set(standing(control, target)) == {target.value}


def change(setting: MixerSetting, target: Target, before: Control, after: Control) -> str:
    """What changed, such as `PGA: 40 -> 52`; empty if nothing did."""
    was, is_now = standing(before, target), standing(after, target)
    return "" if was == is_now else one_line(f"{label(setting)}: {_shown(was)} -> {_shown(is_now)}")


def shortfall(setting: MixerSetting, target: Target, before: Control, after: Control) -> str:
    """In what the outcome differs from what was wanted, with what to do; empty if in nothing."""
    wanted = _wanted(setting)
    is_now = standing(after, target)
    if not stands(after, target):
        if setting.percent is not None or setting.db is not None:
            wanted += f", step {target.value}"
        took = "kept" if is_now == standing(before, target) else "took"
        return f"wanted {wanted}, the driver {took} {_shown(is_now)}; set the profile to what it takes, or see `dmesg`"
    if target.clipped:
        return f"wanted {wanted}, its range is {target.clipped}: it is at {_shown(is_now)}; correct it in the profile"
    return ""


def label(setting: MixerSetting) -> str:
    """The control as `amixer` names it, with the side where the setting names one."""
    name = f"{setting.control},{setting.index}" if setting.index else setting.control
    return f"{name} ({setting.side.value})" if setting.side else name


def about(card_id: str, setting: MixerSetting, what: str) -> str:
    """A problem with one control, in one line."""
    return one_line(f"card {card_id}, mixer control {label(setting)}: {what}")


def missing(setting: MixerSetting, known: Collection[tuple[str, int]], card_id: str) -> str:
    """What is said of a control that is not there, of a mixer with the controls (name, index) that are."""
    indices = sorted(index for name, index in known if name == setting.control)
    near = difflib.get_close_matches(setting.control, {name for name, _ in known}, n=1)
    if indices:
        hint = f"of that name it has index {', '.join(map(str, indices))}"
    elif near:
        hint = f'did you mean "{near[0]}"?'
    else:
        hint = f"`amixer -D hw:CARD={card_id} scontrols` lists what is" if known else "the card has no mixer controls"
    return f"wanted {_wanted(setting)}, it is not there; {hint}"


_GONE = {errno.ENODEV, errno.ENOENT, errno.ENXIO}
_DENIED = {errno.EACCES, errno.EPERM}


def unreachable(card_id: str, code: int, explanation: str) -> str:
    """What is said of a mixer that does not answer, by errno and what else libasound said."""
    said = one_line(f"{os.strerror(code)}; {explanation}" if explanation else os.strerror(code))
    if code in _GONE:
        return f"card {card_id}: its mixer is not there, and is set when the card is opened again ({said})"
    if code in _DENIED:
        return (
            f"card {card_id}: no permission for its mixer; add this user to group `audio`, or "
            f"`DeviceAllow=char-alsa rw` to the systemd unit ({said})"
        )
    return (
        f"card {card_id}: its mixer does not answer; `amixer -D hw:CARD={card_id}` shows whether it does now ({said})"
    )


def _wanted(setting: MixerSetting) -> str:
    if setting.choice is not None:
        return _shown([setting.choice])
    if setting.switch is not None:
        return _shown([setting.switch])
    if setting.db is not None:
        return f"{setting.db:g} dB"
    return str(setting.raw) if setting.raw is not None else f"{setting.percent} %"


def _shown(values: Iterable[Value]) -> str:
    """`40`; `40/52` where channels differ."""
    texts = [_shown_one(value) for value in values]
    return "/".join(texts if len(set(texts)) > 1 else texts[:1]) or "nothing"


def _shown_one(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f'"{value}"' if isinstance(value, str) else str(value)


# What mutes a microphone

_WHOLE_PATH = re.compile(r"\b(capture|adc|pga|master)\b", re.IGNORECASE)
"""Controls of such names stand behind every microphone of a card."""
_MICROPHONE = re.compile(r"\b(mic|mics|microphone|headset)\d*\b", re.IGNORECASE)


def muting(controls: Mapping[str, Control]) -> str:
    """The control that mutes the microphone, of a card's controls that have a capture side; empty if none does.

    Which of them lead to the microphone is not known, so names must do. In this order: a control of the whole path
    whose capture switch is off; the first of the microphones, if they have switches and all are off; the card's only
    capture switch, off; the card's only capture volume, at its very bottom. Off means: on all channels.
    """
    off = {name: not any(control.switches[Side.CAPTURE]) for name, control in _with_switch(controls)}
    whole = [name for name in off if _WHOLE_PATH.search(name) and off[name]]
    microphones = [name for name in off if _MICROPHONE.search(name)]
    if whole:
        return whole[0]
    if microphones and all(off[name] for name in microphones):
        return microphones[0]
    if len(off) == 1 and all(off.values()):
        return next(iter(off))
    volumes = {name: control.volumes[Side.CAPTURE] for name, control in _with_volume(controls)}
    if len(volumes) == 1:
        [(name, volume)] = volumes.items()
        return name if volume.high > volume.low and set(volume.values) == {volume.low} else ""
    return ""


def _with_switch(controls: Mapping[str, Control]) -> list[tuple[str, Control]]:
    return [(name, control) for name, control in controls.items() if Side.CAPTURE in control.switches]


def _with_volume(controls: Mapping[str, Control]) -> list[tuple[str, Control]]:
    return [(name, control) for name, control in controls.items() if Side.CAPTURE in control.volumes]
