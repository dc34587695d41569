"""A card's mixer through ALSA's simple mixer interface and pyalsaaudio.

What shaped it, read in the source of pyalsaaudio 0.11 or seen with libasound 1.2.8:

* A `Mixer` is one control; each opens the whole card's mixer anew and reads every control of it: 0.3 ms for fifteen
  controls of the software card. One control that cannot be read makes the whole mixer fail, and each time that it
  does libasound loses 64 bytes for each control: nothing for an opening now and then, too much for every second.
* `setvolume`, `setrec` and `setmute` drop every error of libasound, and the same object then reads back what was asked
  for, not what the driver took. So it is read back from a new one.
* libasound writes only a channel's value that differs from what it read. Nothing here counts on it.
* `getrange` and `getvolume` give what happened to lie in memory for a side or a decibel scale that a control does not
  have. `volumecap` is asked before, and decibels never: see `elements`.
* `setvolume` takes whole numbers only, so percent and decibels are turned into the driver's steps here.
* `getmute` and `setmute` are the playback switch, the other way round; `getrec` and `setrec` the capture switch.
* `getenum` and `setenum` know the first channel of an enumeration; the others, which few have, keep what they have.
  A text that is no UTF-8 makes `getenum` raise `SystemError`.
* `mixers()` ends the process with a segmentation fault over a control's name that is no UTF-8, which a USB device's
  own name, cut off by the kernel in the middle of a character, can be; and gives no index. Hence `elements`.
* A `Mixer` that does not open loses 128 bytes. Hence `elements` before, which tells the same with its errno.

Opening a mixer waits for nobody. Reading and writing wait for the driver: microseconds for what the kernel has cached,
which is nearly all; for a USB device that no longer answers up to 5 s a request, the kernel's own limit
(USB_CTRL_GET_TIMEOUT); for a card that is suspended, until it is resumed. The whole process waits meanwhile.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alsaaudio

from gatewayd.hardware import mixing
from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.alsa.denial import denial
from gatewayd.hardware.alsa.elements import capture_sides, decibels, elements
from gatewayd.hardware.mixing import Control, Target, Volume
from gatewayd.hardware.settings import Side
from gatewayd.seams.hardware import MixerReport
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.hardware.alsa.elements import Element
    from gatewayd.hardware.mixing import Decibels
    from gatewayd.hardware.settings import MixerSetting

_PCM_TYPES = {Side.CAPTURE: alsaaudio.PCM_CAPTURE, Side.PLAYBACK: alsaaudio.PCM_PLAYBACK}
_RAW = alsaaudio.VOLUME_UNITS_RAW


class AlsaMixer:
    """The mixers of all cards, by their ids. Keeps nothing open between calls.

    `root` is where /proc and /dev are looked for when a mixer does not open; libasound itself knows no such root.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def apply(self, card_id: str, settings: Sequence[MixerSetting]) -> MixerReport:
        """See `seams.hardware.Mixer`.

        Each setting is a step of its own: what cannot be set is reported and the next one set. A card that goes
        meanwhile ends it, with one line.
        """
        if not settings:
            return MixerReport()
        libasound.collect_messages()
        libasound.take_messages()
        changed: list[str] = []
        problems: list[str] = []
        try:
            known = elements(_device(card_id))
            for setting in settings:
                change, problem = _apply(card_id, setting, known)
                changed += [change] if change else []
                problems += [mixing.about(card_id, setting, problem)] if problem else []
        except OSError as error:
            code = denial(card_id, self._root) or error.errno or 0
            problems.append(mixing.unreachable(card_id, code, libasound.take_messages()))
        return MixerReport(tuple(changed), tuple(problems))

    def capture_switched_off(self, card_id: str) -> str:
        """See `seams.hardware.Mixer`; which control counts is told at `mixing.muting`. Empty too for a card that is
        gone, or that this process may not ask.
        """
        libasound.collect_messages()
        try:
            sides = capture_sides(_device(card_id))
            return mixing.muting({_label(element): control for element, control in sides.items()})
        except OSError:
            return ""
        finally:
            libasound.take_messages()

    def controls(self, card_id: str) -> frozenset[str] | None:
        """Names of the simple mixer elements, as `amixer scontrols` prints them; None when the card cannot be asked."""
        libasound.collect_messages()
        try:
            return frozenset(name for name, _ in elements(_device(card_id)))
        except OSError:
            return None
        finally:
            libasound.take_messages()


