"""Keeps a file for node_exporter's textfile collector, which reads every `*.prom` in its folder when it is asked."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import NoReturn

_log = logging.getLogger("gatewayd.metrics")


async def keep(path: Path, interval_s: float, render: Callable[[], Awaitable[bytes]]) -> NoReturn:
    """Write what `render` gives to `path` at once and then every `interval_s` seconds, until cancelled.

    A reader sees the old text or the new one, never a part. A write that fails is told once, and tried again at the
    next interval. At the end the file is removed: numbers that nobody keeps up would look like those of today.
    """
    told: str | None = None
    try:
        while True:
            problem = await trio.to_thread.run_sync(_replace, path, await render())
            if problem is not None and problem != told:
                _log.warning("%s cannot be written, and is tried again every %g s: %s", path, interval_s, problem)
            elif problem is None and told is not None:
                _log.info("%s can be written again", path)
            told = problem
            await trio.sleep(interval_s)
    finally:
        with suppress(OSError):
            path.unlink()  # noqa: ASYNC240 - on the way out, where nothing else waits


def _replace(path: Path, text: bytes) -> str | None:
    """Put `text` in the place of whatever is at `path`; why not, where that fails.

    The name of the new file ends in no `.prom`, so that nobody reads it half written, and is always the same, so that
    those of writers who were killed do not gather. O_EXCL: a link that lies there is not followed.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)  # node_exporter is another user, whatever the umask is here
            file.write(text)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        return error.strerror or str(error)
    return None
