"""The control socket's place in the file system: taken without a race, opened to a group, and given back."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import stat
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import trio

from gatewayd.control.peers import group_id, group_name
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TAKEOVER_LIMIT_S = 2.0
"""Longest wait for another process that is also looking at the socket's place; it takes microseconds."""
QUEUE_LENGTH = 16
"""Clients that the kernel lets wait to be accepted."""

_SOCKET_MODE = 0o660
_PATH_LIMIT_BYTES = 107
_log = logging.getLogger("gatewayd.control")


@asynccontextmanager
async def listening_at(path: Path, group: str) -> AsyncIterator[tuple[trio.SocketListener, int]]:
    """Listen at `path` for the members of `group`, as (listener, number of the group); "": the process's own group.

    A socket left behind by a dead daemon is replaced, and the own one is removed at the end. A group that does not
    exist, or that this user may not give a file to, is told in the log, and the own one stays: fewer may ask then, but
    the station goes on. Raises `Unavailable` when the place is taken by a living daemon or cannot be used.
    """
    try:
        async with _place_locked(path.parent):
            listening = _listen(path, group)
    except trio.TooSlowError:
        raise Unavailable(f"{path}: another process keeps {path.parent} locked; find it with `fuser`") from None
    except OSError as error:
        raise _unusable(path, error) from None
    with _removed_at_the_end(path, listening) as gid:
        async with trio.SocketListener(trio.socket.from_stdlib_socket(listening.dup())) as listener:
            yield listener, gid


@asynccontextmanager
async def _place_locked(directory: Path) -> AsyncIterator[None]:
    """Hold the socket's directory, so that of two daemons that start at once only one takes the place."""
    descriptor = _open_directory(directory)
    try:
        with trio.fail_after(TAKEOVER_LIMIT_S):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - held by another process, which sets no event here
                await trio.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _open_directory(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listen(path: Path, group: str) -> socket.socket:
    """Make the socket at `path`, listening. The caller holds the lock. Raises `Unavailable` and `OSError`."""
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.bind(str(path))
        # Nobody can connect before listen(), so nobody slips in under the wider mode that bind() gave.
        path.chmod(_SOCKET_MODE)
        if group:
            _give_to(path, group)
        listening.listen(QUEUE_LENGTH)
    except BaseException:
        listening.close()
        raise
    return listening


def _give_to(path: Path, group: str) -> None:
    """Give the socket to `group`. Linux lets its owner do so for a group that the owner is in, and root for any."""
    gid = group_id(group)
    why = "there is no such group; make it (`groupadd`), or set control.group to one there is"
    if gid is not None:
        try:
            os.chown(path, -1, gid)
        except OSError as error:
            why = f"{error.strerror}: the daemon's user must be in it (`usermod -aG {group} USER`, then start it anew)"
        else:
            return
    own = group_name(path.stat().st_gid)
    _log.error("control.group = %r: %s. Until then the socket is for group %r", group, why, own)


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on. Raises `Unavailable` if somebody does, or if it is no socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Unavailable(f"{path} is not a socket; remove it, or set control.socket to another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its queue is full: somebody listens there
    raise Unavailable(
        f"another gatewayd is running and answers on {path}; stop it (`systemctl stop gatewayd`), or set "
        "control.socket to another path"
    )


@contextmanager
def _removed_at_the_end(path: Path, listening: socket.socket) -> Iterator[int]:
    """Own `listening`, as its group's number: on leaving, its file is removed if it still is the own one, then it is
    closed.

    In this order, while the socket still accepts, no other daemon can take the path for stale and put its own there.
    """
    status = path.lstat()
    try:
        yield status.st_gid
    finally:
        with suppress(OSError):
            now = path.lstat()
            if (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino):
                path.unlink()
        listening.close()


def _unusable(path: Path, error: OSError) -> Unavailable:
    if len(os.fsencode(path)) > _PATH_LIMIT_BYTES:
        return Unavailable(f"{path}: a socket's path has at most {_PATH_LIMIT_BYTES} bytes; shorten control.socket")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Unavailable(
            f"{path}: not allowed to make the control socket there; run as root, or set control.socket to a path in a "
            "directory of your own"
        )
    return Unavailable(f"{path}: cannot make the control socket there: {error.strerror or error}")
