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
    from collections.abc import Mapping
    from typing import TypeAlias

    _Meanings: TypeAlias = Mapping[int, tuple[type[DeviceError], str]]

_MISSING = (DeviceMissing, "no such device; `cat /proc/asound/cards` lists what is there")
_BUSY = (DeviceBusy, "another program holds it; `fuser -v /dev/snd/*` as root shows which")
_WHILE_OPENING: _Meanings = {
    errno.ENOENT: _MISSING,
    errno.ENODEV: _MISSING,
    errno.ENXIO: _MISSING,
    errno.EBUSY: _BUSY,
    errno.EAGAIN: _BUSY,
    errno.EACCES: (DeviceDenied, "no permission; add this user to group `audio`: `usermod -aG audio USER`"),
    errno.EPERM: (DeviceDenied, "no permission; the systemd unit needs `DeviceAllow=char-alsa rw`"),
    errno.EINVAL: (
        DeviceRefused,
        "it cannot do what was asked; `arecord --dump-hw-params` (`aplay` for playback) lists what it can",
    ),
}
_UNPLUGGED = (DeviceLost, "it was unplugged, or its driver let go of it")
_WHILE_OPEN: _Meanings = {
    errno.ENODEV: _UNPLUGGED,
    errno.EBADFD: _UNPLUGGED,
    errno.EIO: (DeviceLost, "its driver reports a failed transfer"),
    errno.ESTRPIPE: (DeviceLost, "it was suspended"),
}


def opening_failure(device: str, text: str, explanation: str) -> DeviceError:
    """The error for a device that did not open: `text` is `strerror`'s, `explanation` what else libasound said."""
    return _failure(_WHILE_OPENING, device, text, explanation)


def stream_failure(device: str, text: str, explanation: str) -> DeviceError:
    """The error for an open stream that failed: always `DeviceLost`, whatever the text."""
    return _failure(_WHILE_OPEN, device, text, explanation)


def _failure(meanings: _Meanings, device: str, text: str, explanation: str) -> DeviceError:
    said = f"{text}; {explanation}" if explanation else text
    for code, (kind, meaning) in meanings.items():
        if text == os.strerror(code):
            return kind(device, f"{meaning} ({said})")
    return DeviceLost(device, f"it failed ({said})")
