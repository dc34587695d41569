"""A support bundle as a file: a .tar.gz with a manifest of what is in it, what is not, and what never is."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO

from gatewayd.lean import dataclass
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "gatewayd-bundle"
MANIFEST = "manifest.json"
FILE_BYTES_MAX = 8 * 1024 * 1024
"""Of one file in it; what is longer is cut."""
BYTES_MAX = 24 * 1024 * 1024
"""Of all files together, unpacked: a bundle is to fit into a mail, and into the memory of a small device."""
NEVER = (
    "sound",
    "tokens",
    "keys and credentials",
    "certificates",
    "environment variables",
    "serial numbers",
)


@dataclass
class Bundle:
    """What goes into the archive; names are relative, `doctor.json`."""

    made_at: str
    version: str
    _files: dict[str, bytes] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)
    _folders: list[str] = field(default_factory=list)
    _contents: list[dict[str, object]] = field(default_factory=list)
    _missing: list[dict[str, str]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, name: str, content: bytes, what: str, *, listed: bool = True) -> None:
        """Put a file in, cut where it is too long; `what` tells people what it is."""
        room = max(min(FILE_BYTES_MAX, BYTES_MAX - self._bytes), 0)
        kept = content[:room]
        self._files[name] = kept
        self._bytes += len(kept)
        if listed:
            self.list(name, len(kept), what, cut=len(kept) < len(content))

    def link(self, name: str, target: str) -> None:
        """Put a symbolic link in."""
        self._links[name] = target

    def folder(self, name: str) -> None:
        """Put an empty folder in."""
        self._folders.append(name)

    def list(self, name: str, size: int, what: str, *, cut: bool = False) -> None:
        """Tell of something that is in it."""
        self._contents.append({"name": name, "bytes": size, "what": what, "cut": cut})

    def miss(self, name: str, why: str) -> None:
        """Tell of something that could not be had."""
        self._missing.append({"name": name, "why": one_line(why)})

    @property
    def missing(self) -> Sequence[dict[str, str]]:
        """What could not be had, each with why."""
        return self._missing

    @property
    def names(self) -> Sequence[str]:
        """The files in it, besides the manifest."""
        return list(self._files)

    def manifest(self) -> dict[str, object]:
        """What is in it, what is not, and what never is."""
        return {
            "made_at": self.made_at,
            "version": self.version,
            "contents": self._contents,
            "missing": self._missing,
            "never": list(NEVER),
        }

    def write(self, stream: BinaryIO) -> None:
        """Write the archive; raises `OSError` as the stream does."""
        manifest = (json.dumps(self.manifest(), indent=2) + "\n").encode()
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, content in {MANIFEST: manifest, **self._files}.items():
                _add(archive, name, tarfile.REGTYPE, content=content)
            for name in dict.fromkeys(self._folders):
                _add(archive, name, tarfile.DIRTYPE)
            for name, target in self._links.items():
                _add(archive, name, tarfile.SYMTYPE, target=target)


def _add(archive: tarfile.TarFile, name: str, kind: bytes, *, content: bytes = b"", target: str = "") -> None:
    entry = tarfile.TarInfo(f"{FOLDER}/{name}")
    entry.type = kind
    entry.size = len(content)
    entry.linkname = target
    entry.mode = 0o700 if kind == tarfile.DIRTYPE else 0o600
    archive.addfile(entry, io.BytesIO(content))
