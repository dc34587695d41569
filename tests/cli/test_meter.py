from __future__ import annotations

import json
import os
import re
import signal
import struct
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.cli.meter import Meter
from gatewayd.cli.meter_view import Row, as_json, bar, line, screen
from gatewayd.control.schema import FindingKind, MicrophoneHealth
from gatewayd.hardware.settings import CaptureSettings, StationSettings
from gatewayd.seams.audio import CapturedBlock
from tests.cli.sound_commands import ARRAY, command, started
from tests.softcard.card import StreamDefinition
from tests.softcard.samples import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from gatewayd.cli.meter_view import Reading
    from tests.softcard.card import SoftCard, SoundRack

I2S = StreamParameters(48_000, SampleFormat.S32_LE, 2)
RATE_HZ = 48_000
QUIET_VOICE = 0.05 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
"""A second at -26 dBFS."""
SHOUT = np.clip(40 * QUIET_VOICE, -1, 1)
"""The same, well into full scale."""
NOTHING = np.zeros(RATE_HZ)
STUCK = np.full(RATE_HZ, 0.25)


def sound(*channels: NDArray[np.float64]) -> bytes:
    return encode(np.stack(channels, axis=1), SampleFormat.S32_LE)


def settings(*, pick: tuple[int, ...] = (0,), **more: Any) -> StationSettings:
    capture = CaptureSettings("hw:CARD=Array,DEV=0", I2S, pick=pick, **more)
    return StationSettings(profile="i2s-mems", capture=capture, playback=None)


def readings(meter: Meter, second: bytes, seconds: int) -> Iterator[Reading]:
    """What a meter says of a second of sound that is heard so many times, in periods of 20 ms."""
    period = len(second) // 50
    for number in range(50 * seconds):
        start = number % 50 * period
        yield from meter.take(CapturedBlock(second[start : start + period]), (number + 1) * 0.02)


def after(second: bytes, seconds: int = 4, **more: Any) -> Reading:
    """The last of a reading a second."""
    return list(readings(Meter(settings(**more), readings_per_s=1, peak_hold_s=1.0), second, seconds))[-1]


