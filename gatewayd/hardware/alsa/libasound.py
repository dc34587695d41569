"""What pyalsaaudio leaves out of libasound: its messages, and an open that fails without a trace.

libasound explains failures ("Unknown PCM front-desk") by printing to stderr, where nobody who reads an error would look
for them; here they are collected instead, so that they can go into the error. pyalsaaudio 0.11 loses 80 bytes each time
opening fails: nothing once, 4 MB a day while a missing microphone is looked for every two seconds. Hence `probe`, which
loses none.

Only the thread that called `collect_messages` has its messages collected; gatewayd opens devices from one thread.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewayd.audio.formats import StreamParameters

MESSAGES_KEPT = 16
"""libasound explains from the inside out; eight lines for one failure have been seen."""
_MESSAGE_BYTES = 256
_NONBLOCK = 1
"""`SND_PCMNONBLOCK`: an open that does not wait until another program lets go."""

RW_INTERLEAVED = 3
"""`SND_PCM_ACCESS_RW_INTERLEAVED`."""
_PROBED_BUFFER_US = 500_000
"""A wish, of which libasound takes what is nearest."""

# `void handler(const char *file, int line, const char *function, int err, const char *fmt, va_list arg)`. A va_list is
# passed as a pointer, or as a structure of one, by the calling conventions of x86-64, aarch64 and 32-bit ARM; it is
# only handed on to vsnprintf.
_Handler = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
)
_messages: deque[str] = deque(maxlen=MESSAGES_KEPT)


def collect_messages() -> None:
    """Have this thread's libasound messages collected rather than printed, from now on; may be called again."""
    library().snd_lib_error_set_local(_handler)


def take_messages() -> str:
    """What libasound said since the last call, in one line; empty if nothing.

    Of several messages the first, which is nearest to the cause, and the last, which names the device.
    """
    taken = "; ".join(dict.fromkeys([_messages[0], _messages[-1]])) if _messages else ""
    _messages.clear()
    return taken


def probe(device: str, *, capture: bool, parameters: StreamParameters | None = None) -> str:
    """Open `device` without blocking, set `parameters`, close it; empty, or what `strerror` says of why not."""
    try:
        handle = open_handle(device, capture=capture)
        try:
            if parameters is not None:
                _set(handle, parameters)
        finally:
            close_handle(handle)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def open_handle(device: str, *, capture: bool) -> ctypes.c_void_p:
    """Open `device` without blocking; nothing is set or started. Raises `OSError`."""
    handle = ctypes.c_void_p()
    result: int = library().snd_pcm_open(ctypes.byref(handle), device.encode(), 1 if capture else 0, _NONBLOCK)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return handle


def close_handle(handle: ctypes.c_void_p) -> None:
    """Close what `open_handle` gave."""
    library().snd_pcm_close(handle)


def _set(handle: ctypes.c_void_p, parameters: StreamParameters) -> None:
    result: int = library().snd_pcm_set_params(
        handle,
        library().snd_pcm_format_value(parameters.format.value.encode()),
        RW_INTERLEAVED,
        parameters.channels,
        parameters.rate_hz,
        0,  # as it is: no resampling
        _PROBED_BUFFER_US,
    )
    if result < 0:
        raise OSError(-result, os.strerror(-result))


@cache
def library() -> Any:
    """libasound itself, through ctypes; who calls more of it declares what that takes."""
    loaded = ctypes.CDLL("libasound.so.2")
    loaded.snd_lib_error_set_local.argtypes = [_Handler]
    loaded.snd_lib_error_set_local.restype = ctypes.c_void_p
    loaded.snd_pcm_open.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    loaded.snd_pcm_close.argtypes = [ctypes.c_void_p]
    loaded.snd_pcm_format_value.argtypes = [ctypes.c_char_p]
    unsigned = ctypes.c_uint
    loaded.snd_pcm_set_params.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        unsigned,
        unsigned,
        unsigned,
        ctypes.c_int,
        unsigned,
    ]
    return loaded


@cache
def _formatter() -> Any:
    formatter = ctypes.CDLL(None).vsnprintf
    formatter.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    return formatter


def _collect(_file: bytes, _line: int, _function: bytes, _error: int, text: bytes, arguments: int) -> None:
    buffer = ctypes.create_string_buffer(_MESSAGE_BYTES)
    _formatter()(buffer, _MESSAGE_BYTES, text, arguments)
    _messages.append(buffer.value.decode(errors="replace").strip())


_handler = _Handler(_collect)
"""Kept for good, as libasound keeps its address."""
