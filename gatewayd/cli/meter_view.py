"""The level of every channel as `gatewayd meter` shows it: bars on a terminal, else a line or an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.cli.sound import rounded
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.lean import dataclass
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.control.schema import Finding

BAR_FLOOR_DBFS = -60.0
"""Level at the bar's left end; below it a room is quiet."""
BAR_CELLS_MIN, BAR_CELLS_MAX = 10, 48
LOUD_DBFS, TOO_LOUD_DBFS = -12.0, -3.0
"""From where on a bar turns yellow, and red: speech peaks should stay below the first."""

_GREEN, _YELLOW, _RED, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_BESIDE_BAR = 58
"""Columns of a row that are not the bar's."""
_NAME_COLUMNS = 13
_BAD = (MicrophoneHealth.SILENT, MicrophoneHealth.STUCK, MicrophoneHealth.CLIPPING)


@dataclass(frozen=True)
class Row:
    """One channel, or what the agent would hear."""

    level_dbfs: float | None
    """RMS relative to a full-scale sine; None for digital zero."""
    peak_dbfs: float | None
    """The greatest sample; on a terminal it is held for a while."""
    clipped: int
    """Samples at full scale; held likewise."""
    picked: bool = True
    """The agent hears it."""
    health: MicrophoneHealth | None = None
    """None for what the agent would hear."""


@dataclass(frozen=True)
class Reading:
    """Everything that is shown at one time."""

    title: str
    device: str
    seconds: float
    """Sound since the beginning."""
    channels: Sequence[Row]
    agent: Row
    health: MicrophoneHealth
    findings: Sequence[Finding]
    overruns: int
    measured_rate_hz: float | None


def screen(reading: Reading, *, columns: int, rows: int, colours: bool) -> list[str]:
    """The lines for a terminal of this size: none is longer or would scroll."""
    cells = min(max(columns - 1 - _BESIDE_BAR, BAR_CELLS_MIN), BAR_CELLS_MAX)
    paint = _paint if colours else _plain
    last = f"  {reading.seconds:.1f} s, {_overruns(reading)}; * is what the agent hears; Ctrl-C ends"
    lines = [
        _cut(one_line(reading.title), columns),
        *(_bar_line(f"channel {number}", row, cells, columns, paint) for number, row in enumerate(reading.channels)),
        _bar_line("agent", reading.agent, cells, columns, paint),
        _cut(last, columns),
        *(paint(_cut(f"  {one_line(finding.text)}", columns), _YELLOW) for finding in reading.findings),
    ]
    return lines[: max(rows - 1, 1)]


def line(reading: Reading) -> str:
    """All of it in one line, for logs and pipes."""
    channels = [
        f"ch {number}{'*' if row.picked else ''} {_figures(row)}" for number, row in enumerate(reading.channels)
    ]
    found = [one_line(finding.text) for finding in reading.findings]
    return "; ".join(
        [
            f"{reading.seconds:.1f} s: {reading.health.value}",
            *channels,
            f"agent {_figures(reading.agent)}",
            _overruns(reading),
            *found,
        ]
    )


def as_json(reading: Reading) -> dict[str, object]:
    """The same for scripts."""
    return {
        "seconds": round(reading.seconds, 3),
        "device": reading.device,
        "health": reading.health.value,
        "channels": [
            {
                "channel": number,
                "picked": row.picked,
                "health": row.health.value if row.health else None,
                **_levels(row),
            }
            for number, row in enumerate(reading.channels)
        ],
        "agent": _levels(reading.agent),
        "findings": [
            {"kind": finding.kind.value, "channel": finding.channel, "text": finding.text}
            for finding in reading.findings
        ],
        "overruns": reading.overruns,
        "measured_rate_hz": reading.measured_rate_hz,
    }


def bar(row: Row, cells: int) -> str:
    """From `BAR_FLOOR_DBFS` to full scale: `#` up to the level, `|` at the peak."""
    filled = _cells_of(row.level_dbfs, cells)
    text = "#" * filled + "-" * (cells - filled)
    at = _cells_of(row.peak_dbfs, cells)
    return text if at == 0 else f"{text[: at - 1]}|{text[at:]}"


def _bar_line(name: str, row: Row, cells: int, columns: int, paint: _Paint) -> str:
    level = "no level" if row.level_dbfs is None else f"{row.level_dbfs:.1f} dBFS"
    peak = "" if row.peak_dbfs is None else f"peak {row.peak_dbfs:.1f}"
    mark = "*" if row.picked and row.health is not None else " "
    before, after = f"  {f'{name} {mark}':<{_NAME_COLUMNS}}[", f"] {level:>11}  {peak:<11} {_state(row)}"
    if columns <= len(before) + cells:  # too narrow for colours to be worth counting
        return _cut(f"{before}{bar(row, cells)}{after}", columns)
    after = _cut(after, columns - len(before) - cells)
    return f"{before}{paint(bar(row, cells), _bar_colour(row))}{paint(after.rstrip(), _state_colour(row))}"


def _figures(row: Row) -> str:
    level = "no level" if row.level_dbfs is None else f"{row.level_dbfs:.1f} dBFS"
    peak = "" if row.peak_dbfs is None else f" peak {row.peak_dbfs:.1f}"
    return f"{level}{peak} {_state(row)}".rstrip()


def _state(row: Row) -> str:
    words = [row.health.value] if row.health is not None else []
    if row.clipped:
        words.append(f"({row.clipped} at full scale)")
    return " ".join(words)


def _levels(row: Row) -> dict[str, object]:
    return {"level_dbfs": rounded(row.level_dbfs), "peak_dbfs": rounded(row.peak_dbfs), "clipped": row.clipped}


def _overruns(reading: Reading) -> str:
    return f"{reading.overruns} overruns" if reading.overruns else "no overruns"


def _cells_of(dbfs: float | None, cells: int) -> int:
    return 0 if dbfs is None else round(min(max(1.0 - dbfs / BAR_FLOOR_DBFS, 0.0), 1.0) * cells)


def _bar_colour(row: Row) -> str:
    peak_dbfs = BAR_FLOOR_DBFS if row.peak_dbfs is None else row.peak_dbfs
    if row.clipped or peak_dbfs >= TOO_LOUD_DBFS:
        return _RED
    return _YELLOW if peak_dbfs >= LOUD_DBFS else _GREEN


def _state_colour(row: Row) -> str:
    """Nobody needs to mind what is wrong with a channel that is not used."""
    if row.clipped or (row.picked and row.health in _BAD):
        return _RED
    return ""


def _paint(text: str, colour: str) -> str:
    return f"{colour}{text}{_RESET}" if colour and text else text


def _plain(text: str, _colour: str) -> str:
    return text


def _cut(text: str, columns: int) -> str:
    return text[: max(columns - 1, 0)]


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    _Paint: TypeAlias = Callable[[str, str], str]
