"""What a person sees while the conversation runs: a panel on a terminal, a line a second anywhere else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tests.demo.snapshot import AGENT_READY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from tests.demo.conversation import Observer
    from tests.demo.snapshot import Snapshot

LEVEL_FLOOR_DBFS = -80.0
"""The left end of the level bar."""
BAR_CELLS = 40
_STATE_STYLES = {AGENT_READY: "bold green", "ended": "red", "no_device": "yellow", "waiting": "yellow"}


@contextmanager
def live_view(console: Console, title: str, conversation_s: float) -> Iterator[Observer]:
    """Whoever is to be told; what it shows last stays on the terminal."""
    if not console.is_terminal:
        console.print(title)
        yield Lines(console, conversation_s)
        return
    # Redrawn when there is news, not by a thread of its own.
    with Live(console=console, auto_refresh=False) as live:
        yield TerminalView(live, title, conversation_s)


class Lines:
    """For a file or a pipe."""

    def __init__(self, console: Console, conversation_s: float) -> None:
        self._console = console
        self._conversation_s = conversation_s
        self._next_s = 1.0

    def entered(self, state: str, at_s: float) -> None:
        """Say so at once."""
        self._print(f"{at_s:6.2f} s after the daemon's start: {state}")

    def saw(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """A line for each second of the conversation."""
        if elapsed_s < self._next_s:
            return
        self._next_s = int(elapsed_s) + 1.0
        left_s = max(0.0, self._conversation_s - elapsed_s)
        self._print(
            f"{elapsed_s:5.1f} s, {left_s:4.1f} s left  {snapshot.state}  microphone {level_text(snapshot)}  "
            f"frames out {snapshot.frames_sent} in {snapshot.frames_received} played {snapshot.frames_played}  "
            f"dropped {snapshot.stalled + snapshot.unplayed}  round trip {rtt_text(snapshot)}"
        )

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


class TerminalView:
    """A panel that is drawn anew with each news."""

    def __init__(self, live: Live, title: str, conversation_s: float) -> None:
        self._live = live
        self._title = title
        self._conversation_s = conversation_s
        self._states: list[tuple[str, float]] = []
        self._snapshot: Snapshot | None = None
        self._elapsed_s = 0.0

    def entered(self, state: str, at_s: float) -> None:
        """Add it to the row of states."""
        self._states.append((state, at_s))
        self._draw()

    def saw(self, snapshot: Snapshot, elapsed_s: float) -> None:
        """Show the figures."""
        self._snapshot = snapshot
        self._elapsed_s = min(max(elapsed_s, 0.0), self._conversation_s)
        self._draw()

    def _draw(self) -> None:
        self._live.update(self._panel(), refresh=True)

    def _panel(self) -> Panel:
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="dim", justify="right", no_wrap=True)
        rows.add_column()
        rows.add_row("states", self._state_row())
        if self._snapshot is not None:
            for label, content in self._figures(self._snapshot):
                rows.add_row(label, content)
        return Panel(rows, title=self._title, title_align="left", border_style="blue", padding=(1, 2))

    def _state_row(self) -> Text:
        row = Text()
        for state, at_s in self._states:
            row.append("  " if row else "")
            row.append(f"{at_s:.2f} s ", style="dim")
            row.append(state, style=_STATE_STYLES.get(state, ""))
        return row

    def _figures(self, snapshot: Snapshot) -> Iterator[tuple[str, RenderableType]]:
        yield "microphone", _level_row(snapshot)
        yield "frames", _counts(out=snapshot.frames_sent, back=snapshot.frames_received, played=snapshot.frames_played)
        yield "dropped", _counts(out=snapshot.stalled, back=snapshot.unplayed)
        yield "xruns", _counts(capture=snapshot.capture_xruns, playback=snapshot.underruns)
        yield "round trip", rtt_text(snapshot)
        yield "time", self._time_row()

    def _time_row(self) -> Table:
        bar = ProgressBar(
            total=self._conversation_s,
            completed=self._elapsed_s,
            width=BAR_CELLS,
            complete_style="blue",
            finished_style="blue",
        )
        left_s = self._conversation_s - self._elapsed_s
        return _side_by_side(bar, f"{self._elapsed_s:.1f} s of {self._conversation_s:g} s, {left_s:.1f} s left")


def level_text(snapshot: Snapshot) -> str:
    """The capture level and what the daemon thinks of the microphone."""
    level = "no level" if snapshot.level_dbfs is None else f"{snapshot.level_dbfs:.1f} dBFS"
    return f"{level} ({snapshot.microphone})"


def rtt_text(snapshot: Snapshot) -> str:
    """The round trip to the service."""
    return "not yet known" if snapshot.rtt_s is None else f"{1000 * snapshot.rtt_s:.1f} ms"


def level_share(level_dbfs: float | None) -> float:
    """How much of the level bar is filled, from 0 to 1."""
    if level_dbfs is None:
        return 0.0
    return min(max(1.0 - level_dbfs / LEVEL_FLOOR_DBFS, 0.0), 1.0)


def _level_row(snapshot: Snapshot) -> Table:
    bar = ProgressBar(
        total=1.0,
        completed=level_share(snapshot.level_dbfs),
        width=BAR_CELLS,
        complete_style="green",
        finished_style="red",
    )
    return _side_by_side(bar, level_text(snapshot))


def _counts(**counts: int) -> str:
    return "   ".join(f"{name} {count}" for name, count in counts.items())


def _side_by_side(left: RenderableType, right: str) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_row(left, right)
    return row