class TestReading:
    def test_of_a_voice_in_one_slot(self) -> None:
        reading = after(sound(QUIET_VOICE, NOTHING))
        voice, nothing = reading.channels
        assert (voice.picked, voice.health) == (True, MicrophoneHealth.OK)
        assert voice.level_dbfs == pytest.approx(-26.0, abs=0.05)
        assert voice.peak_dbfs == pytest.approx(-26.0, abs=0.05)
        assert nothing == Row(None, None, 0, picked=False, health=MicrophoneHealth.SILENT)
        assert reading.agent.level_dbfs == pytest.approx(-26.0, abs=0.1)
        assert (reading.seconds, reading.health, reading.overruns) == (4.0, MicrophoneHealth.OK, 0)

    def test_what_the_agent_hears_has_the_stations_gain(self) -> None:
        reading = after(sound(QUIET_VOICE, NOTHING), gain_db=12.0)
        assert reading.channels[0].level_dbfs == pytest.approx(-26.0, abs=0.05)
        assert reading.agent.level_dbfs == pytest.approx(-14.0, abs=0.1)

    @pytest.mark.parametrize(
        ("channel", "health"),
        [
            (NOTHING, MicrophoneHealth.SILENT),
            (STUCK, MicrophoneHealth.STUCK),
            (SHOUT, MicrophoneHealth.CLIPPING),
            (QUIET_VOICE, MicrophoneHealth.OK),
        ],
    )
    def test_a_microphone_that_is(self, channel: NDArray[np.float64], health: MicrophoneHealth) -> None:
        reading = after(sound(channel, channel))
        assert reading.health is health
        assert reading.channels[0].health is health
        assert bool(reading.channels[0].clipped) is (health is MicrophoneHealth.CLIPPING)
        assert f"4.0 s: {health.value}; ch 0* " in line(reading)

    def test_a_dead_slot_that_is_picked_is_told_of(self) -> None:
        reading = after(sound(QUIET_VOICE, NOTHING), pick=(0, 1))
        assert [(finding.kind, finding.channel) for finding in reading.findings] == [(FindingKind.SLOT_SILENT, 1)]
        assert reading.findings[0].text in line(reading)
        assert as_json(reading)["findings"] == [{"kind": "slot_silent", "channel": 1, "text": reading.findings[0].text}]

    def test_a_peak_is_held_for_a_while(self) -> None:
        meter = Meter(settings(), readings_per_s=10, peak_hold_s=0.5)
        click = np.concatenate([np.full(480, 0.9), np.zeros(RATE_HZ - 480)])
        peaks = [reading.channels[0].peak_dbfs for reading in readings(meter, sound(click, click), 1)]
        assert [peak is not None for peak in peaks] == 5 * [True] + 5 * [False]

    def test_a_block_of_any_length_gives_every_reading_it_completes(self) -> None:
        meter = Meter(settings(), readings_per_s=10, peak_hold_s=1.0)
        second = sound(QUIET_VOICE, NOTHING)
        taken = list(meter.take(CapturedBlock(second[: len(second) // 2 + 8]), 0.5))
        assert [reading.seconds for reading in taken] == [0.1, 0.2, 0.3, 0.4, 0.5]

    def test_warm_up_is_not_looked_at(self) -> None:
        meter = Meter(settings(warm_up_ms=500), readings_per_s=1, peak_hold_s=1.0)
        shown = list(readings(meter, sound(np.concatenate([SHOUT[:24_000], NOTHING[:24_000]]), NOTHING), 1))
        assert shown == []
        assert not next(iter(readings(meter, sound(NOTHING, NOTHING), 1))).channels[0].clipped

    def test_overruns_are_counted_and_sound_goes_on(self) -> None:
        meter = Meter(settings(), readings_per_s=1, peak_hold_s=1.0)
        second = sound(QUIET_VOICE, NOTHING)
        [first] = meter.take(CapturedBlock(second), 1.0)
        [second_reading] = meter.take(CapturedBlock(second, overrun=True), 9.0)
        assert (first.overruns, second_reading.overruns) == (0, 1)
        assert line(second_reading).endswith("; 1 overruns")


class TestScreen:
    def test_of_a_voice_in_one_slot(self) -> None:
        assert screen(after(sound(QUIET_VOICE, NOTHING)), columns=80, rows=24, colours=False) == [
            "hw:CARD=Array,DEV=0, S32_LE 48000 Hz 2 ch, profile i2s-mems",
            "  channel 0 *  [###########|---------]  -26.0 dBFS  peak -26.0  ok",
            "  channel 1    [---------------------]    no level              silent",
            "  agent        [###########|---------]  -26.0 dBFS  peak -26.0",
            "  4.0 s, no overruns; * is what the agent hears; Ctrl-C ends",
        ]

    @pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24), (40, 4), (12, 2), (1, 1)])
    @pytest.mark.parametrize("pick", [(0,), (0, 1)])
    def test_nothing_is_wider_or_higher_than_the_terminal(self, columns: int, rows: int, pick: tuple[int, ...]) -> None:
        reading = after(sound(SHOUT, NOTHING), pick=pick)
        for colours in (False, True):
            lines = screen(reading, columns=columns, rows=rows, colours=colours)
            assert len(lines) < max(rows, 2)
            assert all(len(re.sub(r"\x1b\[\d*m", "", one)) < max(columns, 1) for one in lines)

    def test_what_is_wrong_is_red_where_it_matters(self) -> None:
        clipping, dead, *_ = screen(after(sound(SHOUT, NOTHING)), columns=100, rows=24, colours=True)[1:]
        assert "\x1b[31m] " in clipping
        assert "silent" in dead
        assert "\x1b[31m" not in dead
        _, picked, *_ = screen(after(sound(SHOUT, NOTHING), pick=(0, 1)), columns=100, rows=24, colours=True)[1:]
        assert "\x1b[31m] " in picked

    @pytest.mark.parametrize(
        ("level", "peak", "shown"),
        [
            (None, None, "----------"),
            (-70.0, -65.0, "----------"),
            (-30.0, None, "#####-----"),
            (-30.0, -12.0, "#####--|--"),
            (-30.0, -30.0, "####|-----"),
            (0.0, 0.0, "#########|"),
            (3.0, 3.0, "#########|"),
        ],
    )
    def test_bar(self, level: float | None, peak: float | None, shown: str) -> None:
        assert bar(Row(level, peak, 0), 10) == shown


@pytest.fixture
def fast_card(sound_rack: SoundRack) -> SoftCard:
    """A card in a hurry, with a voice in its left slot: it may overrun, which is said and changes no level."""
    card = sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",), speed=8.0))
    card.play_in(sound(QUIET_VOICE, NOTHING))
    return card


class TestCommand:
    def test_json_is_an_object_for_each_second(self, fast_card: SoftCard, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("meter", "--seconds", "3", "--json", *ARRAY) == 0
        shown = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
        assert [reading["seconds"] for reading in shown] == [1.0, 2.0, 3.0]
        last = shown[-1]
        assert sorted(last) == [
            "agent",
            "channels",
            "device",
            "findings",
            "health",
            "measured_rate_hz",
            "overruns",
            "seconds",
        ]
        assert last["channels"][0]["level_dbfs"] == pytest.approx(-26.0, abs=0.1)
        assert last["channels"][0]["picked"] is True
        assert last["channels"][1]["level_dbfs"] is None
        assert last["agent"]["level_dbfs"] == pytest.approx(-32.0, abs=0.5)

    def test_into_a_pipe_a_line_for_each_second(self, fast_card: SoftCard, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("meter", "--seconds", "2", *ARRAY) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert [text.split(":")[0] for text in out.splitlines()] == ["1.0 s", "2.0 s"]
        assert "; ch 0* -26.0 dBFS peak -26.0 " in out
        assert "\x1b" not in out

    def test_unplugged_it_says_so(self, fast_card: SoftCard) -> None:
        with started("meter", "--json", *ARRAY) as child:
            assert child.process.stdout is not None
            child.process.stdout.readline()
            fast_card.unplug()
            exit_code, _, err = child.ended()
        assert exit_code == 69
        assert err.startswith("gatewayd: hw:CARD=Array,DEV=0: it was unplugged")

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_on_a_terminal_it_draws_in_place_and_leaves_it_as_it_was(self, number: int, fast_card: SoftCard) -> None:
        main_end, terminal = os.openpty()
        ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        shown = b""
        with started("meter", *ARRAY, stdout=terminal) as child:
            while shown.count(b"\x1b[5F\x1b[J") < 3:
                shown += os.read(main_end, 65536)
            child.signal(number)
            exit_code, _, err = child.ended()
        os.close(terminal)
        while data := _rest(main_end):
            shown += data
        os.close(main_end)
        assert (exit_code, err) == (0, "")
        assert shown.startswith(b"\x1b[?25lhw:CARD=Array,DEV=0, S32_LE 48000 Hz 2 ch, no profile\r\n")
        assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1
        assert shown.endswith(b"Ctrl-C ends\r\n\x1b[?25h")


def _rest(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: nobody has the other end open any more
        return b""
