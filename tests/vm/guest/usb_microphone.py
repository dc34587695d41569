"""A USB microphone that is not there: plugged into this kernel through vhci_hcd, which takes it for a real one.

    python3 -m tests.vm.guest.usb_microphone

Commands on stdin, each answered by `ok` on stdout once it is done: `plug VENDOR:PRODUCT NAME`, `unplug`, `stall` (the
device stays and gives nothing more), `go`. Needs root and the module vhci_hcd. The kernel talks to it by USB/IP
(Documentation/usb/usbip_protocol.rst) over a socket pair; what it hears is a tone of 440 Hz, in both channels.
"""

from __future__ import annotations

import array
import math
import select
import socket
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.vm.guest.usb_descriptors import CHANNELS, PACKET_BYTES, RATE_HZ, Identity, descriptor

TONE_HZ, AMPLITUDE = 440, 10_000
PACKET_S = 0.001
GATHER_S = 0.004
"""What is due is sent in bunches this far apart: an emulated processor cannot wake up a thousand times a second."""
RESTART_AFTER_S = 0.5
"""A stream that asked for nothing for so long begins anew at the time it asks again."""
LATENCY_S = 0.05
"""How long the loop sleeps at most with nothing due, to notice a command."""

_CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
_PORT_FREE, _FULL_SPEED, _DEVICE_ID = "004", 2, 0x10001
_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4
_HEADER_BYTES, _ISO_BYTES = 48, 16
_EPIPE, _ECONNRESET = -32, -104
_GET_STATUS, _GET_DESCRIPTOR, _GET_SETTING, _SET_SETTING = (0x80, 0), (0x80, 6), (0x81, 10), 11
_GET_RATE = (0xA2, 0x81)


def _second_of_sound() -> bytes:
    samples = array.array("h")
    for frame in range(RATE_HZ):
        samples.extend(CHANNELS * [round(AMPLITUDE * math.sin(2 * math.pi * TONE_HZ * frame / RATE_HZ))])
    return samples.tobytes()


class _Asked(NamedTuple):
    """A request for sound: so many packets, the last of which is due at a time."""

    due_s: float
    sequence: int
    packets: int


