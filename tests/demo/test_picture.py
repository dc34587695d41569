from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.demo.picture import FLOOR_DB, Row, draw_conversation, spectrogram_db

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_scale_sine_is_0_dbfs_at_its_frequency() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    levels = spectrogram_db(tone)
    assert levels.shape[0] == 257
    assert levels[:, 60].max() == pytest.approx(0.0, abs=0.1)
    assert levels[:, 60].argmax() == 32  # 1000 Hz of 16 kHz in 512 bins
    assert levels[150, 60] < FLOOR_DB


def test_a_column_stands_for_the_moment_in_its_middle() -> None:
    click = np.zeros(16_000)
    click[8000:] = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16_000)
    loud = spectrogram_db(click)[32] > -6.5
    assert np.flatnonzero(loud)[0] == pytest.approx(8000 / 128, abs=1)


def test_the_picture_is_a_png_with_a_row_for_each_stage(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).standard_normal(16_000) / 10
    rows = [Row("one", sound, 0.0), Row("two", sound, 0.1), Row("three", sound[:0], 0.2)]
    draw_conversation(tmp_path / "three.png", "A conversation", rows, ends_s=1.5)
    draw_conversation(tmp_path / "one.png", "A conversation", rows[:1], ends_s=1.5)
    data = (tmp_path / "three.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    height, low_height = (
        int.from_bytes((tmp_path / name).read_bytes()[20:24], "big") for name in ("three.png", "one.png")
    )
    assert height > 2 * low_height
