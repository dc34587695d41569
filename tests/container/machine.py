"""A Debian that runs: systemd as its first process, in a container of its own (systemd-nspawn).

What a container cannot show: memory and resource limits, which belong to the machine around it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container.debian import Finished, nspawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.container.debian import Debian
    from tests.container.network import Network

BOOT_LIMIT_S = 60.0
"""It takes 2 s where nothing else runs."""
HALT_LIMIT_S = 20.0
COMMAND_LIMIT_S = 60.0
_ENFORCING = ("--capability=all", "--system-call-filter=bpf")
"""Lets the systemd inside load the programs by which it closes devices and addresses to its services."""
_BOOTED = (0, 1)
"""Exit codes of `is-system-running` once booting is over: all well, and degraded."""


class Machine:
    """A system that has booted."""

    def __init__(self, debian: Debian, first_process: int) -> None:
        self.debian = debian
        self.first_process = first_process
        """Number of its PID 1 here."""

    @property
    def root(self) -> Path:
        """Its / as its processes see it, with /run and the like."""
        return Path(f"/proc/{self.first_process}/root")

    def inside(self, path: str) -> Path:
        """Where a path of the running system lies outside."""
        return self.root / path.lstrip("/")

    def run(self, *command: str, limit_s: float = COMMAND_LIMIT_S, given: str = "") -> Finished:
        """Run a command as root in the machine; `given` is its standard input.

        Raises `subprocess.TimeoutExpired` after `limit_s`, and `LookupError` where there is no such command.
        """
        finished = subprocess.run(
            self._entered(*command),
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            env=_ENVIRONMENT,
        )
        if finished.stderr.startswith("nsenter: "):
            raise LookupError(finished.stderr.strip())
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command as root in the machine; what it prints is to be read."""
        return subprocess.Popen(
            self._entered(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_ENVIRONMENT,
        )

    def _entered(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self.first_process}", "--all", "--", *command]

    def properties(self, unit: str, *names: str) -> Mapping[str, str]:
        """Properties of a unit, as `systemctl show` tells them."""
        shown = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names)).stdout
        return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)

    def processes(self) -> Iterator[Path]:
        """The folders below /proc, here, of all processes in the machine."""
        namespace = Path(f"/proc/{self.first_process}/ns/pid").stat().st_ino
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdecimal() and (folder / "ns/pid").stat().st_ino == namespace:
                    yield folder

    def outside_number(self, process: int) -> int:
        """The number here of a process that has the number `process` in the machine. Raises `LookupError`."""
        for folder in self.processes():
            with suppress(OSError):
                status = (folder / "status").read_text()
                numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
                if int(numbers[-1]) == process:
                    return int(folder.name)
        raise LookupError(f"the machine has no process {process}")

    def commands(self) -> list[str]:
        """The command lines of all processes in the machine."""
        found = []
        for folder in self.processes():
            with suppress(OSError):
                found.append((folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip())
        return found


_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@contextmanager
def machine(debian: Debian, network: Network, console: Path, *, bound: Mapping[Path, str]) -> Iterator[Machine]:
    """Boot `debian`; its console goes to a file. `bound` folders of this machine appear in it at the paths given.

    Raises `TimeoutError` when it does not come up.
    """
    command = [*nspawn(debian.path), f"--network-namespace-path={network.device_path}", *_ENFORCING]
    command += [f"--bind={here}:{there}" for here, there in bound.items()]
    command += ["--kill-signal=SIGRTMIN+3", "--console=pipe", "--boot"]
    command += ["systemd.unified_cgroup_hierarchy=1", "systemd.show_status=0"]
    with ExitStack() as stack:
        groups = stack.enter_context(_control_groups())
        output = stack.enter_context(console.open("wb"))
        # The shell goes into the groups first, so that all it becomes is in them.
        enter = 'for group; do test "$group" != -- || break; echo $$ >"$group/cgroup.procs"; done; '
        enter += 'while test "$1" != --; do shift; done; shift; exec "$@"'
        process = subprocess.Popen(
            ["sh", "-c", enter, "sh", *map(str, groups), "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_ENVIRONMENT, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            # Ctrl-C is for us: we halt the machine in good order.
            start_new_session=True,
        )
        stack.callback(_halt, process)
        yield _booted(debian, process)


def _booted(debian: Debian, process: subprocess.Popen[bytes]) -> Machine:
    deadline = time.monotonic() + BOOT_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, ValueError, subprocess.TimeoutExpired):
            [first] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            started = Machine(debian, int(first))
            # Before its first process has become systemd there is nothing to be asked.
            if (Path("/proc") / first / "comm").read_text().strip() == "systemd":
                answer = started.run("systemctl", "is-system-running", "--wait", limit_s=BOOT_LIMIT_S)
                if answer.exit_code in _BOOTED and answer.stdout.strip() in ("running", "degraded"):
                    return started
        time.sleep(0.05)
    raise TimeoutError(f"the machine did not come up within {BOOT_LIMIT_S:g} s; its console tells more")


def _halt(process: subprocess.Popen[bytes]) -> None:
    """In good order if it can; nspawn takes all its processes with it in any case."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(HALT_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(HALT_LIMIT_S)


@contextmanager
def _control_groups() -> Iterator[list[Path]]:
    """A group of its own in systemd's hierarchies, below our own: two machines in one would take each other's services
    for their own."""
    made: list[Path] = []
    try:
        for mount, relative in _hierarchies():
            group = mount / relative / f"gatewayd-test-{os.getpid()}"
            group.mkdir()
            made.append(group)
        yield made
    finally:
        for group in made:
            for folder in sorted([group, *(path for path in group.rglob("*") if path.is_dir())], reverse=True):
                with suppress(OSError):
                    folder.rmdir()


def _hierarchies() -> Iterator[tuple[Path, str]]:
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, options = line.split()[:4]
        if kind == "cgroup2":
            yield Path(mount), own[""].lstrip("/")
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            yield Path(mount), own["name=systemd"].lstrip("/")
