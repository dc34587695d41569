"""The answering side of the control socket; it knows the protocol and nothing about stations."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import trio

from gatewayd.control.protocol import (
    REQUEST_LIMIT_BYTES,
    LineSplitter,
    LineTooLong,
    Refusal,
    Request,
    RequestRefused,
    decode_request,
    encode_refusal,
    encode_result,
)
from gatewayd.errors import GatewayError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

Handler = Callable[[Request], Awaitable[Mapping[str, object]]]
"""Carries a request out and returns the result. A `RequestRefused` is told to the client as it is, any other
`GatewayError` as `failed`; what else it raises is a bug and ends the server. It is cancelled after `REQUEST_LIMIT_S`.
"""

CLIENTS_LIMIT = 16
"""Clients at a time; a further one is told `busy`. People and a monitoring agent need two or three."""
REQUEST_LIMIT_S = 5.0
"""Longest a handler may take."""
IDLE_LIMIT_S = 10.0
"""Longest a client may take for one whole request line, so that silent ones give their place back."""
SEND_LIMIT_S = 2.0
"""Longest a client may take to accept an answer."""
TAKEOVER_LIMIT_S = 2.0
"""Longest wait for another process that is also looking at the socket's place; it takes microseconds."""

_SOCKET_MODE = 0o660
_PATH_LIMIT_BYTES = 107
_CHUNK_BYTES = 4096
_log = logging.getLogger("gatewayd.control")


async def serve(
    socket_path: Path, handler: Handler, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer requests on `socket_path` until cancelled; `task_status` starts once clients can connect.

    A socket left behind by a dead daemon is replaced, and the own one is removed at the end. Raises `Unavailable` when
    the place is taken by a living daemon or cannot be used, and whatever bug a handler raises. No client can do more
    than be refused.
    """
    places = trio.Semaphore(CLIENTS_LIMIT)
    async with _listening(socket_path) as listener:
        task_status.started()
        await trio.serve_listeners(partial(_serve_client, handler, places), [listener])


async def _serve_client(handler: Handler, places: trio.Semaphore, stream: trio.SocketStream) -> None:
    """Admit a client or turn it away. Who may ask what (SO_PEERCRED of `stream.socket`) is to be decided here."""
    with suppress(trio.BrokenResourceError):  # the client hung up: its business, not ours
        async with stream:
            try:
                places.acquire_nowait()
            except trio.WouldBlock:
                await _send(stream, _refusal(Refusal.BUSY, f"gatewayd serves {CLIENTS_LIMIT} clients; try again"))
                return
            try:
                await _converse(stream, handler)
            finally:
                places.release()


async def _converse(stream: trio.SocketStream, handler: Handler) -> None:
    """Answer one client's requests in order until it leaves, stays silent, or says what is no request."""
    lines = LineSplitter(REQUEST_LIMIT_BYTES)
    while True:
        line = None
        with trio.move_on_after(IDLE_LIMIT_S):
            try:
                line = await _next_line(stream, lines)
            except LineTooLong:
                await _send(stream, _refusal(Refusal.MALFORMED, f"a request has at most {REQUEST_LIMIT_BYTES} bytes"))
        if line is None:
            return
        try:
            request = decode_request(line)
        except RequestRefused as refused:
            _log.debug("control request refused: %s", refused)
            await _send(stream, encode_refusal(refused))
            return
        if not await _send(stream, await _carry_out(request, handler)):
            return


async def _next_line(stream: trio.SocketStream, lines: LineSplitter) -> bytes | None:
    """The client's next line, or None once it has no more to say."""
    while (line := lines.next_line()) is None:
        data = await stream.receive_some(_CHUNK_BYTES)
        if not data:
            return lines.rest() or None
        lines.feed(data)
    return line


async def _carry_out(request: Request, handler: Handler) -> bytes:
    with trio.move_on_after(REQUEST_LIMIT_S):
        try:
            return encode_result(await handler(request))
        except RequestRefused as refused:
            return encode_refusal(refused)
        except GatewayError as error:
            return _refusal(Refusal.FAILED, str(error))
    _log.warning("control request %s was not carried out within %g s", request.command.value, REQUEST_LIMIT_S)
    return _refusal(Refusal.TIMED_OUT, f"gatewayd could not carry that out within {REQUEST_LIMIT_S:g} s; try again")


async def _send(stream: trio.SocketStream, line: bytes) -> bool:
    """Send a whole line; False when the client does not take it in time, after which the stream is of no more use."""
    with trio.move_on_after(SEND_LIMIT_S) as sending:
        await stream.send_all(line)
    return not sending.cancelled_caught


def _refusal(refusal: Refusal, message: str) -> bytes:
    return encode_refusal(RequestRefused(refusal, message))


@asynccontextmanager
async def _listening(path: Path) -> AsyncIterator[trio.SocketListener]:
    try:
        async with _place_locked(path.parent):
            listening = _listen(path)
    except trio.TooSlowError:
        raise Unavailable(f"{path}: another process keeps {path.parent} locked; find it with `fuser`") from None
    except OSError as error:
        raise _unusable(path, error) from None
    with _removed_at_the_end(path, listening):
        async with trio.SocketListener(trio.socket.from_stdlib_socket(listening.dup())) as listener:
            yield listener


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


def _listen(path: Path) -> socket.socket:
    """Make the socket at `path`, listening. The caller holds the lock. Raises `Unavailable` and `OSError`."""
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.bind(str(path))
        # Nobody can connect before listen(), so nobody slips in under the wider mode that bind() gave.
        path.chmod(_SOCKET_MODE)
        listening.listen(CLIENTS_LIMIT)
    except BaseException:
        listening.close()
        raise
    return listening


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
def _removed_at_the_end(path: Path, listening: socket.socket) -> Iterator[None]:
    """Own `listening`: on leaving, its file is removed if it still is the own one, then it is closed.

    In this order, while the socket still accepts, no other daemon can take the path for stale and put its own there.
    """
    own = _identity(path)
    try:
        yield
    finally:
        with suppress(OSError):
            if _identity(path) == own:
                path.unlink()
        listening.close()


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _unusable(path: Path, error: OSError) -> Unavailable:
    if len(os.fsencode(path)) > _PATH_LIMIT_BYTES:
        return Unavailable(f"{path}: a socket's path has at most {_PATH_LIMIT_BYTES} bytes; shorten control.socket")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Unavailable(
            f"{path}: not allowed to make the control socket there; run as root, or set control.socket to a path in a "
            "directory of your own"
        )
    return Unavailable(f"{path}: cannot make the control socket there: {error.strerror or error}")
