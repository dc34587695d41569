"""Whatever happens to a station's sound hardware, in whatever order: once it is well again, it is heard and speaks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import (
    DeviceAmbiguous,
    DeviceBusy,
    DeviceDenied,
    DeviceError,
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DeviceStalled,
)
from gatewayd.hardware.inventory import Card, UsbIdentity
from gatewayd.hardware.settings import RecoveryStep
from gatewayd.station.reopening import REFUSED_DELAY_MAX_S
from tests.station.bench import CAPTURE, DEVICE, PLAYBACK, SETTINGS, Bench
from tests.station.fakes import NOISE, STUCK, ZEROS

if TYPE_CHECKING:
    from collections.abc import Callable

STATION = replace(
    SETTINGS,
    card=Card(2, "Array", usb=UsbIdentity("2886:001a", path="1-1.2")),
    recovery=tuple(RecoveryStep),
    capture=replace(CAPTURE, needs_playback=True, warm_up_ms=700, mute_gives_zeros=True),
    playback=replace(PLAYBACK, keep_alive=True),
)
WELL_WITHIN_S = REFUSED_DELAY_MAX_S + 15
"""The longest wait without any news, then a bounded wait for playback, the warm-up, and health's own two seconds."""
ATTEMPTS_IN_10_S_MAX = 45
"""Waits of 0.25 s and a storm of news, four a second, and the ladder."""

ERRORS = [
    kind(DEVICE, "as the walk wants it")
    for kind in (
        DeviceAmbiguous,
        DeviceBusy,
        DeviceDenied,
        DeviceLost,
        DeviceMissing,
        DeviceRefused,
        DeviceStalled,
    )
]


def find_fails(error: DeviceError) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.hardware, "fails", error)


def opening_fails(error: DeviceError) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.device, "fails_to_open", error)


def playback_fails(error: DeviceError) -> Callable[[Bench], None]:
    def fail(bench: Bench) -> None:
        bench.speaker.fails_to_open = error
        if bench.speaker.is_open:
            bench.speaker.stream.fails = error

    return fail


def stream_fails(error: DeviceError) -> Callable[[Bench], None]:
    return lambda bench: bench.device.fail(error)


def reset_fails(error: DeviceError) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.usb, "fails", error)


def heal(bench: Bench) -> None:
    bench.hardware.fails = bench.device.fails_to_open = bench.speaker.fails_to_open = None
    bench.device.stalls = False
    bench.device.sound = NOISE


def sleep_for_an_hour(bench: Bench) -> None:
    bench.clock.slept_s += 3600


def lose_speaker(bench: Bench) -> None:
    bench.hardware.settings = replace(STATION, playback=None)


def find_speaker(bench: Bench) -> None:
    bench.hardware.settings = STATION


def change_name(bench: Bench) -> None:
    found = bench.hardware.settings
    bench.hardware.settings = replace(found, capture=replace(found.capture, device=f"{found.capture.device}+"))


def stand_still(bench: Bench) -> None:
    bench.device.stalls = True


def change_card(bench: Bench) -> None:
    bench.hardware.settings = replace(bench.hardware.settings, card=Card(len(bench.hardware.asked_s), "Other"))


def switch_off(control: str) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.mixer, "switched_off", control)


def hear(sound: bytes) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench.device, "sound", sound)


happenings = st.one_of(
    st.sampled_from(ERRORS).flatmap(
        lambda error: st.sampled_from(
            [find_fails(error), opening_fails(error), playback_fails(error), stream_fails(error), reset_fails(error)]
        )
    ),
    st.sampled_from([hear(sound) for sound in (NOISE, ZEROS, STUCK)]),
    st.sampled_from([heal, stand_still, sleep_for_an_hour, lose_speaker, find_speaker, change_name, change_card]),
    st.just(lambda bench: bench.hotplug.tell()),
    st.sampled_from([switch_off("Mic"), switch_off("")]),
)


@settings(max_examples=12)
@given(st.lists(st.tuples(happenings, st.integers(0, 12_000)), max_size=10))
def test_once_all_is_well_it_is_heard_and_speaks_whatever_was(
    story: list[tuple[Callable[[Bench], None], int]],
) -> None:
    """What happens, each followed by so many milliseconds."""

    async def live_through() -> None:
        bench = Bench(STATION)
        bench.device.sound = NOISE
        async with trio.open_nursery() as nursery:
            await nursery.start(bench.playback.run)
            await nursery.start(bench.supervisor.run)
            for happen, pause_ms in story:
                happen(bench)
                await trio.sleep(pause_ms / 1000)
            heal(bench)
            find_speaker(bench)
            await trio.sleep(WELL_WITHIN_S)
            frames = len(bench.listener.frames)
            await bench.say(1, 2, 3)
            await trio.sleep(1)
            status, playback = bench.supervisor.status(), bench.playback.status()
            assert (status.health, status.problem, status.recovery) == (MicrophoneHealth.OK, None, None)
            assert len(bench.listener.frames) > frames
            assert [number for _, number in bench.speaker.stream.speech()][-3:] == [1, 2, 3]
            assert playback is not None
            assert playback.problem is None
            nursery.cancel_scope.cancel()
        assert (bench.device.is_open, bench.speaker.is_open) == (False, False)
        for attempts_s in (bench.device.attempts_s, bench.speaker.attempts_s):
            later_s = attempts_s[ATTEMPTS_IN_10_S_MAX:]
            assert all(late - early > 10 for early, late in zip(attempts_s, later_s, strict=False))
        resets_s = [when_s for when_s, _ in bench.usb.resets]
        assert all(late - early >= 600 for early, late in pairwise(resets_s))

    trio.run(live_through, clock=trio.testing.MockClock(autojump_threshold=0))
