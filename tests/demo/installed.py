"""The daemon as the package installs it: compiled beforehand, and without docstrings (docs/installing.md).

A checkout carries 3 MB of docstrings that a device does not have, and compiles while it runs. Only the bytecode is
another; the sources are those of this tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from installation.bytecode import compiled

_IMPORTED = """
import json, sys, gatewayd.cli.run
json.dump([file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))], sys.stdout)
"""
_PACKAGES = ("site-packages", "dist-packages", "gatewayd")


def environment(folder: Path) -> dict[str, str]:
    """What makes a process run by the bytecode in `folder`, as the unit runs it."""
    return {"PYTHONPYCACHEPREFIX": str(folder), "PYTHONNODEBUGRANGES": "1"}


def compile_into(folder: Path) -> None:
    """Compile what the daemon imports into `folder`: ours and the libraries' without docstrings, Python's own as it is.

    Raises `subprocess.CalledProcessError` where the daemon cannot be imported.
    """
    shutil.rmtree(folder, ignore_errors=True)  # nobody checks whether bytecode there still fits its source
    imported = subprocess.run(
        [sys.executable, "-c", _IMPORTED],
        # also writes the bytecode of Python's own modules
        env={**os.environ, **environment(folder), "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    for file in json.loads(imported.stdout):
        source = Path(file)
        if source.suffix == ".py" and any(package in source.parts for package in _PACKAGES):
            target = folder.joinpath(*source.with_suffix("").parts[1:])
            bytecode = target.with_name(f"{target.name}.{sys.implementation.cache_tag}.pyc")
            bytecode.parent.mkdir(parents=True, exist_ok=True)
            bytecode.write_bytes(compiled(source.read_bytes(), str(source)))
