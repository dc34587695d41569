"""Muted: the microphone closed because a person wants so; and what is told of a microphone as events."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.control.events import (
    Muted,
    RecoveryStepTaken,
    Unmuted,
)
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import DeviceLost as MicrophoneGone
from gatewayd.errors import DeviceMissing, Unavailable
from gatewayd.hardware.settings import RecoveryStep
from gatewayd.seams.audio import CapturedBlock
from gatewayd.station.mute import CLOSE_LIMIT_S, KEEP_LIMIT_S, MuteSwitch
from gatewayd.station.presence import DEVICE_GRACE_S
from tests.station.bench import CAPTURE, DEVICE, SETTINGS, Bench
from tests.station.fakes import NOISE, STATION_LOG, ZEROS, frame_of

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gatewayd.control.events import Event

MISSING = DeviceMissing(DEVICE, "no such device")
LOST = MicrophoneGone(DEVICE, "it was unplugged")


async def mute(bench: Bench) -> None:
    bench.mute.turn_on()
    await bench.mute.closed()


class TestTheMicrophone:
    async def test_it_is_closed_at_once_and_nothing_of_it_is_handed_on(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        began_s = trio.current_time()
        await mute(bench)
        assert trio.current_time() == began_s
        assert not bench.device.is_open
        assert bench.listener.frames == [frame_of(1)]
        status = bench.supervisor.status()
        assert (status.health, status.problem) == (MicrophoneHealth.MUTED, None)

    async def test_what_it_gave_before_it_was_closed_is_not_handed_on_either(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        bench.device.hear(CapturedBlock(frame_of(2)))  # it is there, and not yet taken
        await mute(bench)
        assert bench.listener.frames == [frame_of(1)]

    async def test_it_is_opened_again_as_if_nothing_had_been(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        await mute(bench)
        await trio.sleep(3600)
        bench.mute.turn_off()
        await trio.testing.wait_all_tasks_blocked()
        assert bench.device.is_open
        await bench.hear(3)
        await trio.sleep(DEVICE_GRACE_S)
        status = bench.supervisor.status()
        assert bench.listener.frames == [frame_of(1), frame_of(3)]
        assert (status.reopens, status.gaps, status.gap_s) == (0, 0, 0.0)

    async def test_a_loss_beside_a_mute_still_counts(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        bench.device.fail(LOST)
        await trio.sleep(1)
        await mute(bench)
        bench.mute.turn_off()
        await trio.testing.wait_all_tasks_blocked()
        await bench.hear(2)
        assert bench.supervisor.status().reopens == 1

    async def test_muted_while_it_is_being_opened_it_is_closed_before_its_first_sound(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        bench.device.opening_takes_s = 0.5
        bench.device.sound = NOISE
        nursery.start_soon(bench.supervisor.run)
        await trio.sleep(0.25)
        await mute(bench)
        assert not bench.device.is_open
        assert trio.current_time() == 0.5
        assert bench.listener.frames == []

    async def test_muted_while_it_waits_for_the_speaker_it_is_not_opened(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench(replace(SETTINGS, capture=replace(CAPTURE, needs_playback=True)))
        nursery.start_soon(bench.supervisor.run)
        await trio.sleep(1)
        await mute(bench)
        await trio.sleep(60)
        assert bench.device.attempts_s == []
        bench.mute.turn_off()
        await trio.sleep(10)
        assert bench.device.is_open

    async def test_one_that_is_muted_from_the_start_is_never_opened_and_holds_up_nothing(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        bench.mute.turn_on()
        with trio.fail_after(1):
            await nursery.start(bench.supervisor.run)
        assert trio.current_time() == 0
        await trio.sleep(60)
        assert bench.device.attempts_s == []
        assert bench.listener.presence == [(0, True)]
        assert not bench.supervisor.progress.overdue(trio.current_time())

    async def test_one_that_does_not_close_is_told_and_heard_by_nobody(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        switch = MuteSwitch(log=STATION_LOG)
        with switch.microphone_open(lambda: None):
            switch.turn_on()
            with pytest.raises(Unavailable, match="did not close, but nothing that it gives is sent"):
                await switch.closed()
        assert trio.current_time() == CLOSE_LIMIT_S
        assert switch.on


class TestNobodyMissesIt:
    async def test_its_session_is_not_told_that_it_is_gone(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        await mute(bench)
        await trio.sleep(3600)
        bench.mute.turn_off()
        await trio.sleep(1)
        await bench.hear(1)
        await trio.sleep(60)
        assert bench.listener.presence == [(0, True)]

    async def test_one_that_is_gone_once_it_is_no_longer_muted_is_told_after_the_grace(
        self, autojump_clock: MockClock, nursery: trio.Nursery
    ) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await bench.hear(1)
        await mute(bench)
        bench.device.fails_to_open = MISSING
        await trio.sleep(60)
        assert bench.supervisor.status().health is MicrophoneHealth.MUTED
        bench.mute.turn_off()
        await trio.sleep(10)
        assert bench.listener.presence == [(0, True), (60 + DEVICE_GRACE_S, False)]
        assert bench.supervisor.status().health is MicrophoneHealth.MISSING

    async def test_its_recovery_ladder_waits(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench(replace(SETTINGS, recovery=(RecoveryStep.REOPEN,)))
        bench.device.sound = ZEROS
        await nursery.start(bench.supervisor.run)
        await trio.sleep(4)
        await mute(bench)
        await trio.sleep(3600)
        bench.mute.turn_off()
        await trio.sleep(4)
        assert not any(isinstance(event, RecoveryStepTaken) for event in bench.events)
        await trio.sleep(4)
        assert RecoveryStepTaken("reopen") in bench.events


class TestTheSwitch:
    async def test_twice_is_once(self, autojump_clock: MockClock) -> None:
        events: list[Event] = []
        switch = MuteSwitch(log=STATION_LOG, publish=events.append)
        for _ in range(2):
            switch.turn_on()
            await switch.closed()
        for _ in range(2):
            switch.turn_off()
        assert events == [Muted(), Unmuted()]

    async def test_off_and_on_at_once_stays_on(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench()
        await nursery.start(bench.supervisor.run)
        await mute(bench)
        bench.mute.turn_off()
        bench.mute.turn_on()
        await trio.sleep(10)
        assert not bench.device.is_open


class Store:
    """A memory card that takes a while, or nothing at all."""

    def __init__(self, muted: bool | OSError = False) -> None:
        self.muted = muted
        self.fails: OSError | None = None
        self.release: trio.Event | None = None

    def read(self) -> bool:
        if isinstance(self.muted, OSError):
            raise self.muted
        return self.muted

    def write(self, *, muted: bool) -> None:
        if self.release is not None:
            trio.from_thread.run(self.release.wait)
        if self.fails is not None:
            raise self.fails
        self.muted = muted


class TestTheStore:
    async def test_a_mute_is_kept_and_restored(self) -> None:
        store = Store()
        switch = MuteSwitch(log=STATION_LOG)
        switch.keep_in(store, restore=True)
        assert not switch.on
        switch.turn_on()
        await switch.keep()
        assert store.muted is True
        after_restart = MuteSwitch(log=STATION_LOG)
        after_restart.keep_in(store, restore=True)
        assert after_restart.on
        after_restart.turn_off()
        await after_restart.keep()
        assert store.muted is False

    async def test_without_a_store_nothing_is_kept(self) -> None:
        switch = MuteSwitch(log=STATION_LOG)
        switch.keep_in(None, restore=True)
        switch.turn_on()
        await switch.keep()
        assert switch.on

    async def test_another_configuration_does_not_change_what_somebody_chose(self) -> None:
        switch = MuteSwitch(log=STATION_LOG)
        switch.turn_on()
        switch.keep_in(Store(muted=False), restore=False)
        assert switch.on

    async def test_a_card_that_takes_nothing_is_told_of(self, caplog: pytest.LogCaptureFixture) -> None:
        store = Store()
        store.fails = OSError(30, "Read-only file system")
        switch = MuteSwitch(log=STATION_LOG)
        switch.keep_in(store, restore=True)
        switch.turn_on()
        await switch.keep()
        assert switch.on
        assert caplog.messages[-1] == "the mute will not survive a restart: [Errno 30] Read-only file system"

    async def test_a_card_that_hangs_is_not_waited_for(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = Store()
        store.release = trio.Event()
        switch = MuteSwitch(log=STATION_LOG)
        switch.keep_in(store, restore=True)
        switch.turn_on()
        await switch.keep()
        assert trio.current_time() == KEEP_LIMIT_S
        assert caplog.messages[-1] == "the mute may not survive a restart: the disk took longer than 3 s"
        store.release.set()

    async def test_one_that_cannot_be_read_is_told_of(self, caplog: pytest.LogCaptureFixture) -> None:
        switch = MuteSwitch(log=STATION_LOG)
        switch.keep_in(Store(OSError(5, "Input/output error")), restore=True)
        assert not switch.on
        assert caplog.records[-1].levelno == logging.ERROR
