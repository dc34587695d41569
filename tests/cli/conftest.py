from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path: a socket's has at most 107 bytes, and tmp_path comes close to that."""
    with tempfile.TemporaryDirectory(prefix="gw-") as directory:
        yield Path(directory) / "control.sock"
