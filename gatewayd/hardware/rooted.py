"""Files below a root that stands for `/`: of this device, of a dump that somebody sent in, of a test.

Nothing outside the root is ever looked at, whatever its symbolic links say; nothing read is larger than asked for; what
cannot be read is told instead of raised.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from gatewayd.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

_LINKS_MAX = 40
"""Symbolic links followed on the way to one file, as many as Linux itself follows (path_resolution(7))."""
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO)
"""What a file says that is not there, or went away together with its device."""
_ENTRIES_MAX = 4096
"""Entries read of one folder; /sys/class/sound has a handful for each card."""


class Root:
    """Reads below `path`, for one look: places are written as they are on the device, `/proc/asound/cards`.

    What links say is remembered, so a later look takes a new one.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path.absolute()).rstrip("/")
        self.problems: list[str] = []
        """What was there and could not be read, a line each."""
        self._links: dict[str, str] = {}
        """What was found of each place on the way: most ways begin alike."""

    def find(self, place: str) -> str | None:
        """The place that `place` leads to once all its links are followed, inside the root; None if nothing is there.

        A link to `/sys/x` leads to `/sys/x` below the root; `..` at the top stays there.
        """
        found = self._follow(place)
        if found is None:
            return None
        try:
            os.lstat(self._real(found))
        except OSError as error:
            self._note(place, error)
            return None
        return found

    def _follow(self, place: str) -> str | None:
        """Where `place` leads, whether something is there or not; None where its links do not end."""
        found: list[str] = []
        parts = _steps(place)
        links = 0
        while parts:
            part = parts.pop()
            if part == "..":
                del found[-1:]
                continue
            target = self._link("/".join(["", *found, part]))
            if not target:
                found.append(part)
                continue
            links += 1
            if links > _LINKS_MAX:
                self.problem(place, "its symbolic links lead round and round")
                return None
            if target.startswith("/"):
                found = []
            parts += _steps(target)
        return "/" + "/".join(found)

    def link_name(self, place: str) -> str:
        """The last part of what a symbolic link says, whether that is there or not; empty where it is no link."""
        folder, _, name = place.rpartition("/")
        found = self._follow(folder)
        return "" if found is None else self._link(f"{found}/{name}").rpartition("/")[2]

    def read(self, place: str, size_max: int) -> str | None:
        """The text of a file of at most `size_max` bytes; None where it is missing or cannot be read."""
        found = self.find(place)
        if found is None:
            return None
        try:
            # Not waiting for a writer, should there be a FIFO.
            descriptor = os.open(self._real(found), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    self.problem(place, "is no regular file")
                    return None
                content = _read(descriptor, size_max + 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._note(place, error)
            return None
        if len(content) > size_max:
            self.problem(place, f"is larger than {size_max} bytes, and was not read")
            return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            self.problem(place, "is not UTF-8; what is not was replaced")
            return content.decode(errors="replace")

    def names(self, place: str) -> tuple[str, ...]:
        """What a folder holds, sorted; nothing where it is missing or cannot be read."""
        found = self.find(place)
        if found is None:
            return ()
        try:
            with os.scandir(self._real(found)) as entries:
                return tuple(sorted(entry.name for entry, _ in zip(entries, range(_ENTRIES_MAX), strict=False)))
        except OSError as error:
            self._note(place, error)
            return ()

    def problem(self, place: str, what: str) -> None:
        """Note what is wrong with a file."""
        line = one_line(f"{place}: {what}")
        if line not in self.problems:
            self.problems.append(line)

    def _link(self, place: str) -> str:
        """What a symbolic link says; empty where it is none, or not there."""
        if place not in self._links:
            try:
                self._links[place] = os.readlink(self._real(place))  # noqa: PTH115 - a Path takes longer than the call
            except OSError:
                self._links[place] = ""
        return self._links[place]

    def _real(self, place: str) -> str:
        return f"{self._path}{place}"

    def _note(self, place: str, error: OSError) -> None:
        if error.errno not in _GONE:
            self.problem(place, f"cannot be read: {error.strerror}")


def _steps(place: str) -> list[str]:
    """The parts of a place, the first one last."""
    return [part for part in reversed(place.split("/")) if part not in ("", ".")]


def _read(descriptor: int, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = os.read(descriptor, size - len(content))
        if not piece:
            break
        content += piece
    return content
