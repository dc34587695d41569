"""Files that come with the program: profiles, default configuration, unit.

In a wheel they lie under `gatewayd/data` (pyproject's force-include); in a source tree, where an editable install
points, they lie at its top.
"""

from __future__ import annotations

from pathlib import Path

from gatewayd.errors import Unavailable

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str, *, package: Path = _PACKAGE) -> Path:
    """The directory of a kind of resource: `config`, `hw-profiles` or `systemd`.

    `package` is the directory of the installed package `gatewayd`. Raises `Unavailable` when the resource is in
    neither place, which means that the installation is broken.
    """
    installed = package / "data" / name
    if installed.is_dir():
        return installed
    # Only a source tree has its resources beside the package: in site-packages that place belongs to others.
    if (package.parent / "pyproject.toml").is_file() and (package.parent / name).is_dir():
        return package.parent / name
    raise Unavailable(f"gatewayd's own files are incomplete: {installed} is missing; install gatewayd anew")
