"""`python bytecode.py DIR PLACE` compiles every module below DIR, which will be called PLACE, without docstrings.

The bytecode is of the ordinary level, so that the interpreter runs without -O and finds its standard library compiled
(Debian ships no other level; a confined daemon could not write it, and would compile the library anew at each start).
Docstrings are what makes -OO save memory; assertions stay, as a fault that is seen is one that is recovered from.

It is of the kind that is checked against nothing when it is loaded: sources and bytecode change only together, and
neither the time of day of a device without a clock nor a system that cannot be written to matters.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

UNCHECKED_HASH = 0b01
"""The flags of PEP 552 in a .pyc: identified by its source's hash, which is not to be checked."""
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compiled(source: bytes, name: str) -> bytes:
    """What belongs into the .pyc of `source`, whose file is to be called `name` in tracebacks. Raises `SyntaxError`."""
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), node.body[0])]
    code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
    flags = UNCHECKED_HASH.to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code)


def compile_all(directory: Path, place: Path) -> None:
    """Compile every module below `directory`, which will lie at `place`."""
    for path in sorted(directory.rglob("*.py")):
        target = Path(importlib.util.cache_from_source(path, optimization=""))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(compiled(path.read_bytes(), str(place / path.relative_to(directory))))


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]), Path(sys.argv[2]))
