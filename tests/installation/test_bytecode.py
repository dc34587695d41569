from __future__ import annotations

import marshal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from installation.bytecode import compile_all, compiled

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

MODULE = b'''"""A docstring."""
from __future__ import annotations

class Alone:
    """Nothing else."""

async def documented():
    "Also one."
    return "text"

def fails():
    """One."""
    assert documented is None, "seen"
'''


def code_of(pyc: bytes) -> CodeType:
    code: CodeType = marshal.loads(pyc[16:])
    return code


def constants(code: CodeType) -> set[object]:
    found = set(code.co_consts)
    for constant in code.co_consts:
        if hasattr(constant, "co_consts"):
            found |= constants(constant)
    return found


def test_docstrings_go_and_all_else_stays() -> None:
    kept = constants(code_of(compiled(MODULE, "/opt/gatewayd/lib/module.py")))
    assert {"text", "seen"} <= kept
    assert not {"A docstring.", "Nothing else.", "Also one.", "One."} & kept


def test_tracebacks_name_the_final_place_and_the_line() -> None:
    code = code_of(compiled(MODULE, "/opt/gatewayd/lib/module.py"))
    names: dict[str, object] = {}
    exec(code, names)
    with pytest.raises(AssertionError) as failed:
        names["fails"]()  # type: ignore[operator] # exec gives objects
    place = failed.traceback[-1]
    assert (str(place.path), place.lineno + 1) == ("/opt/gatewayd/lib/module.py", 13)


def test_the_same_source_gives_the_same_bytes() -> None:
    assert compiled(MODULE, "a.py") == compiled(MODULE, "a.py")


def test_python_takes_it_without_asking_for_the_source(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    source = tmp_path / "package" / "module.py"
    source.write_text("print('as compiled')")
    compile_all(tmp_path, tmp_path)
    source.write_text("print('changed since')")
    ran = subprocess.run(
        [sys.executable, "-ISBc", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import package.module"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "as compiled\n"
