"""What the emulated USB microphone says of itself: USB 2.0 chapter 9, and USB Audio Class 1.0 chapter 4."""

from __future__ import annotations

import struct
from typing import NamedTuple

RATE_HZ, CHANNELS = 48_000, 2
FRAME_BYTES = 2 * CHANNELS
PACKET_BYTES = RATE_HZ // 1000 * FRAME_BYTES
"""One millisecond, which is what an isochronous packet of a full-speed device holds."""
LANGUAGES, DEVICE, CONFIGURATION, STRING = 0, 1, 2, 3

_MANUFACTURER, _PRODUCT, _SERIAL = 1, 2, 3
_AUDIO, _CONTROL, _STREAMING = 1, 1, 2
_MICROPHONE, _USB_STREAM = 0x0201, 0x0101
_MICROPHONE_UNIT, _OUTPUT_UNIT = 1, 2


class Identity(NamedTuple):
    """Who the device says it is."""

    vendor: int
    product: int
    name: str


def descriptor(identity: Identity, kind: int, index: int) -> bytes | None:
    """What the device answers to GET_DESCRIPTOR; None: it has no such."""
    if kind == DEVICE:
        numbers = (identity.vendor, identity.product, 0x0100, _MANUFACTURER, _PRODUCT, _SERIAL, 1)
        return struct.pack("<BBHBBBBHHHBBBB", 18, DEVICE, 0x0110, 0, 0, 0, 64, *numbers)
    if kind == CONFIGURATION:
        return _configuration()
    if kind != STRING:
        return None
    if index == LANGUAGES:
        return b"\x04\x03\x09\x04"
    texts = {_MANUFACTURER: "gatewayd tests", _PRODUCT: identity.name, _SERIAL: "SN0001"}
    text = texts.get(index, "").encode("utf-16-le")
    return bytes([2 + len(text), STRING]) + text


def _configuration() -> bytes:
    """An interface for control, and one for streaming, which is idle in setting 0 and gives sound in setting 1."""
    units = struct.pack("<BBBBHBBHBB", 12, 0x24, 2, _MICROPHONE_UNIT, _MICROPHONE, 0, CHANNELS, 0x0003, 0, 0)
    units += struct.pack("<BBBBHBBB", 9, 0x24, 3, _OUTPUT_UNIT, _USB_STREAM, 0, _MICROPHONE_UNIT, 0)
    parts = [
        _interface(0, setting=0, endpoints=0, subclass=_CONTROL),
        struct.pack("<BBBHHBB", 9, 0x24, 1, 0x0100, 9 + len(units), 1, 1) + units,
        _interface(1, setting=0, endpoints=0, subclass=_STREAMING),
        _interface(1, setting=1, endpoints=1, subclass=_STREAMING),
        struct.pack("<BBBBBH", 7, 0x24, 1, _OUTPUT_UNIT, 1, 1),
        struct.pack("<BBBBBBBB", 11, 0x24, 2, 1, CHANNELS, 2, 16, 1) + RATE_HZ.to_bytes(3, "little"),
        struct.pack("<BBBBHBBB", 9, 5, 0x81, 5, PACKET_BYTES + FRAME_BYTES, 1, 0, 0),
        struct.pack("<BBBBBH", 7, 0x25, 1, 1, 0, 0),
    ]
    whole = b"".join(parts)
    return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(whole), 2, 1, 0, 0x80, 50) + whole


def _interface(number: int, *, setting: int, endpoints: int, subclass: int) -> bytes:
    return struct.pack("<BBBBBBBBB", 9, 4, number, setting, endpoints, _AUDIO, subclass, 0, 0)
