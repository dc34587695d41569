"""Figures for whoever runs the tests; they are shown whether a test passes or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def show(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print a line past pytest's capturing."""
    with capsys.disabled():
        print(f"\n{text}")  # noqa: T201 - a figure that is measured is meant to be read
