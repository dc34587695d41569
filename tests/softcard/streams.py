"""Streams of software sound cards opened through pyalsaaudio, as the tests of this folder want them."""

from __future__ import annotations

import select
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import alsaaudio

from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20.0
"""Far longer than anything here takes; it only keeps a broken card from hanging the run."""


def open_stream(
    device: str,
    direction: Direction,
    *,
    sample_format: str = "S32_LE",
    rate_hz: int = 48_000,
    channels: int = 2,
    period: int = 480,
    periods: int = 8,
    blocking: bool = False,
) -> Any:
    """A PCM that took exactly these parameters; the caller closes it."""
    pcm = alsaaudio.PCM(
        type=alsaaudio.PCM_CAPTURE if direction is Direction.CAPTURE else alsaaudio.PCM_PLAYBACK,
        mode=alsaaudio.PCM_NORMAL if blocking else alsaaudio.PCM_NONBLOCK,
        device=device,
        format=getattr(alsaaudio, f"PCM_FORMAT_{sample_format}"),
        rate=rate_hz,
        channels=channels,
        periodsize=period,
        periods=periods,
    )
    info = pcm.info()
    taken = (info["format_name"], info["rate"], info["channels"], info["period_size"], info["buffer_size"])
    assert taken == (sample_format, rate_hz, channels, period, period * periods)
    return pcm


@contextmanager
def opened(device: str, direction: Direction, **parameters: Any) -> Iterator[Any]:
    """`open_stream`, closed on leaving; what is not played is thrown away (closing would wait for it)."""
    pcm = open_stream(device, direction, **parameters)
    try:
        yield pcm
    finally:
        with suppress(alsaaudio.ALSAAudioError):
            pcm.drop()
        pcm.close()


def wait(pcm: Any) -> int:
    """Wait until the stream has something to tell; its poll events."""
    poll = select.poll()
    for descriptor, wanted in pcm.polldescriptors():
        poll.register(descriptor, wanted)
    ready = poll.poll(WAIT_S * 1000)
    assert ready, "the card did not wake the application"
    return int(pcm.polldescriptors_revents(ready))


def capture(pcm: Any, size: int) -> bytes:
    """Read until `size` bytes are there, waiting as long as it takes; no xrun may happen."""
    data = b""
    while len(data) < size:
        frames, block = pcm.read()
        assert frames >= 0
        data += block
        if not frames:
            wait(pcm)
    return data
