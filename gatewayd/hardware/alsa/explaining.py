"""Why a device did not open: libasound's words, and what the files of the system know besides."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from gatewayd.hardware.alsa import libasound
from gatewayd.hardware.alsa.denial import denial
from gatewayd.hardware.failures import opening_failure
from gatewayd.hardware.occupants import card_of, group_of, holder_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.errors import DeviceError


def why_not_opened(device: str, text: str, *, capture: bool, root: Path) -> DeviceError:
    """The error for a device that just failed to open, `text` being `strerror`'s; takes what libasound said."""
    return opening_failure(
        device,
        _really(text, device, root),
        libasound.take_messages(),
        holder=holder_of(device, capture=capture, root=root),
        group=group_of(device, capture=capture, root=root),
    )


def _really(text: str, device: str, root: Path) -> str:
    """What `strerror` would have said of the card's own node, where libasound did not find the card."""
    if text not in (os.strerror(errno.ENODEV), os.strerror(errno.ENOENT)):
        return text
    card = card_of(device, root)
    code = denial(str(card), root) if card is not None else 0
    return os.strerror(code) if code else text
