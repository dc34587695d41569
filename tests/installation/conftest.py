from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from installation.__main__ import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manual pages and completions of the command line as it is."""
    directory = tmp_path_factory.mktemp("made")
    write(directory)
    return directory
