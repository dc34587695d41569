"""A thousand times a card is pulled out and plugged in again, both directions in use: nothing is left behind by any."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.audio.formats import FRAME_BYTES
from tests.hardware.test_supervised import Stack, until_playback
from tests.softcard.card import StreamDefinition
from tests.tiers.endurance.show import show
from tests.tiers.endurance.usage import Usage, usage

if TYPE_CHECKING:
    import pytest

    from tests.softcard.card import SoundRack

ROUNDS = (50, 550, 1050)
"""Cycles after which everything is measured; the first are the warm-up."""
SPEED = 20
"""How much faster than real time the card, and every wait of the supervisors, goes by."""
LIMIT_S = 240.0
GROWTH_BYTES = 1 << 20
"""In the last 500 cycles."""
GROWTH_OBJECTS = 50
"""Of any type, in the last 500 cycles."""


async def cycle(stack: Stack, number: int) -> None:
    """Hear and say something; out, in one of the ways a card goes; noticed; in again, under a name of its own."""
    await stack.listener.hear(1)
    stack.listener.frames.clear()
    stack.playback.offer(bytes(FRAME_BYTES))
    stack.card.unplug(badfd_first=number % 2 == 0)
    if number % 3:  # at times without any news
        stack.hotplug.tell()
    while stack.capture.status().problem is None:  # noqa: ASYNC110 - the status tells nobody
        await trio.sleep(0.02)
    stack.card.replug(f"Array_{number % 4}")
    if number % 3:
        stack.hotplug.tell()
    await stack.listener.hear(1)


def test_a_thousand_unplug_cycles_leave_nothing_behind(
    sound_rack: SoundRack, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("CRITICAL", "station")  # pytest would keep what is logged
    fast = StreamDefinition(("S32_LE",), (48_000,), (2,), speed=SPEED)
    stack: Stack
    held: list[tuple[Usage, int]] = []

    async def unplug_again_and_again() -> None:
        nonlocal stack
        stack = Stack(sound_rack.plug_in("Array_0", fast))
        with trio.fail_after(LIMIT_S * SPEED):
            async with trio.open_nursery() as nursery:
                await nursery.start(stack.playback.run)
                await nursery.start(stack.capture.run)
                for number in range(ROUNDS[-1]):
                    await cycle(stack, number)
                    if number + 1 in ROUNDS:
                        await until_playback(stack, works=True)
                        stack.hardware.asked_s.clear()
                        held.append((usage(), trio.lowlevel.current_statistics().tasks_living))
                nursery.cancel_scope.cancel()

    began_s = time.monotonic()
    trio.run(unplug_again_and_again, clock=trio.testing.MockClock(rate=SPEED))
    took_s = time.monotonic() - began_s
    (warm, tasks), (halfway, _), (ended, _) = held
    status = stack.capture.status()
    show(
        capsys,
        f"{status.reopens} reopenings in {took_s:.0f} s, {status.gaps} gaps; descriptors {warm.descriptors} > "
        f"{ended.descriptors}; resident MiB " + " > ".join(f"{each.resident_bytes / 1048576:.1f}" for each, _ in held),
    )
    assert status.reopens >= 1000
    assert status.gaps >= 1000
    assert {living for _, living in held} == {tasks}
    assert warm.descriptors == halfway.descriptors == ended.descriptors
    assert ended.grown_types(halfway, GROWTH_OBJECTS) == {}
    assert ended.resident_bytes - halfway.resident_bytes < GROWTH_BYTES
