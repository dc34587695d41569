"""Runs a journald of its own and logs to it; prints what came of it as JSON.

`unshare --mount python -m tests.tiers.journal.inside`: /run is replaced by an empty one, for this process only.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.message_ids import MessageId
from gatewayd.redaction import remember_secret
from gatewayd.session.causes import Cause
from gatewayd.system.journal import SOCKET, JournalHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOURNALD = "/usr/lib/systemd/systemd-journald"
SECRET = "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4"
RECORDS_WHILE_STOPPED = 5000
"""More than any journald's queue holds, which is 512 datagrams where systemd has set it."""
PATIENCE_S = 20.0

log = logging.getLogger("gatewayd.test")


@contextmanager
def journald() -> Iterator[subprocess.Popen[bytes]]:
    SOCKET.unlink(missing_ok=True)
    with subprocess.Popen([JOURNALD], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(SOCKET.is_socket)
            yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until_s:
            sys.exit("journald did not do in time what was waited for")
        time.sleep(0.02)


def entries() -> list[dict[str, str]]:
    """What is in the journal of this process."""
    command = ["journalctl", "-D", "/run/log/journal", "-o", "json", "--no-pager", f"_PID={os.getpid()}"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def has(message: str) -> bool:
    return any(message in entry["MESSAGE"] for entry in entries())


def waits() -> int:
    """How often this thread has waited for anything so far (getrusage(2), voluntary context switches)."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def stopped(process: subprocess.Popen[bytes], handler: JournalHandler) -> dict[str, object]:
    """Log while journald stands still, and then until it has told of the loss."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    waits_before, busy_before_s = waits(), time.thread_time()
    for number in range(RECORDS_WHILE_STOPPED):
        log.info("frame %d", number)
    result: dict[str, object] = {
        "waits": waits() - waits_before,
        "busy_s": time.thread_time() - busy_before_s,
        "lost": handler.lost["info"],
    }
    process.send_signal(signal.SIGCONT)
    wait_until(handler.tell_losses)
    log.info("and on")
    wait_until(lambda: has("and on"))
    return result


def main() -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/log/journal").mkdir(parents=True)
    Path("/run/systemd").mkdir()
    with journald() as process:
        handler = JournalHandler(debug=False)
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        remember_secret(SECRET)
        extra = {
            "station": "lobby",
            "cause": Cause.DNS_FAILED,
            "message_id": MessageId.SESSION_ENDED,
            "http_status": 503,
        }
        log.warning("told %s:\n%s", "Grüße", SECRET, extra=extra)
        wait_until(lambda: has("told"))
        first = entries()
        stop = stopped(process, handler)
        told = [entry for entry in entries() if "GATEWAYD_LOST" in entry]
    log.info("nobody listens")
    with journald():
        log.info("after the restart")
        wait_until(lambda: has("after the restart"))
        restarted = entries()[-2:]
    json.dump({"first": first, "stopped": stop, "told": told, "restarted": restarted}, sys.stdout)


if __name__ == "__main__":
    main()
