"""Runs the system's own programs for what they know: bounded in time and in what they may say."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import TYPE_CHECKING

from gatewayd.errors import Unavailable
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = {"LANG": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "SYSTEMD_URLIFY": "0"}
_CHUNK_BYTES = 65_536
_COMPLAINT_BYTES_MAX = 4096


def output_of(command: Sequence[str], *, timeout_s: float, bytes_max: int) -> bytes:
    """What a program prints, at most its first `bytes_max` bytes. It is killed if it takes longer than `timeout_s`.

    Raises `Unavailable`, saying why, where it cannot be run, takes too long, or fails without having said anything.
    """
    path = os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        process = subprocess.Popen(  # noqa: S603 - the commands are written in this package
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": path, **_PLAIN},
        )
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be run: {error.strerror}") from None
    with process:
        try:
            said, complaint = _read(process, time.monotonic() + timeout_s, bytes_max)
        finally:
            process.kill()
    if said is None:
        raise Unavailable(f"{command[0]} did not end within {timeout_s:g} s")
    if not said:
        why = one_line(complaint.decode(errors="replace").strip()) or "it prints nothing"
        raise Unavailable(f"{command[0]}: {why[:200]}")
    return said


def _read(process: subprocess.Popen[bytes], deadline_s: float, bytes_max: int) -> tuple[bytes | None, bytes]:
    """What it says on stdout, None if it took too long; and the beginning of what it says on stderr."""
    assert process.stdout is not None  # noqa: S101 - asked for above
    assert process.stderr is not None  # noqa: S101
    said, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, said)
        selector.register(process.stderr, selectors.EVENT_READ, complaint)
        while selector.get_map() and len(said) < bytes_max:
            ready = selector.select(max(deadline_s - time.monotonic(), 0.0))
            if not ready:
                return None, bytes(complaint)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                key.data.extend(data)
            del complaint[_COMPLAINT_BYTES_MAX:]
    return bytes(said[:bytes_max]), bytes(complaint)
