"""What is told of a microphone to those who follow events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.control.events import DeviceFound, DeviceLost, HealthChanged, Muted, SoundLost, Unmuted
from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth
from gatewayd.errors import DeviceLost as MicrophoneGone
from gatewayd.errors import DeviceMissing
from gatewayd.station.hearing import Verdict
from gatewayd.station.news import HealthNews
from tests.station.bench import DEVICE, Bench
from tests.station.fakes import NOISE

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gatewayd.control.events import Event

MISSING = DeviceMissing(DEVICE, "no such device")
LOST = MicrophoneGone(DEVICE, "it was unplugged")


class TestEvents:
    async def test_a_microphone_comes_is_heard_and_goes(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench()
        bench.device.sound = NOISE
        await nursery.start(bench.supervisor.run)
        await trio.sleep(5)
        bench.device.fails_to_open = MISSING
        bench.device.fail(LOST)
        await trio.sleep(10)
        gone = f"{DEVICE}: no such device"
        ok, missing = MicrophoneHealth.OK, MicrophoneHealth.MISSING
        assert bench.events == [
            DeviceFound(DEVICE, None),
            HealthChanged(ok, MicrophoneHealth.STARTING),
            DeviceLost(DEVICE, gone),
            HealthChanged(missing, ok, gone),
        ]

    async def test_a_mute_is_no_loss(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench()
        bench.device.sound = NOISE
        await nursery.start(bench.supervisor.run)
        await trio.sleep(5)
        bench.events.clear()
        bench.mute.turn_on()
        await trio.sleep(60)
        bench.mute.turn_off()
        await trio.sleep(5)
        ok, muted = MicrophoneHealth.OK, MicrophoneHealth.MUTED
        assert bench.events == [Muted(), HealthChanged(muted, ok), Unmuted(), HealthChanged(ok, muted)]

    async def test_missing_sound_is_summed_up(self, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
        bench = Bench()
        bench.device.sound = NOISE
        await nursery.start(bench.supervisor.run)
        await trio.sleep(5)
        for _ in range(3):
            bench.device.fail(LOST)
            await trio.sleep(2)
        await trio.sleep(20)
        lost = [event for event in bench.events if isinstance(event, SoundLost)]
        assert sum(event.gaps for event in lost) == 3
        assert len(lost) == 2
        assert lost[0].causes == ("the device was opened anew",)

    def test_a_finding_is_news_and_its_absence_too(self) -> None:
        events: list[Event] = []
        news = HealthNews(events.append)
        ok = Verdict(MicrophoneHealth.OK)
        finding = Finding(FindingKind.SLOT_SILENT, "channel 1 is silent", 1)
        for findings in ((), (), (finding,), (finding,), ()):
            news.note(ok, findings)
        assert [event.findings for event in events if isinstance(event, HealthChanged)] == [(), (finding,), ()]

    def test_a_pause_of_a_noise_gate_is_none(self) -> None:
        events: list[Event] = []
        news = HealthNews(events.append)
        news.note(Verdict(MicrophoneHealth.SILENT, "it gives zeros", patient=True, news=False))
        news.note(Verdict(MicrophoneHealth.STARTING))
        assert events == []