def _apply(card_id: str, setting: MixerSetting, known: Sequence[Element]) -> tuple[str, str]:
    """Set one control; what changed, and what is wrong, each empty if nothing. Raises `OSError` for a card gone."""
    device = _device(card_id)
    if (setting.control, setting.index) not in known:
        return "", "" if setting.optional else mixing.missing(setting, known, card_id)

    def scale(side: Side, wanted_db: float) -> Decibels | None:
        return decibels(device, setting.control, setting.index, side, wanted_db)

    try:
        with closing(_open(device, setting.control, setting.index)) as mixer:
            before = _read(mixer)
            target = mixing.aim(setting, before, scale)
            if isinstance(target, str):
                return "", target
            if mixing.stands(before, target):
                return "", mixing.shortfall(setting, target, before, before)
            _write(mixer, before, target)
        with closing(_open(device, setting.control, setting.index)) as mixer:
            after = _read(mixer)
    except alsaaudio.ALSAAudioError as error:
        elements(device)  # which knows the errno
        return "", f"it could not be read or set; it is tried again when the card is opened anew ({error})"
    return mixing.change(setting, target, before, after), mixing.shortfall(setting, target, before, after)


def _device(card_id: str) -> str:
    return f"hw:CARD={card_id}"


def _label(element: Element) -> str:
    name, index = element
    return one_line(f"{name},{index}" if index else name)


def _open(device: str, name: str, index: int) -> Any:
    return alsaaudio.Mixer(control=name, id=index, device=device)


def _read(mixer: Any) -> Control:
    volumes, switches = mixer.volumecap(), mixer.switchcap()
    one_volume, one_switch = "Volume" in volumes, "Mute" in switches
    chosen, choices = _choices(mixer)
    return Control(
        {side: _volume(mixer, side) for side in Side if one_volume or f"{side.value.title()} Volume" in volumes},
        {side: _switch(mixer, side) for side in Side if one_switch or f"{side.value.title()} Mute" in switches},
        one_volume,
        one_switch,
        choices,
        chosen,
    )


def _volume(mixer: Any, side: Side) -> Volume:
    low, high = mixer.getrange(pcmtype=_PCM_TYPES[side], units=_RAW)
    return Volume(low, high, tuple(mixer.getvolume(pcmtype=_PCM_TYPES[side], units=_RAW)))


def _switch(mixer: Any, side: Side) -> tuple[bool, ...]:
    if side is Side.CAPTURE:
        return tuple(bool(on) for on in mixer.getrec())
    return tuple(not muted for muted in mixer.getmute())


def _choices(mixer: Any) -> tuple[str, tuple[str, ...]]:
    try:
        enumeration = mixer.getenum()
    except SystemError:  # a text that is no UTF-8
        return "", ()
    return (enumeration[0], tuple(enumeration[1])) if enumeration else ("", ())


def _write(mixer: Any, control: Control, target: Target) -> None:
    """Set all channels. Whether the driver took it shows when it is read back."""
    if target.side is None:
        with suppress(alsaaudio.ALSAAudioError):  # the others drop a driver's refusal by themselves
            mixer.setenum(control.choices.index(str(target.value)))
    elif not isinstance(target.value, bool):
        mixer.setvolume(target.value, pcmtype=_PCM_TYPES[target.side], units=_RAW)
    elif target.side is Side.CAPTURE:
        mixer.setrec(target.value)
    else:
        mixer.setmute(not target.value)
