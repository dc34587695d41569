from __future__ import annotations

from typing import TYPE_CHECKING

from tests.demo.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_plughw_is_refused_because_it_would_convert(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--card", "plughw:1,0"]) == 64
    assert "--card plughw:1,0: must be hw:" in capsys.readouterr().err


def test_a_conversation_too_short_to_tell_anything_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "1"]) == 64
    assert "less than 5 s" in capsys.readouterr().err


def test_a_folder_that_no_demo_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    assert main(["--output", str(tmp_path)]) == 73
    assert "was not made by the demo" in capsys.readouterr().err
