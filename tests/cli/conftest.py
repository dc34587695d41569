from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewayd.system.logs import LineHandler

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """A command sets up the process's logging; here it is one of many, so what it set up is taken away again."""
    root, own = logging.getLogger(), logging.getLogger("gatewayd")
    levels = root.level, own.level
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(capture=False)
    for handler in [handler for handler in root.handlers if isinstance(handler, LineHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    own.setLevel(levels[1])


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path: a socket's has at most 107 bytes, and tmp_path comes close to that."""
    with tempfile.TemporaryDirectory(prefix="gw-") as directory:
        yield Path(directory) / "control.sock"
