"""What libasound's error texts mean, and what a person can do about each.

pyalsaaudio hands on only the text of `strerror`, so that is what is recognised, by asking `strerror` again: it speaks
the same language in both places.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceLost, DeviceMissing, DeviceRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    _Meanings: TypeAlias = Mapping[int, tuple[type[DeviceError], str]]

_MISSING = (DeviceMissing, "no such device; `gatewayd devices` lists what is there")
_BUSY = (DeviceBusy, "another program holds it; `fuser -v /dev/snd/*` as root shows which")
_WHILE_OPENING: _Meanings = {
    errno.ENOENT: _MISSING,
    errno.ENODEV: _MISSING,
    errno.ENXIO: _MISSING,
    errno.EBUSY: _BUSY,
    errno.EAGAIN: _BUSY,
    errno.EACCES: (DeviceDenied, "no permission; add this user to group `audio`: `usermod -aG audio USER`"),
    errno.EPERM: (DeviceDenied, "no permission; the systemd unit needs `DeviceAllow=char-alsa rw`"),
    errno.EINVAL: (DeviceRefused, "it cannot do what was asked; `gatewayd devices` lists what it can"),
}
_SOUND_SERVER = "a sound server takes every card: the udev property"
_PULSEAUDIO = (
    f"{_SOUND_SERVER} PULSE_IGNORE=1 keeps it off this one, `systemctl --user mask --now pulseaudio.socket "
    "pulseaudio.service` stops it for good"
)
_PIPEWIRE = (
    f"{_SOUND_SERVER} ACP_IGNORE=1 keeps it off this one, `systemctl --user mask --now pipewire.socket "
    "pipewire.service wireplumber.service` stops it for good"
)
_HOLDERS: Sequence[tuple[tuple[str, ...], str]] = (
    (("gatewayd itself",), "another station uses it: give each station a device of its own"),
    (("gatewayd",), "stop that one first; the service by `systemctl stop gatewayd`"),
    (("pulseaudio",), _PULSEAUDIO),
    (("pipewire", "wireplumber"), _PIPEWIRE),
    (("",), "stop it, or give gatewayd another device"),
)
"""How a device is got back from whom; the first that the holder's name begins with."""
_UNPLUGGED = (DeviceLost, "it was unplugged, or its driver let go of it")
_WHILE_OPEN: _Meanings = {
    errno.ENODEV: _UNPLUGGED,
    errno.EBADFD: _UNPLUGGED,
    errno.EIO: (DeviceLost, "its driver reports a failed transfer"),
    errno.ESTRPIPE: (DeviceLost, "it was suspended"),
}


def opening_failure(device: str, text: str, explanation: str, *, holder: str = "", group: str = "") -> DeviceError:
    """The error for a device that did not open: `text` is `strerror`'s, `explanation` what else libasound said.

    `holder` is who has it open, `group` who may open it (`hardware.occupants` knows); empty: not known.
    """
    error = _failure(_WHILE_OPENING, device, text, explanation)
    if isinstance(error, DeviceBusy) and holder:
        advice = next(advice for names, advice in _HOLDERS if holder.startswith(names))
        return DeviceBusy(device, f"{holder} holds it; {advice} ({_said(text, explanation)})")
    if text == os.strerror(errno.EACCES) and group:
        return DeviceDenied(device, f"no permission; {_way_in(group)} ({_said(text, explanation)})")
    return error


def stream_failure(device: str, text: str, explanation: str) -> DeviceError:
    """The error for an open stream that failed: always `DeviceLost`, whatever the text."""
    return _failure(_WHILE_OPEN, device, text, explanation)


def _failure(meanings: _Meanings, device: str, text: str, explanation: str) -> DeviceError:
    said = _said(text, explanation)
    for code, (kind, meaning) in meanings.items():
        if text == os.strerror(code):
            return kind(device, f"{meaning} ({said})")
    return DeviceLost(device, f"it failed ({said})")


def _way_in(group: str) -> str:
    if group == "root":
        return "it is for root alone: a udev rule gives sound devices to group `audio`, and has not run for this one"
    return f"add this user to group `{group}` (`usermod -aG {group} USER`), then start gatewayd anew"


def _said(text: str, explanation: str) -> str:
    return f"{text}; {explanation}" if explanation else text
