"""`python -m tests.vm`: gatewayd on a real kernel, in an emulated machine. Needs root, Debian and an x86-64 processor.

Builds the guest (tests/vm/image.py), lets it tell its story (tests/vm/guest) and prints what it says. The exit code is
0 only if every check in it holds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time

from tests.vm.image import Image, build

RUN_LIMIT_S = 240.0
"""The story takes two minutes where nothing else runs."""
MEMORY_MB = 1536
PROCESSORS = 2
_KERNEL_WORDS = "console=ttyS0 quiet loglevel=3 mitigations=off panic=-1 rdinit=/init"


def main() -> int:
    """Build, run, and return the exit code of what ran."""
    began_s = time.monotonic()
    image = build()
    built_s = time.monotonic()
    sys.stdout.write(f"built in {built_s - began_s:.0f} s\n")
    sys.stdout.flush()
    exit_code = run(image)
    sys.stdout.write(f"ran for {time.monotonic() - built_s:.0f} s\n")
    return exit_code


def run(image: Image) -> int:
    """Start the machine and print its console; the story's exit code, 1 if it came to none."""
    command = ["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg", "-smp", str(PROCESSORS)]
    command += ["-m", str(MEMORY_MB), "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"]
    command += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", _KERNEL_WORDS]
    exit_code = 1
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        assert machine.stdout is not None
        limit = threading.Timer(RUN_LIMIT_S, machine.kill)
        limit.start()
        try:
            for raw in machine.stdout:
                line = raw.decode(errors="replace").rstrip()
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
                if told := re.fullmatch(r"exit code ([0-9]+)", line):
                    exit_code = int(told.group(1))
        finally:
            limit.cancel()
            machine.kill()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
