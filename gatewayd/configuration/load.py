"""Reads a configuration: one file and the drop-ins in `conf.d` beside it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from gatewayd.configuration.entries import Source
from gatewayd.configuration.parse import parse
from gatewayd.configuration.report import Report
from gatewayd.configuration.toml import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewayd.configuration.model import Configuration

DROP_INS = "conf.d"


def load(path: Path) -> Configuration:
    """Read and validate the file at `path` and its drop-ins, `conf.d/*.toml` beside it, in the order of their names.

    Raises `ConfigurationInvalid` with all problems at once, each naming the file its key came from.
    """
    report = Report()
    drop_ins = toml_files(path.parent / DROP_INS, report)
    return parse(read_sources([path, *drop_ins], report), report)


def toml_files(directory: Path, report: Report) -> list[Path]:
    """The `*.toml` files of `directory` in the order of their names; none where it does not exist.

    Hidden files are left out: they are an editor's.
    """
    try:
        return sorted(file for file in directory.iterdir() if file.suffix == ".toml" and not file.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        report.add_file(str(directory), f"cannot be listed: {_reason(error)}")
        return []


def read_sources(paths: Iterable[Path], report: Report) -> list[Source]:
    """The files that can be read; `report` gets the others."""
    return [source for path in paths if (source := _source(path, report))]


def _source(path: Path, report: Report) -> Source | None:
    try:
        return Source(str(path), _content(path))
    except (OSError, ValueError) as error:
        report.add_file(str(path), f"cannot be read: {_reason(error)}")
        return None


def _content(path: Path) -> bytes:
    """One byte more than is allowed at most; only of a regular file, as a pipe or device may never end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a directory; name the file in it")
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "permission denied; the user that runs gatewayd must be able to read it"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "its name holds a NUL character"
