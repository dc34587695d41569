from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.demo.live import level_share, live_view
from tests.demo.statuses import snapshot

if TYPE_CHECKING:
    from tests.demo.conversation import Observer


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, force_terminal=terminal, width=100, color_system=None), written


def converse(observer: Observer) -> None:
    observer.entered("connecting", 0.31)
    observer.saw(snapshot(state="connecting", level_dbfs=None, rtt_s=None), -1.0)
    observer.entered("agent_ready", 0.62)
    for tenths in range(30):
        observer.saw(snapshot(frames_sent=5 * tenths, stalled=0, unplayed=0), tenths / 10)


def test_a_pipe_gets_each_state_at_once_and_then_a_line_a_second() -> None:
    to, written = console(terminal=False)
    with live_view(to, "A conversation", 5.0) as observer:
        converse(observer)
    counts = "frames out {} in 398 played 395  dropped 0  round trip 1.2 ms"
    assert written.getvalue().splitlines() == [
        "A conversation",
        "  0.31 s after the daemon's start: connecting",
        "  0.62 s after the daemon's start: agent_ready",
        f"  1.0 s,  4.0 s left  agent_ready  microphone -23.4 dBFS (ok)  {counts.format(50)}",
        f"  2.0 s,  3.0 s left  agent_ready  microphone -23.4 dBFS (ok)  {counts.format(100)}",
    ]


def test_a_terminal_shows_states_level_frames_drops_and_time_left() -> None:
    to, written = console(terminal=True)
    with live_view(to, "A conversation", 5.0) as observer:
        converse(observer)
    last = written.getvalue().rpartition("A conversation")[2]
    for shown in (
        "0.31 s connecting  0.62 s agent_ready",
        "-23.4 dBFS (ok)",
        "out 145   back 398   played 395",
        "capture 1   playback 3",
        "1.2 ms",
        "2.9 s of 5 s, 2.1 s left",
    ):
        assert shown in last


@pytest.mark.parametrize(
    ("level_dbfs", "share"), [(None, 0.0), (-120.0, 0.0), (-80.0, 0.0), (-40.0, 0.5), (0.0, 1.0), (3.0, 1.0)]
)
def test_the_bar_runs_from_80_db_below_full_scale_to_full_scale(level_dbfs: float | None, share: float) -> None:
    assert level_share(level_dbfs) == pytest.approx(share)
