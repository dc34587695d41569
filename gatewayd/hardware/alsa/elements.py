"""What pyalsaaudio's Mixer leaves out of libasound's simple mixer: a safe list, decibels, all capture sides at once.

Through ctypes, with one handle that is closed before each function returns. Why pyalsaaudio will not do is told in
`mixer`.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from gatewayd.hardware.mixing import Control, Decibels, Volume
from gatewayd.hardware.settings import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEAREST = 0
"""How a volume between two steps is rounded: neither always up nor always down."""
_CHANNELS = range(32)
"""`SND_MIXER_SCHN_LAST` is 31."""
_LONG = ctypes.POINTER(ctypes.c_long)
_FUNCTIONS: dict[str, list[Any]] = {
    "snd_mixer_open": [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int],
    "snd_mixer_attach": [ctypes.c_void_p, ctypes.c_char_p],
    "snd_mixer_selem_register": [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p],
    "snd_mixer_load": [ctypes.c_void_p],
    "snd_mixer_close": [ctypes.c_void_p],
    "snd_mixer_first_elem": [ctypes.c_void_p],
    "snd_mixer_elem_next": [ctypes.c_void_p],
    "snd_mixer_selem_get_name": [ctypes.c_void_p],
    "snd_mixer_selem_get_index": [ctypes.c_void_p],
    "snd_mixer_selem_has_common_switch": [ctypes.c_void_p],
    "snd_mixer_selem_has_common_volume": [ctypes.c_void_p],
    "snd_mixer_selem_has_capture_switch": [ctypes.c_void_p],
    "snd_mixer_selem_has_capture_volume": [ctypes.c_void_p],
    "snd_mixer_selem_has_capture_channel": [ctypes.c_void_p, ctypes.c_int],
    "snd_mixer_selem_get_capture_switch": [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)],
    "snd_mixer_selem_get_capture_volume": [ctypes.c_void_p, ctypes.c_int, _LONG],
    "snd_mixer_selem_get_capture_volume_range": [ctypes.c_void_p, _LONG, _LONG],
}
_DECIBEL_FUNCTIONS: dict[str, list[Any]] = {
    "get_{}_dB_range": [ctypes.c_void_p, _LONG, _LONG],
    "ask_{}_dB_vol": [ctypes.c_void_p, ctypes.c_long, ctypes.c_int, _LONG],
}


Element: TypeAlias = tuple[str, int]
"""A control's name and index, as `amixer scontrols` lists them.

What is not UTF-8 in a name is replaced, so such a control can be shown and not be set.
"""


def elements(device: str) -> list[Element]:
    """The controls of a mixer, in libasound's order. Raises `OSError` when it cannot be opened or read."""
    with _loaded(device) as handle:
        return [_element(pointer) for pointer in _all(handle)]


def capture_sides(device: str) -> dict[Element, Control]:
    """The capture switch and volume, where they are capture's alone, of each control that has one.

    Raises `OSError` as `elements` does.
    """
    with _loaded(device) as handle:
        sides = {_element(pointer): _capture_side(pointer) for pointer in _all(handle)}
    return {element: side for element, side in sides.items() if side.switches or side.volumes}


def decibels(device: str, name: str, index: int, side: Side, wanted_db: float) -> Decibels | None:
    """Where a volume lies on a control's scale; None where it has no scale, or is not there.

    Raises `OSError` as `elements` does.
    """
    library = _library()
    low, high, raw = ctypes.c_long(), ctypes.c_long(), ctypes.c_long()
    with _loaded(device) as handle:
        for pointer in _all(handle):
            if _element(pointer) != (name, index):
                continue
            ask = getattr(library, f"snd_mixer_selem_ask_{side.value}_dB_vol")
            get_range = getattr(library, f"snd_mixer_selem_get_{side.value}_dB_range")
            failed = get_range(pointer, ctypes.byref(low), ctypes.byref(high)) < 0
            failed = failed or ask(pointer, round(100 * wanted_db), _NEAREST, ctypes.byref(raw)) < 0
            return None if failed else Decibels(raw.value, low.value / 100, high.value / 100)
    return None


def _element(pointer: int) -> Element:
    library = _library()
    name: bytes = library.snd_mixer_selem_get_name(pointer)
    return name.decode(errors="replace"), library.snd_mixer_selem_get_index(pointer)


def _capture_side(pointer: int) -> Control:
    has_channel = _library().snd_mixer_selem_has_capture_channel
    channels = [channel for channel in _CHANNELS if has_channel(pointer, channel)]
    volumes = {Side.CAPTURE: _capture_volume(pointer, channels)} if _has(pointer, "volume") else {}
    switches = {Side.CAPTURE: _capture_switch(pointer, channels)} if _has(pointer, "switch") else {}
    return Control(volumes, switches)


def _capture_volume(pointer: int, channels: list[int]) -> Volume:
    library = _library()
    low, high, step = ctypes.c_long(), ctypes.c_long(), ctypes.c_long()
    library.snd_mixer_selem_get_capture_volume_range(pointer, ctypes.byref(low), ctypes.byref(high))
    steps = []
    for channel in channels:
        library.snd_mixer_selem_get_capture_volume(pointer, channel, ctypes.byref(step))
        steps.append(step.value)
    return Volume(low.value, high.value, tuple(steps))


def _capture_switch(pointer: int, channels: list[int]) -> tuple[bool, ...]:
    on, switches = ctypes.c_int(), []
    for channel in channels:
        _library().snd_mixer_selem_get_capture_switch(pointer, channel, ctypes.byref(on))
        switches.append(bool(on.value))
    return tuple(switches)


def _has(pointer: int, kind: str) -> bool:
    """Whether it has a capture switch, or volume, that is not playback's too."""
    library = _library()
    if not getattr(library, f"snd_mixer_selem_has_capture_{kind}")(pointer):
        return False
    return not getattr(library, f"snd_mixer_selem_has_common_{kind}")(pointer)


def _all(handle: ctypes.c_void_p) -> Iterator[int]:
    library = _library()
    pointer = library.snd_mixer_first_elem(handle)
    while pointer:
        yield pointer
        pointer = library.snd_mixer_elem_next(pointer)


@contextmanager
def _loaded(device: str) -> Iterator[ctypes.c_void_p]:
    library = _library()
    handle = ctypes.c_void_p()
    _checked(library.snd_mixer_open(ctypes.byref(handle), 0))
    try:
        _checked(library.snd_mixer_attach(handle, device.encode()))
        _checked(library.snd_mixer_selem_register(handle, None, None))
        _checked(library.snd_mixer_load(handle))
        yield handle
    finally:
        library.snd_mixer_close(handle)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))


@cache
def _library() -> Any:
    library = ctypes.CDLL("libasound.so.2")
    for name, arguments in _FUNCTIONS.items():
        getattr(library, name).argtypes = arguments
    for name, arguments in _DECIBEL_FUNCTIONS.items():
        for side in Side:
            getattr(library, f"snd_mixer_selem_{name.format(side.value)}").argtypes = arguments
    library.snd_mixer_selem_get_name.restype = ctypes.c_char_p
    for name in ("snd_mixer_first_elem", "snd_mixer_elem_next"):
        getattr(library, name).restype = ctypes.c_void_p
    return library
