"""What goes wrong with real cards goes wrong here, in the kernel's own words."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import alsaaudio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat
from tests.softcard.card import CardNotOpen, SoftCard, SoundRack, StreamDefinition
from tests.softcard.samples import random_frames
from tests.softcard.streams import WAIT_S, opened, wait
from tests.softcard.timeline import Direction, EventKind

BLOCK = bytes(480 * 8)
BOTH = list(Direction)


def transfer(pcm: Any, direction: Direction) -> Any:
    return pcm.read() if direction is Direction.CAPTURE else pcm.write(BLOCK)


def started(pcm: Any, direction: Direction) -> Any:
    """Have the stream run with everything moved that can be moved."""
    transfer(pcm, direction)
    assert pcm.state() == alsaaudio.PCM_STATE_RUNNING
    return pcm


def error_of(pcm: Any, direction: Direction) -> str:
    with pytest.raises(alsaaudio.ALSAAudioError) as caught:
        transfer(pcm, direction)
    return str(caught.value)


def refusal(device: str, direction: Direction) -> str:
    with pytest.raises(alsaaudio.ALSAAudioError) as caught, opened(device, direction):
        pass
    return str(caught.value)


@pytest.mark.parametrize("plug", ["", "plug"], ids=["hw", "plughw"])
@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_unplugged_while_running(stepped_card: SoftCard, direction: Direction, plug: str) -> None:
    device = f"{plug}{stepped_card.device}"
    with opened(device, direction) as pcm:
        started(pcm, direction)
        stepped_card.unplug()
        wait(pcm)
        assert error_of(pcm, direction) == f"No such device [{device}]"
        assert error_of(pcm, direction) == f"No such device [{device}]"
        assert pcm.state() == alsaaudio.PCM_STATE_DISCONNECTED
    assert refusal(device, direction) == f"No such device [{device}]"


@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_unplugged_under_a_sleeping_call(stepped_card: SoftCard, direction: Direction) -> None:
    device = stepped_card.device
    with opened(device, direction) as pcm:
        started(pcm, direction)
        stepped_card.unplug(badfd_first=True)
        assert wait(pcm) != 0
        assert pcm.state() == alsaaudio.PCM_STATE_RUNNING
        assert error_of(pcm, direction) == f"File descriptor in bad state [{device}]"
        assert error_of(pcm, direction) == f"No such device [{device}]"
    assert refusal(device, direction) == f"No such device [{device}]"


@pytest.mark.parametrize("badfd_first", [False, True], ids=["ENODEV", "EBADFD"])
def test_unplugging_ends_a_read_that_blocks_in_another_process(stepped_card: SoftCard, badfd_first: bool) -> None:
    reader = (
        "import alsaaudio\n"
        f"pcm = alsaaudio.PCM(alsaaudio.PCM_CAPTURE, device='{stepped_card.device}', rate=48000, channels=2,"
        " format=alsaaudio.PCM_FORMAT_S32_LE, periodsize=480, periods=4)\n"
        "print(pcm.read()[0], flush=True)\n"
        "pcm.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", reader], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stepped_card.wait_until_open(Direction.CAPTURE, WAIT_S)
        timeline = stepped_card.wait_for(Direction.CAPTURE, EventKind.START, timeout_s=WAIT_S)
        assert timeline.kinds == [EventKind.OPEN, EventKind.START]
        stepped_card.advance(480)
        assert process.stdout is not None
        assert process.stdout.readline() == b"480\n"
        stepped_card.unplug(badfd_first=badfd_first)
        _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert ("File descriptor in bad state" if badfd_first else "No such device") in errors.decode()


@pytest.mark.parametrize("name", ["Array", "Array_1", "3"])
def test_plugged_in_again_while_the_old_stream_is_not_yet_closed(stepped_card: SoftCard, name: str) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 480)
    stepped_card.play_in(sound)
    with opened(stepped_card.device, Direction.CAPTURE) as old:
        started(old, Direction.CAPTURE)
        stepped_card.unplug()
        stepped_card.replug(name)
        with opened(f"hw:CARD={name},DEV=0", Direction.CAPTURE) as new:
            started(new, Direction.CAPTURE)
            stepped_card.advance(480)
            assert new.read() == (480, sound)
            assert error_of(old, Direction.CAPTURE).startswith("No such device")
    if name != "Array":
        assert refusal("hw:CARD=Array,DEV=0", Direction.CAPTURE).startswith("No such device")


def test_a_card_that_was_never_there(sound_rack: SoundRack) -> None:
    by_name, by_number = (refusal(device, Direction.CAPTURE) for device in ("hw:CARD=Nope,DEV=0", "hw:7,0"))
    assert by_name == "No such device [hw:CARD=Nope,DEV=0]"
    assert by_number == "No such file or directory [hw:7,0]"


def test_a_process_that_was_not_given_the_rack_does_not_find_its_cards(
    sound_rack: SoundRack, stepped_card: SoftCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(stepped_card.device, Direction.CAPTURE):
        pass
    monkeypatch.delenv("ALSA_CONFIG_PATH")
    with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
        alsaaudio.PCM(alsaaudio.PCM_CAPTURE, device=stepped_card.device)
    sound_rack.activate()
    with opened(stepped_card.device, Direction.CAPTURE):
        pass


def test_a_card_without_playback(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Camera", StreamDefinition(), playback=None)
    assert refusal(card.device, Direction.PLAYBACK) == "No such file or directory [hw:CARD=Camera,DEV=0]"
    with opened(card.device, Direction.CAPTURE, sample_format="S16_LE"):
        pass


def test_directions_that_differ(sound_rack: SoundRack) -> None:
    capture, playback = StreamDefinition(rates_hz=(16_000,), channels=(1,)), StreamDefinition(rates_hz=(48_000,))
    card = sound_rack.plug_in("USB", capture, playback=playback)
    with opened(card.device, Direction.CAPTURE, sample_format="S16_LE", rate_hz=16_000, channels=1):
        pass
    with opened(card.device, Direction.PLAYBACK, sample_format="S16_LE"):
        pass


@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_busy_while_another_has_it_open(stepped_card: SoftCard, direction: Direction) -> None:
    with opened(stepped_card.device, direction):
        assert refusal(stepped_card.device, direction) == f"Device or resource busy [{stepped_card.device}]"
    with opened(stepped_card.device, direction):
        pass


@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_busy_and_denied_on_request(stepped_card: SoftCard, direction: Direction) -> None:
    with stepped_card.busy(direction):
        assert refusal(stepped_card.device, direction).startswith("Device or resource busy")
    with stepped_card.denied(direction):
        assert refusal(stepped_card.device, direction).startswith("Permission denied")
    with opened(stepped_card.device, direction):
        pass


@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_an_input_output_error_comes_once_and_costs_no_frame(stepped_card: SoftCard, direction: Direction) -> None:
    with opened(stepped_card.device, direction, periods=2) as pcm:
        started(pcm, direction)
        stepped_card.fail(errno.EIO, direction)
        assert wait(pcm) != 0
        assert error_of(pcm, direction).startswith("Input/output error")
        transfer(pcm, direction)
        stepped_card.advance(480)
        assert transfer(pcm, direction) == ((480, BLOCK) if direction is Direction.CAPTURE else 480)


def test_an_overrun_loses_the_buffer_and_says_where(stepped_card: SoftCard) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 10_000)
    stepped_card.play_in(sound)
    with opened(stepped_card.device, Direction.CAPTURE, period=480, periods=4) as pcm:
        pcm.read()
        stepped_card.advance(480)
        assert pcm.read() == (480, sound[: 480 * 8])
        stepped_card.advance(1920)
        assert wait(pcm) != 0
        assert pcm.read() == (-errno.EPIPE, b"")
        assert pcm.read() == (0, b"")
        stepped_card.advance(480)
        assert pcm.read() == (480, sound[2400 * 8 : 2880 * 8])
    events = stepped_card.timeline(Direction.CAPTURE).of(EventKind.START, EventKind.XRUN)
    assert [(event.kind, event.frame) for event in events] == [
        (EventKind.START, 0),
        (EventKind.XRUN, 480),
        (EventKind.START, 2400),
    ]


def test_a_buffer_one_frame_short_of_full_does_not_overrun(stepped_card: SoftCard) -> None:
    with opened(stepped_card.device, Direction.CAPTURE, period=480, periods=4) as pcm:
        pcm.read()
        stepped_card.advance(1919)
        assert sum(pcm.read()[0] for _ in range(4)) == 1919


def test_an_underrun_says_where_the_gap_is(stepped_card: SoftCard) -> None:
    sound = random_frames(SampleFormat.S32_LE, 2, 960)
    with opened(stepped_card.device, Direction.PLAYBACK) as pcm:
        pcm.write(sound[: 480 * 8])
        stepped_card.advance(2000)
        assert pcm.write(sound[480 * 8 :]) == -errno.EPIPE
        assert pcm.write(sound[480 * 8 :]) == 480
        stepped_card.advance(479)
    events = stepped_card.timeline(Direction.PLAYBACK).of(EventKind.START, EventKind.XRUN, EventKind.STOP)
    assert [(event.kind, event.frame) for event in events] == [
        (EventKind.START, 0),
        (EventKind.XRUN, 480),
        (EventKind.START, 480),
        (EventKind.STOP, 959),
    ]
    assert stepped_card.played() == sound[: 959 * 8]


def test_an_underrun_is_dated_to_when_the_sound_ended_however_late_it_is_noticed(sound_card: SoftCard) -> None:
    with opened(sound_card.device, Direction.PLAYBACK) as pcm:
        pcm.write(BLOCK)
        time.sleep(0.03)
        assert pcm.write(BLOCK) == -errno.EPIPE
    start, xrun = sound_card.timeline(Direction.PLAYBACK).of(EventKind.START, EventKind.XRUN)
    assert xrun.frame == 480
    assert xrun.time_ns - start.time_ns == pytest.approx(10_000_000, abs=1)


@pytest.mark.parametrize("direction", BOTH, ids=lambda direction: direction.value)
def test_an_xrun_on_request(stepped_card: SoftCard, direction: Direction) -> None:
    with opened(stepped_card.device, direction) as pcm:
        started(pcm, direction)
        stepped_card.overrun_or_underrun(direction)
        assert wait(pcm) != 0
        answer = transfer(pcm, direction)
        assert answer in (-errno.EPIPE, (-errno.EPIPE, b""))
        started(pcm, direction)
    assert stepped_card.played() == b""


def test_many_openings_leave_no_descriptor_behind(stepped_card: SoftCard) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def once() -> None:
        for direction in BOTH:
            with opened(stepped_card.device, direction) as pcm:
                transfer(pcm, direction)
        with stepped_card.busy():
            refusal(stepped_card.device, Direction.CAPTURE)

    once()
    before = descriptors()
    for _ in range(250):
        once()
    assert descriptors() == before


def test_a_command_to_a_stream_that_is_not_open_is_refused(stepped_card: SoftCard) -> None:
    with pytest.raises(CardNotOpen, match=re.escape("hw:CARD=Array,DEV=0: no process has it open for capture")):
        stepped_card.fail(errno.EIO, Direction.CAPTURE)
    with pytest.raises(CardNotOpen, match="no stream is open for the command 'adv 480'"):
        stepped_card.advance(480)
    with pytest.raises(TimeoutError, match="nobody opened it for playback"):
        stepped_card.wait_until_open(Direction.PLAYBACK, 0)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(codec="latin-1")),
        st.lists(
            st.tuples(
                st.sampled_from(["", "capture.", "playback.", "x."]),
                st.sampled_from(
                    ["formats", "rates", "channels", "clock", "ppm", "speed", "loop", "periods", "present"]
                ),
                st.sampled_from(["", " S16_LE", " 48000", " 2 64", " manual", " nan", " -1", " yes", " 1" * 20]),
            ).map("".join)
        ).map("\n".join),
    )
)
def test_any_definition_opens_or_is_refused(stepped_card: SoftCard, text: str) -> None:
    (stepped_card.folder / "definition").write_text(text, encoding="latin-1")
    answer = "opened"
    try:
        alsaaudio.PCM(alsaaudio.PCM_CAPTURE, alsaaudio.PCM_NONBLOCK, device=stepped_card.device).close()
    except alsaaudio.ALSAAudioError as error:
        answer = str(error)
    assert answer.split(" [")[0] in ("opened", "Invalid argument", "No such file or directory")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000))
def test_any_bytes_as_commands_leave_the_card_working(stepped_card: SoftCard, data: bytes) -> None:
    with opened(stepped_card.device, Direction.CAPTURE) as pcm:
        pcm.read()
        descriptor = os.open(stepped_card.folder / "capture.ctl", os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, data + b"\nadv 480\n")
        os.close(descriptor)
        assert pcm.read()[0] == 480
