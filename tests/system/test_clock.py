from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from gatewayd.system.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path


def test_timesyncd_s_mark_says_that_the_clock_was_set(tmp_path: Path) -> None:
    mark = tmp_path / "synchronized"
    mark.touch()
    assert SystemClock(timesync_mark=mark).synchronised()


def test_without_the_mark_the_kernel_is_asked(tmp_path: Path) -> None:
    """As `adjtimex --print` or timedatectl would be told: bit 6 (STA_UNSYNC) of the kernel's clock status."""
    status = "import ctypes; b = ctypes.create_string_buffer(208); ctypes.CDLL(None).adjtimex(b); print(b.raw[40])"
    told = subprocess.run(["python3", "-c", status], capture_output=True, text=True, check=True)
    unsynchronised = bool(int(told.stdout) & 0x40)
    assert SystemClock(timesync_mark=tmp_path / "none").synchronised() is not unsynchronised
