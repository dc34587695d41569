"""Who is at the other end of the control socket, by the kernel's word, and whether that one may use it.

The file's mode says who may connect. The check says it again at each connection, and so holds where the mode does not:
after somebody widened it, for a process that may override it (CAP_DAC_OVERRIDE), and for one in a container into which
the socket's directory was mounted, whose users are others here. It also gives the log a name.
"""

from __future__ import annotations

import grp
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    import trio

SO_PEERGROUPS = 59
"""From asm-generic/socket.h, Linux 4.13 and newer; Python has no name for it."""
_PYTHON_LIMIT_BYTES = 1024
"""As much as `getsockopt` takes: 256 groups."""
_UCRED = struct.Struct("iII")
"""`struct ucred` of unix(7): pid, uid, gid."""


@dataclass(frozen=True)
class Peer:
    """A process, as it was when it connected."""

    pid: int
    uid: int
    gids: frozenset[int]
    """Its group and its supplementary groups."""

    def __str__(self) -> str:
        return f"uid {self.uid} (process {self.pid})"


def peer_of(connection: socket.socket | trio.socket.SocketType) -> Peer:
    """The process that made this Unix connection. Raises `OSError` for another kind of socket."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    gids = {gid}
    with suppress(OSError):  # in more groups than fit: its own group must do
        more = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _PYTHON_LIMIT_BYTES)
        gids.update(struct.unpack(f"{len(more) // 4}I", more))
    return Peer(pid, uid, frozenset(gids))


@dataclass(frozen=True)
class Admission:
    """Root, the daemon's own user, and the members of the socket's group."""

    own_uid: int
    gid: int

    def admits(self, peer: Peer) -> bool:
        """Whether this one may ask."""
        return peer.uid in (0, self.own_uid) or self.gid in peer.gids

    @property
    def group(self) -> str:
        """The group as a person knows it."""
        return group_name(self.gid)


def group_name(gid: int) -> str:
    """The group's name, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def group_id(name: str) -> int | None:
    """The number of the group `name`; None where there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
