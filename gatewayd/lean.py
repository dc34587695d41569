"""Dataclasses for a small device: the same as the standard library's, for less than half of their memory.

`dataclasses.dataclass` compiles `__repr__`, `__eq__`, `__hash__`, `__setattr__` and `__delattr__` anew for every class:
with the 170 of a running daemon that is 1 MB. Here those that were compiled are replaced by ones that all classes
share and that look at the fields when they are called. They are slower, at some microseconds a call; what is called for
each frame of sound, `__init__` and reading a field, is untouched.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(decorated: type | None = None, /, **options: Any) -> Any:
        """As `dataclasses.dataclass`, with the same options and the same result."""
        if decorated is not None:
            return _lean(decorated, options)
        return lambda undecorated: _lean(undecorated, options)


__all__ = ["dataclass"]


def _lean(undecorated: type, options: dict[str, Any]) -> type:
    own = set(vars(undecorated))
    decorated: type = dataclasses.dataclass(**options)(undecorated)
    for name, shared in _SHARED.items():
        # what the class has itself stays, and so does `__hash__ = None` of one that is compared and not frozen
        if name not in own and vars(decorated).get(name) is not None:
            setattr(decorated, name, shared)
    return decorated


def _repr(self: Any) -> str:
    values = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(values)})"


def _compared(self: Any) -> tuple[object, ...]:
    return tuple(getattr(self, field.name) for field in dataclasses.fields(self) if field.compare)


def _eq(self: Any, other: object) -> Any:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _setattr(_self: Any, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED = {"__repr__": _repr, "__eq__": _eq, "__hash__": _hash, "__setattr__": _setattr, "__delattr__": _delattr}
