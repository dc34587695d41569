"""Files that come with the program: profiles, default configuration, unit.

In a wheel they lie under `gatewayd/data` (pyproject's force-include); in a source tree, where an editable install
points, they lie at its top.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str) -> Path:
    """The directory of a kind of resource: `config`, `hw-profiles` or `systemd`.

    Raises `FileNotFoundError` when neither place has it, which means that the installation is broken.
    """
    for directory in (_PACKAGE / "data" / name, _PACKAGE.parent / name):
        if directory.is_dir():
            return directory
    raise FileNotFoundError(
        f"gatewayd's own files are incomplete: {name} is missing beside {_PACKAGE}; install it anew"
    )
