"""What the demo prints at its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from tests.demo.measurements import NotAvailable
from tests.demo.verdict import Result, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from tests.demo.alignment import Similarity
    from tests.demo.delays import Delays
    from tests.demo.measurements import CardFigures, Measurements
    from tests.demo.plan import Workplace
    from tests.demo.verdict import Check

BUSY_LOAD_PER_CPU = 0.5
"""Load average over one minute and processor from which on delays may come from the machine's other work."""
_STYLES = {Result.PASS: "green", Result.WARN: "yellow", Result.FAIL: "bold red"}


def print_summary(console: Console, measurements: Measurements, checks: list[Check], place: Workplace) -> None:
    """Figures, checks, files, verdict."""
    console.print()
    console.print(_figures_table(measurements))
    if measurements.card is not None:
        console.print(_delay_table(measurements.card))
        for reason in _reasons(measurements.card):
            console.print(reason, highlight=False, soft_wrap=True)
    console.print(_checks_table(checks))
    for what, path in _files(measurements, place):
        console.print(f"{what:<24} {path}", highlight=False, soft_wrap=True)
    console.print()
    if any("delay" in check.what and check.result is not Result.PASS for check in checks) and (hint := busy_hint()):
        console.print(hint, style="yellow", highlight=False, soft_wrap=True)
    if passed(checks):
        judged = measurements.card is not None
        console.print(
            "The conversation happened and sounded right."
            if judged
            else "The conversation happened; listen to the files.",
            style="bold green",
        )
    else:
        failed = sum(check.result is Result.FAIL for check in checks)
        console.print(
            f"The conversation was not as it must be: {failed} of {len(checks)} checks failed.", style="bold red"
        )


def busy_hint() -> str:
    """What to say of a machine that has other things to do; nothing of an idle one."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load <= BUSY_LOAD_PER_CPU * processors:
        return ""
    return (
        f"The load average of this machine is {load:.1f} on {processors} processors: it has other work to do, which "
        "delays this. Run it again when it is idle; --lenient-timing lets delays warn only."
    )


def _figures_table(measurements: Measurements) -> Table:
    table = _table("The conversation", "", "")
    for what, value in _figures(measurements):
        table.add_row(what, value)
    return table


def _figures(measurements: Measurements) -> Iterator[tuple[str, str]]:
    course, last = measurements.course, measurements.course.last
    first_attempt = "" if last.time_to_ready_s is None else f", {last.time_to_ready_s:.2f} s of them for the session"
    yield "time to ready", f"{course.ready_after_s:.2f} s from the daemon's start{first_attempt}"
    yield "talked for", f"{course.talked_s:.1f} s"
    yield "frames to the agent", f"{measurements.frames_out} of {measurements.frames_expected_out:.0f}"
    yield "frames from the agent", f"{measurements.frames_in} of {measurements.frames_expected_in:.0f}"
    yield "frames played", f"{last.frames_played}"
    yield "dropped", f"{last.stalled} to the agent (stalled link), {last.unplayed} from it"
    by_card = "" if measurements.card is None else f"; by the card's own count {measurements.card.xruns} in all"
    yield "overruns, underruns", f"{last.capture_xruns}, {last.underruns}{by_card}"
    if (card := measurements.card) is not None:
        yield "agent heard the sentence", _likeness(card.heard)
        yield "speaker played it", _likeness(card.played)
    yield (
        "resident memory",
        f"{course.usage.resident_peak_mb:.1f} MB at most, {course.usage.resident_mb:.1f} MB at the end",
    )
    yield "processor time", f"{1000 * course.cpu_talking_s / course.talked_s:.1f} ms per second of conversation"
    yield "stopped", f"with {course.exit_code}, {course.stop_s:.2f} s after SIGTERM"


def _likeness(result: Similarity) -> str:
    return f"similarity {result.value:.5f}; {result.damaged_frames} of {result.spoken_frames} spoken frames damaged"


def _delay_table(card: CardFigures) -> Table:
    table = _table("Delays", "ms", "p50", "p99", "max")
    for what, delays in _delays(card):
        if isinstance(delays, NotAvailable):
            table.add_row(what, "-", "-", "-")
        else:
            table.add_row(what, f"{delays.p50_ms:.1f}", f"{delays.p99_ms:.1f}", f"{delays.max_ms:.1f}")
    return table


def _delays(card: CardFigures) -> Iterator[tuple[str, Delays | NotAvailable]]:
    yield "card to service", card.to_service
    yield "service to speaker", card.from_service
    yield "mouth to ear", card.mouth_to_ear


def _reasons(card: CardFigures) -> Iterator[str]:
    for what, delays in _delays(card):
        if isinstance(delays, NotAvailable):
            yield f"{what}: not available, because {delays.why}"
        elif delays.unplaced:
            whole = delays.unplaced + len(delays.ms)
            yield f"{what}: without {delays.unplaced} of {whole}, which lie at a gap or at the end"


def _checks_table(checks: list[Check]) -> Table:
    table = _table("Checks", "", "measured", "limit", "")
    for check in checks:
        table.add_row(check.what, check.measured, check.limit, Text(check.result.value, style=_STYLES[check.result]))
    return table


def _files(measurements: Measurements, place: Workplace) -> Iterator[tuple[str, object]]:
    yield "what the agent heard", place.heard_wav
    if measurements.card is not None:
        yield "what the speaker played", place.played_wav
    else:
        yield "what the agent said", place.said_wav
    yield "picture of all", place.picture
    yield "logs and recordings", place.run


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, show_header=any(columns))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if column in {"p50", "p99", "max"} else "left", no_wrap=number == 0)
    return table
