"""Breaks in the captured sound: their number, their lengths, and what the log says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.errors import DeviceLost, DeviceStalled
from gatewayd.seams.audio import CapturedBlock
from tests.station.bench import CAPTURE, DEVICE, SETTINGS, Bench, told
from tests.station.fakes import BLOCK_S, NOISE

if TYPE_CHECKING:
    from trio.testing import MockClock

LOST = DeviceLost(DEVICE, "it was suspended")
MISSING_IN_LOG = " of sound are missing"


async def listening(nursery: trio.Nursery) -> Bench:
    """A microphone that has listened for ten seconds, half a second at a time; now it is 10.2."""
    bench = Bench()
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10.2)
    return bench


def gaps_of(bench: Bench) -> tuple[int, float]:
    status = bench.supervisor.status()
    return status.gaps, status.gap_s


def gap_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for _, text in told(caplog) if MISSING_IN_LOG in text]


async def test_sound_that_comes_as_it_should_has_none(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    assert gaps_of(bench) == (0, 0.0)
    assert gap_lines(caplog) == []
    assert len(bench.listener.frames) == 10 / 0.02


async def test_an_overrun_is_as_long_as_the_clock_says(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.device.sound = None
    await trio.sleep(1.0)  # last sound at 10.0, now 11.2
    bench.device.hear(CapturedBlock(NOISE[: len(NOISE) // 5], overrun=True))
    await trio.sleep(0.01)
    assert gaps_of(bench) == (1, 1.1)
    assert bench.supervisor.status().xruns == 1
    assert gap_lines(caplog) == ["1.10 s of sound are missing: the card's buffer ran over"]


async def test_a_device_that_was_away_leaves_a_gap_from_its_last_to_its_first_sound(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.device.fail(LOST)  # at 10.2; opened again at 10.45, and there is half a second of sound at 10.95
    await trio.sleep(2)
    assert gaps_of(bench) == (1, 0.45)
    assert gap_lines(caplog) == ["0.45 s of sound are missing: the device was opened anew"]


async def test_a_stall_is_part_of_the_gap(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.device.sound = None
    await trio.sleep(1.8)
    bench.device.sound = NOISE
    bench.device.fail(DeviceStalled(DEVICE, "no sound moved for 2 s"))  # at 12.0; opened again at 12.25
    await trio.sleep(2)
    assert gaps_of(bench) == (1, 2.25)
    assert gap_lines(caplog) == ["2.25 s of sound are missing: the device was opened anew"]


async def test_a_card_that_stood_still_and_went_on_by_itself(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.device.sound = None
    await trio.sleep(1.3)
    bench.device.hear(CapturedBlock(NOISE))  # at 11.5, where 11.0 is all that half a second covers
    await trio.sleep(0.01)
    assert gaps_of(bench) == (1, 1.0)
    assert gap_lines(caplog) == ["1.00 s of sound are missing: the card stood still"]


async def test_sound_that_comes_late_and_whole_is_no_gap(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    bench = await listening(nursery)
    bench.device.sound = None
    await trio.sleep(1.3)
    bench.device.hear(CapturedBlock(NOISE * 3))
    await trio.sleep(0.01)
    assert gaps_of(bench) == (0, 0.0)


async def test_a_device_that_slept_and_went_on(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.clock.slept_s = 3600
    await trio.sleep(2)
    assert gaps_of(bench) == (1, 3600.0)
    assert gap_lines(caplog) == ["3600.00 s of sound are missing: this device slept"]


async def test_a_device_that_slept_and_had_to_be_opened_anew(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.clock.slept_s = 3600
    bench.device.fail(LOST)
    await trio.sleep(2)
    assert gaps_of(bench) == (1, 3600.45)
    assert gap_lines(caplog) == ["3600.45 s of sound are missing: this device slept"]


async def test_what_a_microphone_gives_while_it_warms_up_is_missing_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    bench = Bench(replace(SETTINGS, capture=replace(CAPTURE, warm_up_ms=1000)))
    bench.device.sound = NOISE
    await nursery.start(bench.supervisor.run)
    await trio.sleep(10.2)
    assert gaps_of(bench) == (0, 0.0)
    bench.device.fail(LOST)
    await trio.sleep(3)
    assert gaps_of(bench) == (1, 1.45)


async def test_many_short_ones_are_summed_up(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await listening(nursery)
    bench.device.sound = None
    for _ in range(60):  # each 0.25 s long
        await trio.sleep(BLOCK_S + 0.25)
        bench.device.hear(CapturedBlock(NOISE, overrun=True))
    bench.device.sound = NOISE
    await trio.sleep(60)
    count, length_s = gaps_of(bench)
    assert count == 60
    assert length_s == pytest.approx(0.2 + 60 * 0.25)  # its first block came 0.2 s late
    lines = gap_lines(caplog)
    assert lines[0] == "0.45 s of sound are missing: the card's buffer ran over"
    assert lines[1].endswith("s of sound are missing in 14 gaps: the card's buffer ran over")
    assert lines[2] == "11.25 s of sound are missing in 45 gaps: the card's buffer ran over"
    assert len(lines) == 3
