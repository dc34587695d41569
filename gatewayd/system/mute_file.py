"""A mute that survives a restart: a file that is there, or not."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

DEFAULT_DIRECTORY = Path("/var/lib/gatewayd")


def state_directory() -> Path:
    """Where the daemon may keep state: as systemd says (`StateDirectory=`, systemd.exec(5)), else the usual place."""
    return Path(os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or DEFAULT_DIRECTORY)


class MuteFile:
    """`NAME.muted` in `directory`, as `seams.muting.MuteStore` wants it. Nothing is ever half written."""

    def __init__(self, directory: Path, station: str) -> None:
        self._path = directory / f"{station}.muted"

    def read(self) -> bool:
        """Whether the file is there."""
        try:
            self._path.lstat()
        except FileNotFoundError:
            return False
        return True

    def write(self, *, muted: bool) -> None:
        """Make the file or remove it, and have the disk know."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if muted:
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        else:
            self._path.unlink(missing_ok=True)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
