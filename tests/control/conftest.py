from __future__ import annotations

import os
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


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """A user without rights over others' files, as the daemon runs; for root it is nobody, for others themselves."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
