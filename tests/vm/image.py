"""What the guest starts from: a kernel, and an initial file system put together from four archives.

Debian's smallest system, the kernel's modules for sound, this project as it is installed from its wheel, and the story
that is played. The first two are built when they are missing or their recipe changed, and kept under build/vm.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "vm"
SUITE, PYTHON = "bookworm", (3, 11)
"""Debian's release in the guest and the version of its Python, for which the project is installed here."""
PACKAGES = ("udev", "kmod", "python3", "libasound2", "libsystemd0", "libstdc++6", "busybox-static")
MODULES = ("snd-aloop", "snd-usb-audio", "vhci-hcd")
KERNEL = "linux-image-amd64"
_LEFT_OUT = ("doc", "man", "locale", "i18n")


class Image(NamedTuple):
    """What qemu is given."""

    kernel: Path
    initrd: Path


def build() -> Image:
    """Build what is missing. Raises `SystemExit` where this machine cannot, and `CalledProcessError`."""
    if sys.version_info[:2] != PYTHON or platform.machine() != "x86_64" or os.geteuid() != 0:
        wanted = f"Python {PYTHON[0]}.{PYTHON[1]}, which the guest has, on x86-64, as root"
        have = f"Python {platform.python_version()} on {platform.machine()} as user {os.geteuid()}"
        raise SystemExit(f"the guest is built with {wanted}; this is {have}")
    BUILD.mkdir(parents=True, exist_ok=True)
    parts = [_system(), _modules(), _project(), _story()]
    initrd = BUILD / "initrd"
    with initrd.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
    return Image(BUILD / "vmlinuz", initrd)


def _system() -> Path:
    """A Debian without a package manager, without documentation, and with what the daemon and its libraries load."""
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    command = ["mmdebstrap", "--mode=root", "--variant=essential", f"--include={','.join(PACKAGES)}", *options, SUITE]
    return _cached("system", " ".join(command), lambda folder: _run(*command, folder / "root"))


def _modules() -> Path:
    """Debian's kernel, which goes beside, and of its modules those for sound and what they need."""
    if not _output("apt-cache", "search", "--names-only", f"^{KERNEL}$"):
        _run("apt-get", "update", "-qq")
    found = re.search(r"Depends: (linux-image-\S+)", _output("apt-cache", "depends", "--important", KERNEL))
    if found is None:
        raise SystemExit(f"apt knows no package {KERNEL}: is this Debian?")
    package = found.group(1)

    def make(folder: Path) -> None:
        _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package, cwd=folder)
        [archive] = folder.glob("*.deb")
        whole = folder / "whole"
        _run("dpkg-deb", "--extract", archive, whole)
        [kernel] = (whole / "boot").glob("vmlinuz-*")
        shutil.copyfile(kernel, BUILD / "vmlinuz")
        version = kernel.name.removeprefix("vmlinuz-")
        _run("depmod", "--basedir", whole, version)
        source, target = whole / "lib/modules" / version, folder / "root/usr/lib/modules" / version
        for module in MODULES:
            for line in _output("modprobe", "--dirname", whole, "-S", version, "--show-depends", module).splitlines():
                path = Path(line.split()[1]).relative_to(source)
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, target / path)
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copyfile(source / name, target / name)
        (folder / "root/lib").symlink_to("usr/lib")
        _run("depmod", "--basedir", folder / "root", version)
        (folder / "root/lib").unlink()

    return _cached("modules", f"{package} {MODULES}", make)


def _project() -> Path:
    """The project's wheel with its locked dependencies, each time anew: it is what is being tested."""
    folder = _empty(BUILD / "project")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    [wheel] = folder.glob("gatewayd-*.whl")
    locked = re.findall(r"^([a-z0-9].*==[^ \\]*(?: ;.*[^ \\])?) *\\?$", _requirements(), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(locked))
    site = folder / "root/opt/site"
    _run(*pip, "install", "--use-pep517", "--target", site, "--constraint", constraints, wheel)
    return _archive(folder)


def _requirements() -> str:
    return (ROOT / "requirements/dev.txt").read_text()


def _story() -> Path:
    """The guest's first process and the story it tells."""
    folder = _empty(BUILD / "story")
    package = folder / "root/opt/story/tests"
    for path in (ROOT / "tests/__init__.py", ROOT / "tests/vm/__init__.py", *(ROOT / "tests/vm/guest").glob("*.py")):
        target = package / path.relative_to(ROOT / "tests")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    init = folder / "root/init"
    shutil.copyfile(ROOT / "tests/vm/guest/init", init)
    init.chmod(0o755)
    return _archive(folder)


def _cached(name: str, recipe: str, make: Callable[[Path], object]) -> Path:
    """The archive of `name`; made only if the recipe is another than last time."""
    archive, note = BUILD / f"{name}.cpio", BUILD / f"{name}.recipe"
    key = hashlib.sha256(f"{recipe}\n{Path(__file__).read_text()}".encode()).hexdigest()
    if archive.exists() and note.exists() and note.read_text() == key:
        return archive
    note.unlink(missing_ok=True)
    folder = _empty(BUILD / name)
    make(folder)
    _archive(folder)
    shutil.rmtree(folder)
    note.write_text(key)
    return archive


def _archive(folder: Path) -> Path:
    """The folder's `root` as the kernel unpacks it; archives laid end to end are unpacked over each other."""
    archive = BUILD / f"{folder.name}.cpio"
    root = folder / "root"
    names = "\0".join(str(path.relative_to(root)) for path in [root, *sorted(root.rglob("*"))])
    with archive.open("wb") as file:
        subprocess.run(
            ["cpio", "--create", "--null", "--format=newc", "--quiet", "--owner=+0:+0"],
            input=names.encode(),
            stdout=file,
            cwd=root,
            check=True,
        )
    return archive


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _output(*command: str | Path) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
