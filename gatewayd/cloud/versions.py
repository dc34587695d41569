"""Spares the daemon a megabyte that is only wanted to ask which version of trio there is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_METADATA = "importlib.metadata"


@contextmanager
def versions_of_modules() -> Iterator[None]:
    """While inside, who imports `importlib.metadata.version` is answered by the packages themselves, `__version__`.

    trio-websocket 0.12 asks that way for trio's when it is imported. The real module brings the libraries for email,
    CSV and zip files with it, and is not loaded by this; where it is loaded already, nothing is changed.
    """
    if _METADATA in sys.modules:
        yield
        return
    stand_in = ModuleType(_METADATA)
    stand_in.version = lambda name: import_module(name).__version__  # type: ignore[attr-defined]  # a module made here
    sys.modules[_METADATA] = stand_in
    try:
        yield
    finally:
        del sys.modules[_METADATA]
