"""A WAV file that is being written: valid at any time, whatever ends it."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, final

import trio

from gatewayd.audio.wav import DATA_BYTES_MAX, HEADER_BYTES, header, padding, stored_parameters, stored_samples
from gatewayd.cli.options import UsageError
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from types import TracebackType

    from gatewayd.audio.formats import StreamParameters

STDOUT = "-"
_PIPE_PORTION_BYTES = 4096
"""What a pipe that is writable takes without a wait (PIPE_BUF)."""


@final
class WavFile:
    """Writes samples of `parameters` into the file `name`, or to stdout for `-`; a context manager.

    An existing regular file is written over only with `force`. The header is brought up to date once a second of sound,
    so that even a killed recording can be played; a pipe gets one that leaves the length open. A file that got no sound
    is removed again, unless it was there before.
    """

    def __init__(
        self, name: str, parameters: StreamParameters, *, force: bool, bytes_max: int = DATA_BYTES_MAX
    ) -> None:
        self.name = "stdout" if name == STDOUT else name
        self.parameters = stored_parameters(parameters)
        self._source_format = parameters.format
        self._force = force
        self._bytes_max = bytes_max
        self._path = None if name == STDOUT else Path(name)
        self._descriptor = -1
        self._created = False
        self._mode = 0
        self._data_bytes = 0
        self._begun = False

    @property
    def seconds(self) -> float:
        """The length of what is in the file."""
        return self._data_bytes / self.parameters.frame_bytes / self.parameters.rate_hz

    def __enter__(self) -> WavFile:
        """Open, and change nothing yet. Raises `UsageError` for a file that is there already, and `Unavailable`."""
        try:
            self._open()
            self._mode = os.fstat(self._descriptor).st_mode
        except OSError as error:
            raise self._failure(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the file as far as it got. Raises `Unavailable` if not even that can be written."""
        try:
            if self._regular and self._data_bytes:
                os.ftruncate(self._descriptor, HEADER_BYTES + self._data_bytes)
                self._update_header()
                os.pwrite(self._descriptor, padding(self._data_bytes), HEADER_BYTES + self._data_bytes)
        except OSError as failure:
            raise self._failure(failure) from None
        finally:
            if self._path is not None:
                os.close(self._descriptor)
                if self._created and not self._data_bytes:
                    self._path.unlink(missing_ok=True)

    async def write(self, samples: bytes) -> None:
        """Append whole frames. Waits for the reader of a pipe, for as long as that takes; a disk is not waited for in
        a way that could be cancelled. Raises `Unavailable` when the file can take no more: what is in it stays.
        """
        data = stored_samples(samples, self._source_format)
        room = self._bytes_max - self._data_bytes if self._regular else len(data)
        whole = room - room % self.parameters.frame_bytes
        try:
            await self._append(data[:whole])
        except BrokenPipeError:
            raise
        except OSError as error:
            self._data_bytes -= self._data_bytes % self.parameters.frame_bytes
            raise self._failure(error) from None
        if whole < len(data):
            raise Unavailable(f"{self.name}: is full, as a WAV file holds no more than 4 GiB; go on in another one")

    async def _append(self, data: bytes) -> None:
        if not self._begun:
            if self._regular:
                os.ftruncate(self._descriptor, 0)
            self._begun = True
            rest = memoryview(header(self.parameters, 0 if self._regular else None))
            while rest:
                rest = rest[await self._write(rest) :]
        start = self._data_bytes
        rest = memoryview(data)
        while rest:
            written = await self._write(rest)
            self._data_bytes += written
            rest = rest[written:]
        per_second = self.parameters.rate_hz * self.parameters.frame_bytes
        if self._regular and self._data_bytes // per_second > start // per_second:
            self._update_header()

    async def _write(self, data: bytes | memoryview) -> int:
        if stat.S_ISFIFO(self._mode) or stat.S_ISSOCK(self._mode):
            await trio.lowlevel.wait_writable(self._descriptor)
            data = data[:_PIPE_PORTION_BYTES]
        return os.write(self._descriptor, data)

    def _open(self) -> None:
        if self._path is None:
            if sys.stdout is None:
                raise OSError(0, "stdout is closed")
            sys.stdout.flush()
            self._descriptor = sys.stdout.fileno()
            return
        if not self._force and self._path.is_file():
            raise UsageError(f"{self.name}: exists already; name another file, or give --force to write over it")
        with suppress(FileExistsError):
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            self._created = True
            return
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)

    @property
    def _regular(self) -> bool:
        return stat.S_ISREG(self._mode) and self._path is not None

    def _update_header(self) -> None:
        os.pwrite(self._descriptor, header(self.parameters, self._data_bytes), 0)

    def _failure(self, error: OSError) -> Unavailable:
        kept = f"; the {self.seconds:.2f} s before that are kept" if self._data_bytes else ""
        return Unavailable(f"{self.name}: cannot be written: {error.strerror or error}{kept}")