class Microphone:
    """One device on one port of the virtual controller."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._setting = 0
        self._sound = 2 * _second_of_sound()
        self._position = 0
        self._asked: deque[_Asked] = deque()
        self._next_s = 0.0
        self.stalled = False
        self._ours, self._kernels = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)
        self._port = _free_port()

    def plug_in(self) -> None:
        """Attach it. The kernel asks it for its descriptors from then on."""
        self._thread.start()
        words = f"{self._port} {self._kernels.fileno()} {_DEVICE_ID} {_FULL_SPEED}"
        (_CONTROLLER / "attach").write_text(words, "ascii")

    def unplug(self) -> None:
        """Detach it, as if pulled out."""
        (_CONTROLLER / "detach").write_text(str(self._port), "ascii")
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()
        self._kernels.close()

    def _serve(self) -> None:
        pending = bytearray()
        while True:
            self._give_sound()
            if not select.select([self._ours], [], [], self._patience_s())[0]:
                continue
            if self._asked:
                time.sleep(GATHER_S)
            try:
                data = self._ours.recv(65536)
            except OSError:
                return
            if not data:
                return
            pending += data
            while taken := self._take(pending):
                del pending[:taken]

    def _patience_s(self) -> float:
        if self.stalled or not self._asked:
            return LATENCY_S
        return min(LATENCY_S, max(0.0, self._asked[0].due_s - time.monotonic()))

    def _give_sound(self) -> None:
        now_s = time.monotonic()
        answers = bytearray()
        while not self.stalled and self._asked and self._asked[0].due_s <= now_s:
            asked = self._asked.popleft()
            data = self._sound[self._position : self._position + asked.packets * PACKET_BYTES]
            self._position = (self._position + len(data)) % (len(self._sound) // 2)
            answers += _answer(asked.sequence, actual=len(data), packets=asked.packets) + data
            for packet in range(asked.packets):
                answers += struct.pack(">IIII", packet * PACKET_BYTES, PACKET_BYTES, PACKET_BYTES, 0)
        self._send(answers)

    def _take(self, pending: bytearray) -> int:
        """Deal with the request at the beginning; how many bytes it was, 0 while it is not all there."""
        if len(pending) < _HEADER_BYTES:
            return 0
        command, sequence, _, direction, endpoint = struct.unpack_from(">IIIII", pending)
        if command == _UNLINK:
            self._unlink(sequence, struct.unpack_from(">I", pending, 20)[0])
            return _HEADER_BYTES
        length, _, packets, _, setup = struct.unpack_from(">IiiI8s", pending, 24)
        rest = length if direction == 0 else 0
        if endpoint:
            rest += packets * _ISO_BYTES
        if len(pending) < _HEADER_BYTES + rest:
            return 0
        if endpoint:
            self._ask(sequence, packets)
        else:
            self._control(sequence, setup, written=rest)
        return _HEADER_BYTES + rest

    def _ask(self, sequence: int, packets: int) -> None:
        now_s = time.monotonic()
        if self._next_s < now_s - RESTART_AFTER_S:
            self._next_s = now_s
        self._next_s += packets * PACKET_S
        self._asked.append(_Asked(self._next_s, sequence, packets))

    def _unlink(self, sequence: int, unlinked: int) -> None:
        before = len(self._asked)
        self._asked = deque(asked for asked in self._asked if asked.sequence != unlinked)
        status = _ECONNRESET if len(self._asked) < before else 0
        self._send(struct.pack(">IIIIIi24x", _UNLINKED, sequence, 0, 0, 0, status))

    def _control(self, sequence: int, setup: bytes, *, written: int) -> None:
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        answer: bytes | None = b""
        if (kind, request) == _GET_DESCRIPTOR:
            answer = descriptor(self._identity, value >> 8, value & 0xFF)
        elif (kind, request) == _GET_STATUS:
            answer = b"\0\0"
        elif (kind, request) == _GET_SETTING:
            answer = bytes([self._setting])
        elif (kind, request) == _GET_RATE:
            answer = RATE_HZ.to_bytes(3, "little")
        elif kind & 0x80:
            answer = None
        elif (request, index) == (_SET_SETTING, 1):
            self._setting, self._next_s = value, 0.0
        if answer is None:
            self._send(_answer(sequence, status=_EPIPE))
        elif kind & 0x80:
            self._send(_answer(sequence, actual=len(answer[:length])) + answer[:length])
        else:
            self._send(_answer(sequence, actual=written))

    def _send(self, data: bytes | bytearray) -> None:
        with suppress(BrokenPipeError):  # pulled out just now: the next receive ends the loop
            self._ours.sendall(data)


def _answer(sequence: int, *, status: int = 0, actual: int = 0, packets: int = 0) -> bytes:
    return struct.pack(">IIIIIiiiii8x", _SUBMITTED, sequence, 0, 0, 0, status, actual, 0, packets, 0)


def _free_port() -> int:
    for line in (_CONTROLLER / "status").read_text("ascii").splitlines()[1:]:
        hub, port, state, *_ = line.split()
        if hub == "hs" and state == _PORT_FREE:
            return int(port)
    raise RuntimeError("every port of the virtual controller is taken")


def main() -> None:
    """Carry out the commands on stdin until it ends."""
    microphone: Microphone | None = None
    for line in sys.stdin:
        command, *words = line.strip().split(" ", 2)
        if command == "plug":
            vendor, product = (int(number, 16) for number in words[0].split(":"))
            microphone = Microphone(Identity(vendor, product, words[1]))
            microphone.plug_in()
        elif microphone is None:
            raise SystemExit(f"{command}: nothing is plugged in")
        elif command == "unplug":
            microphone.unplug()
            microphone = None
        else:
            microphone.stalled = command == "stall"
        sys.stdout.write("ok\n")
        sys.stdout.flush()
    if microphone is not None:
        microphone.unplug()


if __name__ == "__main__":
    main()
