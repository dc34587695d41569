"""Whether it is for lack of permission that libasound does not find a card.

libasound looks for a card by opening the control node of one after the other, and passes over those it may not open.
Without the group of the nodes, a card that /proc/asound lists is therefore "No such device", and by its number "No such
file or directory" (seen with libasound 1.2.8 on Linux 6.1). The node itself tells the truth.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_CARD_ID = re.compile(r"[A-Za-z0-9_-]{1,15}")
_CARD_FOLDER = re.compile(r"card([0-9]{1,3})")


def denial(card: str, root: Path = Path("/")) -> int:
    """The errno with which the control node of `card`, its id or number, refuses this process: EACCES or EPERM.

    0 if it does not refuse, or there is no such card. /proc and /dev are looked for under `root`. Waits for nobody.
    """
    number = _number(card, root)
    if number is None:
        return 0
    try:
        node = os.open(root / f"dev/snd/controlC{number}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        return error.errno or 0
    except OSError:
        return 0
    os.close(node)
    return 0


def _number(card: str, root: Path) -> str | None:
    """The number of a card: /proc/asound has a link from its id to its folder."""
    if not _CARD_ID.fullmatch(card):
        return None
    if card.isdecimal():
        return card
    try:
        found = _CARD_FOLDER.fullmatch(str((root / "proc/asound" / card).readlink()))
    except OSError:
        return None
    return found[1] if found else None
