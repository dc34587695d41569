"""What a process holds on to: memory, objects, descriptors."""

from __future__ import annotations

import ctypes
import gc
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None)

PRUNED_LATER = frozenset({"CancelScope", "CancelReason", "tuple"})
"""trio keeps deadlines that no longer count until there are over a thousand of them, and then forgets them at once."""


@dataclass(frozen=True)
class Usage:
    """At one moment, right after a garbage collection, and after the allocator gave back what it did not need."""

    resident_bytes: int
    descriptors: int
    objects: Mapping[str, int]
    """How many there are of each type, without `PRUNED_LATER`."""

    def grown_types(self, since: Usage, limit: int) -> dict[str, int]:
        """Types with over `limit` objects more than at another moment, and how many more."""
        grown = {name: count - since.objects.get(name, 0) for name, count in self.objects.items()}
        return {name: more for name, more in grown.items() if more > limit}


def usage() -> Usage:
    """What this process holds now."""
    gc.collect()
    objects = Counter(type(each).__name__ for each in gc.get_objects())
    for name in PRUNED_LATER:
        del objects[name]
    _libc.malloc_trim(0)
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Usage(resident_pages * _PAGE_BYTES, len(list(Path("/proc/self/fd").iterdir())), objects)
