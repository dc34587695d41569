"""`python -m installation DIR` writes what is made from the command line: DIR/man1/*.1, DIR/bash and DIR/zsh."""

from __future__ import annotations

import sys
from pathlib import Path

from installation.command_line import whole_parser
from installation.completion import completion
from installation.man_pages import pages


def write(directory: Path) -> None:
    """Write manual pages and completions below `directory`, which exists."""
    top = whole_parser()
    (directory / "man1").mkdir()
    for name, text in pages(top).items():
        (directory / "man1" / name).write_text(text, encoding="utf-8")
    for shell in ("bash", "zsh"):
        (directory / shell).write_text(completion(top, shell), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
