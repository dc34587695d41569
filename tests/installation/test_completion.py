from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from gatewayd.cli.main import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path


def offered(script: Path, *words: str, folder: Path) -> set[str]:
    """What bash offers for the last of `words`, as the person types it."""
    typed = " ".join(f"'{word}'" for word in words)
    asked = (
        f"source '{script}'; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; COMP_LINE='{' '.join(words)}'; "
        f"_shtab_gatewayd gatewayd '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    ran = subprocess.run(["bash", "-c", asked], cwd=folder, check=True, capture_output=True, text=True)
    return {word.strip() for word in ran.stdout.split()}


def test_bash_offers_every_command(made: Path, tmp_path: Path) -> None:
    assert {command.name for command in COMMANDS} <= offered(made / "bash", "gatewayd", "", folder=tmp_path)


def test_bash_offers_a_commands_options(made: Path, tmp_path: Path) -> None:
    assert {"--json", "--watch"} <= offered(made / "bash", "gatewayd", "status", "--", folder=tmp_path)


def test_bash_offers_files_and_choices(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()
    assert "mine.toml" in offered(made / "bash", "gatewayd", "check", "--config", "", folder=tmp_path)
    assert "warning" in offered(made / "bash", "gatewayd", "check", "--log-level", "w", folder=tmp_path)


def test_zsh_knows_every_command(made: Path) -> None:
    script = (made / "zsh").read_text()
    assert script.startswith("#compdef gatewayd\n")
    for command in COMMANDS:
        assert re.search(rf"^ *{command.name}:", script, re.MULTILINE)
