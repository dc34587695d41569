"""What a process has used so far, as Linux tells it in /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_USER_FIELD, _SYSTEM_FIELD = 11, 12
"""`utime` and `stime`, counted from the field after the command's name (proc_pid_stat(5))."""


@dataclass(frozen=True)
class Usage:
    """Memory and processor time of one process."""

    resident_peak_mb: float
    """VmHWM, in 10^6 bytes."""
    resident_mb: float
    """VmRSS, in 10^6 bytes."""
    cpu_s: float
    """User and system time of all its threads."""


def read_usage(pid: int) -> Usage:
    """Of a process that still runs. Raises `ProcessLookupError` or `FileNotFoundError` when there is none."""
    folder = Path("/proc", str(pid))
    return parse_usage((folder / "status").read_text(), (folder / "stat").read_text(), os.sysconf("SC_CLK_TCK"))


def parse_usage(status: str, stat: str, ticks_per_s: int) -> Usage:
    """From the text of `status` and `stat`. The kB of `status` are of 1024 bytes (proc_pid_status(5))."""
    sizes = dict(line.split(":", 1) for line in status.splitlines() if line.startswith(("VmHWM:", "VmRSS:")))
    # The command's name stands in parentheses and may hold anything, parentheses and spaces too.
    fields = stat.rpartition(")")[2].split()
    ticks = int(fields[_USER_FIELD]) + int(fields[_SYSTEM_FIELD])
    return Usage(
        resident_peak_mb=_megabytes(sizes["VmHWM"]),
        resident_mb=_megabytes(sizes["VmRSS"]),
        cpu_s=ticks / ticks_per_s,
    )


def _megabytes(size: str) -> float:
    return int(size.split(maxsplit=1)[0]) * 1024 / 1e6
