"""Debian 12 as a device has it: made once, laid under throwaway changes for each use.

Needs root and mmdebstrap; `nspawn` systemd-container as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "debian"
SUITE = "bookworm"
PACKAGES = ("systemd", "systemd-sysv")
"""What a running system has besides Debian's smallest variant; all else is there because a package depends on it."""
CHANGES_SIZE = "512m"
COMMAND_LIMIT_S = 120.0
"""Installing takes some 3 s, on a busy machine ten times that."""
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LEFT_OUT = ("locale", "doc")


@dataclass(frozen=True)
class Finished:
    """What a command in the system came to."""

    exit_code: int
    stdout: str
    stderr: str


def depends(package: Path) -> tuple[str, ...]:
    """The names of the packages that a .deb says it depends on, without versions."""
    field = _output("dpkg-deb", "--field", str(package), "Depends", "Pre-Depends")
    names = re.findall(r"([a-z0-9][a-z0-9+.-]+)(?:\s*\([^)]*\))?(?:\s*\|[^,\n]*)?(?:,|\n|$)", field)
    return tuple(sorted(set(names)))


def made_for(package: Path) -> Path:
    """A Debian with what `package` depends on and nothing more; made in some 40 s unless it is there already.

    What it holds shows that the dependencies are said in full: nothing is fetched when the package is installed.
    """
    included = (*PACKAGES, *depends(package))
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(included)}", *options, SUITE]
    made = CACHE / hashlib.sha256(" ".join(command).encode()).hexdigest()[:12]
    if not made.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in CACHE.iterdir():
            shutil.rmtree(older)
        unfinished = made.with_suffix(".unfinished")
        subprocess.run([*command, unfinished], check=True, capture_output=True)
        unfinished.rename(made)
    return made


@dataclass(frozen=True)
class Debian:
    """A system that may be changed; what was changed is gone with it."""

    path: Path
    """Where its / lies."""

    def copy_in(self, file: Path, to: str) -> None:
        """Copy a file from outside to the path `to` in the system."""
        target = self.inside(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)

    def inside(self, path: str) -> Path:
        """Where a path of the system lies outside."""
        return self.path / path.lstrip("/")

    def run(self, *command: str, limit_s: float = COMMAND_LIMIT_S) -> Finished:
        """Run a command as root in the system, without network and without systemd running.

        Raises `subprocess.TimeoutExpired` after `limit_s`.
        """
        # Not systemd-nspawn: for one command it would want the machine's control groups, which others use as well.
        enter = ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child"]
        finished = subprocess.run(
            [
                *enter,
                f"--root={self.path}",
                "--wd=/root",
                "--mount-proc=/proc",
                "env",
                "-i",
                _PATH,
                "LC_ALL=C",
                *command,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def files(self) -> dict[str, int]:
        """Every path of the system with its size, without what any program may leave (logs, caches, /run, /tmp)."""
        passing = ("var/log/", "var/cache/", "run/", "tmp/", "proc/", "sys/", "dev/", "root/")
        found: dict[str, int] = {}
        for folder, folders, names in os.walk(self.path):
            for name in (*folders, *names):
                path = Path(folder, name)
                relative = str(path.relative_to(self.path))
                if not relative.startswith(passing):
                    found[relative] = 0 if path.is_dir() else path.lstat().st_size
        return found


def nspawn(path: Path) -> list[str]:
    """The command by which a system at `path` is entered, to be followed by options and a command or `--boot`."""
    # Not registered with systemd-machined, which a container or a build machine has not.
    return ["systemd-nspawn", "--quiet", f"--directory={path}", "--register=no", "--keep-unit"]


@contextmanager
def debian(made: Path, folder: Path) -> Iterator[Debian]:
    """A system to change, over one that `made_for` gave. Its changes lie in memory, below the empty `folder`."""
    with ExitStack() as stack:
        _mount(stack, folder, "-t", "tmpfs", "-o", f"size={CHANGES_SIZE}", "tmpfs")
        upper, work, root = folder / "changes", folder / "work", folder / "root"
        for directory in (upper, work, root):
            directory.mkdir()
        _mount(stack, root, "-t", "overlay", "-o", f"lowerdir={made},upperdir={upper},workdir={work}", "overlay")
        yield Debian(root)


def _mount(stack: ExitStack, where: Path, *what: str) -> None:
    subprocess.run(["mount", *what, where], check=True)
    stack.callback(lambda: subprocess.run(["umount", where], check=True))


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
