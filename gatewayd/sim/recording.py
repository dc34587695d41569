"""What a session leaves on disk: both directions as WAV, a line per frame, and how it ended."""

from __future__ import annotations

import json
import wave
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING

from gatewayd.audio.formats import FRAME_MS, WIRE_RATE_HZ
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SYNC_FRAMES = 1000 // FRAME_MS
"""Headers and lines reach the disk once per second of sound: what a killed service may lose."""


class Recording:
    """Files of session NNNN in `directory`, which must exist; to be closed (`contextlib.closing`).

    `NNNN-heard.wav` and `NNNN-said.wav` hold the bytes of the binary messages one after the other, `NNNN-frames.csv`
    a line `direction,index,monotonic_ns,bytes` for each (index from 0 per direction, CLOCK_MONOTONIC), and
    `NNNN-session.json` the summary. The WAVs are valid at any time, so that a killed service leaves them usable.
    All raise `Unavailable` when a file cannot be written.
    """

    def __init__(self, directory: Path, number: int) -> None:
        self._directory = directory
        self._summary = directory / f"{number:04d}-session.json"
        self._files = ExitStack()
        with self._telling(), ExitStack() as opening:
            self._heard = opening.enter_context(closing(_WavFile(directory / f"{number:04d}-heard.wav")))
            self._said = opening.enter_context(closing(_WavFile(directory / f"{number:04d}-said.wav")))
            self._lines = opening.enter_context((directory / f"{number:04d}-frames.csv").open("w", encoding="ascii"))
            self._lines.write("direction,index,monotonic_ns,bytes\n")
            self._lines.flush()
            self._files = opening.pop_all()

    def close(self) -> None:
        """Finish all files."""
        with self._telling():
            self._files.close()

    def heard(self, monotonic_ns: int, data: bytes) -> None:
        """Note a binary message from the client."""
        self._note("heard", self._heard, monotonic_ns, data)

    def said(self, monotonic_ns: int, data: bytes) -> None:
        """Note a frame of the agent's."""
        self._note("said", self._said, monotonic_ns, data)

    def summarize(self, summary: Mapping[str, object]) -> None:
        """Write the summary."""
        with self._telling():
            self._summary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")

    def _note(self, direction: str, file: _WavFile, monotonic_ns: int, data: bytes) -> None:
        with self._telling():
            self._lines.write(f"{direction},{file.messages},{monotonic_ns},{len(data)}\n")
            if file.append(data):
                self._lines.flush()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{self._directory}: the recording cannot be written: {error.strerror}") from None


class _WavFile:
    """A WAV file whose header never promises more than is on disk, and never lags by more than a second of frames."""

    def __init__(self, path: Path) -> None:
        self.messages = 0
        self._odd = b""
        self._file = path.open("wb")
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed in `close`
        try:
            self._wave.setparams((1, 2, WIRE_RATE_HZ, 0, "NONE", ""))
            self._wave.writeframes(b"")
            self._file.flush()
        except OSError:
            with suppress(OSError):
                self.close()
            raise

    def close(self) -> None:
        try:
            self._wave.close()
        finally:
            self._file.close()

    def append(self, data: bytes) -> bool:
        """Append one message; True when the header was brought up to date."""
        self.messages += 1
        data = self._odd + data
        self._odd = data[len(data) & ~1 :]
        if self.messages % SYNC_FRAMES:
            self._wave.writeframesraw(data[: len(data) & ~1])
            return False
        self._wave.writeframes(data[: len(data) & ~1])
        self._file.flush()
        return True
