"""A conversation that goes on and on: descriptors, threads and memory of the whole daemon stay where they were.

SOAK_S=86400 lets it run for a day; without it, for as long as CI has time. With a heartbeat every 0.2 s, twenty minutes
of it are what a device does in two days.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import trio

from tests.endtoend.running import daemon, voice_service, write_configuration
from tests.softcard.card import StreamDefinition

if TYPE_CHECKING:
    from tests.softcard.card import SoundRack

SOAK_S = float(os.environ.get("SOAK_S", "60"))
WARM_UP_S = 30.0
"""Allocator and caches grow until then."""
GROWTH_MAX_KB = 1536
"""What is lost for every frame shows: 640 bytes of each would be 1900 kB in a minute. 1 MB may be the allocator's: its
pages fill up for some minutes more (49.6 MB at first, 50.8 MB after 8 and after 15 minutes)."""
MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))


class Held(NamedTuple):
    """What a process holds."""

    descriptors: int
    threads: int
    resident_kb: int


def held(pid: int) -> Held:
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    descriptors, threads = (len(list((process / folder).iterdir())) for folder in ("fd", "task"))
    return Held(descriptors, threads, int(status["VmRSS"].split()[0]))


async def least(pid: int) -> Held:
    """What it holds between two heartbeats, each of which has a connection of its own for a moment."""
    looks = []
    for _ in range(20):
        looks.append(held(pid))
        await trio.sleep(0.03)
    return min(looks)


async def test_nothing_grows_while_it_talks(tmp_path: Path, sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 30 * 16_000).astype("<i2").tobytes())
    async with voice_service(tmp_path) as service, daemon(write_configuration(tmp_path, service, card)) as running:
        await running.wait_state("agent_ready")
        await trio.sleep(WARM_UP_S)
        before = await least(running.process.pid)
        await trio.sleep(SOAK_S)
        after = await least(running.process.pid)
        station = (await running.status())["stations"]["main"]
    print(f"{SOAK_S:g} s of conversation: {before} before, {after} after")  # noqa: T201 - the figure, with `-s`
    assert station["session"]["connects"] == 1
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
    assert after.resident_kb - before.resident_kb <= GROWTH_MAX_KB
