"""The diagnosis as people see it: a line a step, coloured and in progress on a terminal only."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from gatewayd.diagnosis.results import Verdict, label, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewayd.diagnosis.results import Result, Step

_COLOURS = {Verdict.PASS: "\x1b[32m", Verdict.WARN: "\x1b[33m", Verdict.FAIL: "\x1b[31m", Verdict.SKIPPED: "\x1b[2m"}
_RESET = "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_VERDICT_COLUMNS = 9
_NAME_COLUMNS = 18
"""Room for `configuration`, and for `speaker (lobby)`; a longer name pushes its text along."""


class Quiet:
    """Shows nothing."""

    def begun(self, step: Step, station: str | None) -> None:
        """Say nothing."""

    def ended(self, result: Result) -> None:
        """Say nothing."""


class DoctorView:
    """Writes to `stream`; on a terminal the step that runs stands in the last line."""

    def __init__(self, stream: TextIO | None, *, on_terminal: bool, colours: bool) -> None:
        self._stream = stream
        self._on_terminal = on_terminal
        self._colours = colours
        self._unfinished = False

    @classmethod
    @contextmanager
    def on(cls, stream: TextIO | None) -> Iterator[DoctorView]:
        """A view that leaves the terminal clean, however the walk ends."""
        on_terminal = stream is not None and stream.isatty()
        view = cls(stream, on_terminal=on_terminal, colours=on_terminal and not os.environ.get("NO_COLOR"))
        try:
            yield view
        finally:
            view.clear()

    def begun(self, step: Step, station: str | None) -> None:
        """Show what runs."""
        if self._on_terminal:
            columns = shutil.get_terminal_size().columns
            self._unfinished = True  # before it is there: Ctrl-C may come in between
            self._write(f"{'…':<{_VERDICT_COLUMNS}}{label(step, station)}"[: columns - 1])

    def ended(self, result: Result) -> None:
        """Show what came of it."""
        self.clear()
        word = f"{result.verdict.value:<{_VERDICT_COLUMNS}}"
        if self._colours:
            word = f"{_COLOURS[result.verdict]}{word}{_RESET}"
        self._write(f"{word}{result.name:<{_NAME_COLUMNS}}{shown(result.outcome.text)}\n")
        if result.outcome.next is not None:
            self._write(f"{'':<{_VERDICT_COLUMNS}}{'':<{_NAME_COLUMNS}}next: {shown(result.outcome.next)}\n")

    def clear(self) -> None:
        """Take the line of the running step away."""
        if self._unfinished:
            self._write(_CLEAR_LINE)
            self._unfinished = False

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()
