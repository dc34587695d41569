"""Makes the folder of a root in the catalogue, whole or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roots.catalogue import SOUND
from tests.roots.damage import BROKEN
from tests.roots.kernel import write

if TYPE_CHECKING:
    from pathlib import Path


def names() -> list[str]:
    """The names of all roots that are written here."""
    return sorted([*SOUND, *BROKEN])


def write_root(name: str, folder: Path) -> None:
    """Write the root `name` as `folder`, which is not there yet."""
    base, damage = BROKEN.get(name, (name, None))
    folder.mkdir()
    write(SOUND[base], folder)
    if damage is not None:
        damage(folder)


def content(folder: Path) -> dict[str, bytes | str]:
    """Every file below `folder` with its bytes, every link with its target, by the path; links are not followed."""
    found: dict[str, bytes | str] = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            found[entry.name] = str(entry.readlink())
        elif entry.is_dir():
            found |= {f"{entry.name}/{path}": what for path, what in content(entry).items()}
        else:
            found[entry.name] = entry.read_bytes()
    return found
