from __future__ import annotations

import grp
import os
import socket

from gatewayd.control.peers import Admission, Peer, group_id, group_name, peer_of


def test_a_peer_is_known_by_the_kernels_word() -> None:
    one, other = socket.socketpair()
    with one, other:
        peer = peer_of(one)
    assert (peer.pid, peer.uid) == (os.getpid(), os.geteuid())
    assert peer.gids == {os.getegid(), *os.getgroups()}
    assert str(peer) == f"uid {os.geteuid()} (process {os.getpid()})"


def test_root_the_own_user_and_the_group_are_admitted_and_nobody_else() -> None:
    admission = Admission(own_uid=990, gid=29)
    assert admission.admits(Peer(1, 0, frozenset([0])))
    assert admission.admits(Peer(2, 990, frozenset([990])))
    assert admission.admits(Peer(3, 1000, frozenset([1000, 29])))
    assert not admission.admits(Peer(4, 1000, frozenset([1000, 0])))


def test_groups_by_name_and_by_number() -> None:
    root = grp.getgrgid(0).gr_name
    assert (group_id(root), group_name(0)) == (0, root)
    assert group_id("no-such-group") is None
    assert group_name(4_000_000_000) == "4000000000"
    assert Admission(0, 0).group == root
