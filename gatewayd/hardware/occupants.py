"""Who has a sound device open, and which group may open it, as the kernel tells in files.

Nothing here raises: what cannot be read is not known, and a message says so much less.
"""

from __future__ import annotations

import grp
import os
import re
from pathlib import Path

from gatewayd.lean import dataclass
from gatewayd.text import one_line

OWN_NAME = "gatewayd itself"
"""How this very process is named as a holder."""
FILE_BYTES_MAX = 4096
"""No file read here is longer; what follows is not looked at."""
SUBDEVICES_MAX = 32
"""More than drivers give to one device."""

_ARGUMENTS = ("CARD", "DEV", "SUBDEV")
"""Of `hw` and its kin, in the order in which they may stand without their names."""
_CARD_FOLDER = re.compile(r"card[0-9]{1,3}")
_OWNER = re.compile(r"^owner_pid[ \t]*:[ \t]*([0-9]{1,10})[ \t]*$", re.MULTILINE)
_THREAD_GROUP = re.compile(r"^Tgid:[ \t]*([0-9]{1,10})[ \t]*$", re.MULTILINE)
_INTERPRETERS = re.compile(r"python[0-9.]*|perl|ruby|node|java|bash|dash|sh")


@dataclass(frozen=True)
class _Address:
    """Where in a card a PCM is; `subdevice` None: any."""

    card: int
    device: int
    subdevice: int | None


def holder_of(device: str, *, capture: bool, root: Path = Path("/")) -> str:
    """Who has `device` open, such as `pulseaudio (process 1234)`, several with commas; empty if nobody, or not known.

    `device` is an ALSA name with a card in it (`hw:CARD=Array,DEV=0`, `plughw:0,0`, `sysdefault:CARD=Array`). The name
    of a process of another user may be hidden (`ProtectProc=` of a unit); its number is not.
    """
    address = _address_of(device, root)
    if address is None:
        return ""
    folder = root / f"proc/asound/card{address.card}/pcm{address.device}{'c' if capture else 'p'}"
    numbers = range(SUBDEVICES_MAX) if address.subdevice is None else (address.subdevice,)
    owners = (owner_in(_read(folder / f"sub{number}/status")) for number in numbers)
    return ", ".join(dict.fromkeys(_process(owner, root) for owner in owners if owner is not None))


def group_of(device: str, *, capture: bool, root: Path = Path("/")) -> str:
    """The group of the node that opening `device` opens, by name or else number; empty if not known."""
    address = _address_of(device, root)
    if address is None:
        return ""
    node = root / f"dev/snd/pcmC{address.card}D{address.device}{'c' if capture else 'p'}"
    try:
        number = node.stat().st_gid
    except OSError:
        return ""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def card_of(device: str, root: Path = Path("/")) -> int | None:
    """The number of the card that `device` is on, as the files under `root` have it; None: none, or not there."""
    address = _address_of(device, root)
    return address.card if address is not None else None


def owner_in(status: str) -> int | None:
    """The task that a subdevice's `status` file names as its owner; None if it is closed, or the file says nothing.

    0 is a task that this process cannot see, such as one outside of its container.
    """
    found = _OWNER.search(status)
    return int(found[1]) if found else None


def _process(task: int, root: Path) -> str:
    """The process of a task: ALSA knows only which thread opened it."""
    if task == 0:
        return "a process outside of this container"
    found = _THREAD_GROUP.search(_read(root / f"proc/{task}/status"))
    number = int(found[1]) if found else task
    if number == os.getpid():
        return OWN_NAME
    name = _name(root / f"proc/{number}")
    return f"{name} (process {number})" if name else f"process {number}"


def _name(process: Path) -> str:
    """The program that runs, with an interpreter's script; never more of the command line, as it may hold secrets."""
    name = _read(process / "comm").strip()
    if _INTERPRETERS.fullmatch(name):
        first, _, _ = _read(process / "cmdline").partition("\0")[2].partition("\0")
        if first and not first.startswith("-"):
            name = f"{name} {first.rpartition('/')[2]}"
    return one_line(name)


def _address_of(device: str, root: Path) -> _Address | None:
    _, _, arguments = device.partition(":")
    given = {"DEV": "0", "SUBDEV": ""}
    for name, argument in zip(_ARGUMENTS, arguments.split(","), strict=False):
        key, equals, value = argument.strip().partition("=")
        given.update({key: value} if equals else {name: key})
    card, number, subdevice = _card(given.get("CARD", ""), root), _number(given["DEV"]), _number(given["SUBDEV"])
    if card is None or number is None:
        return None
    return _Address(card, number, subdevice)


def _card(name: str, root: Path) -> int | None:
    number = _number(name)
    if number is not None or not name:
        return number
    for folder in _card_folders(root):
        if _read(folder / "id").strip() == name:
            return int(folder.name.removeprefix("card"))
    return None


def _card_folders(root: Path) -> list[Path]:
    try:
        return [entry for entry in (root / "proc/asound").iterdir() if _CARD_FOLDER.fullmatch(entry.name)]
    except OSError:
        return []


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else None


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX).decode(errors="replace")
    except (OSError, ValueError):  # ValueError: a name that is no path
        return ""
