from __future__ import annotations

import os
import sys
from pathlib import Path

from gatewayd.metrics.process import process_figures


def test_this_process() -> None:
    before = process_figures()
    with Path(os.devnull).open("rb"):
        after = process_figures()
    assert isinstance(before["open_files"], int)
    assert after["open_files"] == before["open_files"] + 1
    assert isinstance(before["resident_bytes"], int)
    assert 5e6 < before["resident_bytes"] < 2e9
    assert isinstance(before["cpu_s"], float)
    assert before["cpu_s"] > 0
    assert before["python"] == ".".join(map(str, sys.version_info[:3]))


def test_what_the_kernel_does_not_tell_is_left_out(tmp_path: Path) -> None:
    assert set(process_figures(tmp_path)) == {"python", "cpu_s"}
    (tmp_path / "statm").write_text("1 2 3\n")
    assert process_figures(tmp_path)["resident_bytes"] == 2 * os.sysconf("SC_PAGE_SIZE")
    (tmp_path / "statm").write_text("what\n")
    assert "resident_bytes" not in process_figures(tmp_path)
