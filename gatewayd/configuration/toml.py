"""TOML text to a tree; the only file that knows which parser does it."""

from __future__ import annotations

import re
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    # not installed where mypy runs on a newer Python, and then not missed
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

MAX_BYTES = 64 * 1024
"""Largest file that is read: ten times any real configuration, and soon parsed on the slowest board."""
MAX_DEPTH = 16
"""Deepest nesting of tables and arrays: the program's own keys go four deep, the rest is for `agent.token.body`."""

_BOM = b"\xef\xbb\xbf"
_WHERE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)\Z")


def parse_toml(data: bytes) -> dict[str, object]:
    """Parse one file's content.

    Raises `ValueError` with a message for a person that names line and column where there is one, and never repeats a
    value from the file.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES // 1024} KiB, which no configuration needs")
    text = _decode(data)
    try:
        tree: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(located(str(error), text)) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:
        # Python refuses to read a decimal number of more than 4300 digits, and the parsers let that error through.
        raise ValueError("holds a number or date that cannot be read") from None
    if _is_deep(tree):
        raise ValueError(_TOO_DEEP)
    return tree


_TOO_DEEP = f"nests tables or arrays too deeply; {MAX_DEPTH} levels are allowed"


def _decode(data: bytes) -> str:
    if data.startswith(_BOM):
        raise ValueError("begins with a byte order mark; save it as UTF-8 without one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise ValueError(f"line {line}, byte {column}: is not UTF-8 text; save it as UTF-8") from None


def located(message: str, text: str) -> str:
    """A parser's message on `text` with line and column put first, where the message has them at its end."""
    found = _WHERE.search(message)
    if found is None:
        return f"is not TOML: {message}"
    line, column = found["line"], found["column"]
    if line is None:
        line, column = str(text.count("\n") + 1), str(len(text) - text.rfind("\n"))
    return f"line {line}, column {column}: is not TOML: {message[: found.start()]}"


def _is_deep(tree: dict[str, object]) -> bool:
    """Whether the tree nests beyond `MAX_DEPTH`; level by level, as a dotted key can nest beyond Python's own stack."""
    level: list[object] = [tree]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(value, (dict, list)) for value in level)


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
