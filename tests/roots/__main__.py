"""`python -m tests.roots` writes every root of the catalogue anew, next to this file.

Roots that somebody sent in are not in the catalogue, and left alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.roots.writing import names, write_root

HERE = Path(__file__).parent

if __name__ == "__main__":
    for name in names():
        shutil.rmtree(HERE / name, ignore_errors=True)
        write_root(name, HERE / name)
