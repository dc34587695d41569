"""Supervisor, adapter, pyalsaaudio, libasound and a software sound card together, in real time."""

from __future__ import annotations

import errno
import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES, SampleFormat, StreamParameters
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.errors import DeviceMissing
from gatewayd.hardware.alsa.devices import AlsaDevices
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.duplex import Duplex
from gatewayd.station.playback import PlaybackSupervisor
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction, EventKind
from tests.station.fakes import STATION_LOG, FakeClock, FakeHardware, FakeHotplug, FakeMixer, FakeUsb

if TYPE_CHECKING:
    from gatewayd.control.schema import PlaybackStatus
    from tests.softcard.card import SoftCard, SoundRack

I2S = StreamParameters(48_000, SampleFormat.S32_LE, 2)
LIMIT_S = 60.0
"""Only there to end a test that would hang."""


def voice_in_the_left_slot() -> bytes:
    """One second of 440 Hz as an I2S microphone gives it: S32_LE, 48 kHz, the right slot exactly zero."""
    sound = np.zeros((48_000, 2), "<i4")
    sound[:, 0] = 0.25 * 2**31 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    return sound.tobytes()


class Listener:
    """Takes frames and news of the microphone, and lets a test wait for them."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._send, self.presence = trio.open_memory_channel[bool](10)
        self._waited_for = 0
        self._enough = trio.Event()

    async def note_presence(self, present: bool) -> None:
        await self._send.send(present)

    def offer_frame(self, frame: bytes) -> None:
        self.frames.append(frame)
        if len(self.frames) >= self._waited_for:
            self._enough.set()

    async def hear(self, frames: int) -> None:
        """Wait for so many more frames."""
        self._waited_for = len(self.frames) + frames
        self._enough = trio.Event()
        await self._enough.wait()


class CardHardware(FakeHardware):
    """Finds the card while it is plugged in, under the id that it has then."""

    def __init__(self, card: SoftCard, settings: StationSettings) -> None:
        super().__init__(settings)
        self._card = card

    def find(self) -> StationSettings:
        device = self._card.device
        if self._card.folder.parent.name != "cards":
            raise DeviceMissing(device, "no such device")
        capture, playback = self.settings.capture, self.settings.playback
        return replace(
            self.settings,
            capture=replace(capture, device=device),
            playback=playback and replace(playback, device=device),
        )


class Stack:
    """Both supervisors over one software card."""

    def __init__(self, card: SoftCard) -> None:
        self.card = card
        self.listener = Listener()
        settings = StationSettings(
            None, CaptureSettings(card.device, I2S, pick=(0,)), PlaybackSettings(card.device, I2S), recovery=()
        )
        self.hardware = CardHardware(card, settings)
        self.hotplug = FakeHotplug()
        devices, duplex, chance = AlsaDevices(), Duplex(), random.Random(1)
        self.capture = CaptureSupervisor(
            hardware=self.hardware,
            devices=devices,
            mixer=FakeMixer(),
            hotplug=self.hotplug,
            usb=FakeUsb(),
            duplex=duplex,
            clock=FakeClock(),
            offer_frame=self.listener.offer_frame,
            report_presence=self.listener.note_presence,
            chance=chance,
            log=STATION_LOG,
        )
        self.playback = PlaybackSupervisor(
            hardware=self.hardware, devices=devices, hotplug=self.hotplug, duplex=duplex, chance=chance, log=STATION_LOG
        )


async def until_problem(stack: Stack, part: str) -> str:
    """What the status says is wrong, once it says something with `part` in it."""
    while part not in (stack.capture.status().problem or ""):  # noqa: ASYNC110 - the status tells nobody
        await trio.sleep(0.02)
    return stack.capture.status().problem or ""


async def until_playback(stack: Stack, *, works: bool) -> PlaybackStatus:
    """What the status says of the loudspeaker, once it works, or not."""
    while (status := stack.playback.status()) is None or (status.problem is None) is not works:  # noqa: ASYNC110 - it tells nobody
        await trio.sleep(0.02)
    return status


async def test_a_voice_in_one_slot_becomes_wire_frames(sound_card: SoftCard, nursery: trio.Nursery) -> None:
    sound_card.play_in(voice_in_the_left_slot())
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await stack.listener.hear(60)
        while stack.capture.status().health is MicrophoneHealth.STARTING:
            await stack.listener.hear(5)
    assert {len(frame) for frame in stack.listener.frames} == {FRAME_BYTES}
    status = stack.capture.status()
    assert (status.health, status.problem, status.gaps) == (MicrophoneHealth.OK, None, 0)
    assert status.level_dbfs is not None
    assert abs(status.level_dbfs - 20 * np.log10(0.25)) < 0.1
    assert [channel.level_dbfs is None for channel in status.channel_levels] == [False, True]


@pytest.mark.parametrize("badfd_first", [False, True])
async def test_both_directions_come_back_under_another_name(
    badfd_first: bool, sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.playback.run)
        await nursery.start(stack.capture.run)
        await stack.listener.hear(5)
        sound_card.unplug(badfd_first=badfd_first)
        stack.hotplug.tell()  # an idle loudspeaker does not notice by itself
        await until_problem(stack, "no such device")
        await until_playback(stack, works=False)
        sound_card.replug("Array_1")
        stack.hotplug.tell()
        await stack.listener.hear(5)
        playback = await until_playback(stack, works=True)
    status = stack.capture.status()
    assert (status.device, playback.device) == ("hw:CARD=Array_1,DEV=0", "hw:CARD=Array_1,DEV=0")
    assert (status.reopens, playback.reopens, status.gaps) == (1, 1, 1)


async def test_an_overrun_is_counted_and_sound_goes_on(sound_card: SoftCard, nursery: trio.Nursery) -> None:
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await stack.listener.hear(5)
        sound_card.overrun_or_underrun(Direction.CAPTURE)
        await stack.listener.hear(5)
    status = stack.capture.status()
    assert status.xruns >= 1
    assert status.gaps >= 1
    assert status.reopens == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errno.EIO, "its driver reports a failed transfer (Input/output error)"),
        (errno.ENODEV, "it was unplugged, or its driver let go of it (No such device)"),
        (errno.EBADFD, "it was unplugged, or its driver let go of it (File descriptor in bad state)"),
        (errno.ESTRPIPE, "it was suspended (Streams pipe error)"),
    ],
)
async def test_a_stream_that_fails_is_opened_anew(
    error: int, said: str, sound_card: SoftCard, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await stack.listener.hear(5)
        sound_card.fail(error, Direction.CAPTURE)
        while stack.capture.status().reopens == 0:
            await stack.listener.hear(1)
    assert caplog.messages[:2] == [
        f"capture does not work and is tried again: {sound_card.device}: {said}",
        "capture works again",
    ]


async def test_one_that_is_denied_busy_or_not_there_at_boot_says_so_and_is_heard_once_it_is_free(
    sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    stack = Stack(sound_card)
    sound_card.unplug()
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await until_problem(stack, "no such device")
        assert stack.capture.status().health is MicrophoneHealth.MISSING
        sound_card.replug()
        with sound_card.busy():
            stack.hotplug.tell()
            await until_problem(stack, "another program holds it")
        with sound_card.denied():
            stack.hotplug.tell()
            await until_problem(stack, "permi")
        stack.hotplug.tell()
        await stack.listener.hear(5)
    assert stack.capture.status().problem is None


async def test_one_that_takes_other_parameters_after_a_replug_is_refused_with_both_named(
    sound_rack: SoundRack, sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await stack.listener.hear(5)
        sound_card.unplug()
        sound_card.replug()
        sound_card.define(StreamDefinition(("S16_LE",), (16_000,), (1,)), None)
        stack.hotplug.tell()
        said = await until_problem(stack, "16000")
    assert "S32_LE 48000 Hz 2 ch" in said


@pytest.mark.slow
async def test_a_card_that_stands_still_is_opened_anew(
    sound_card: SoftCard, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    stack = Stack(sound_card)
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.capture.run)
        await stack.listener.hear(5)
        sound_card.stall(Direction.CAPTURE)
        await stack.listener.hear(5)
    status = stack.capture.status()
    assert (status.reopens, status.gaps) == (1, 1)
    assert status.gap_s >= 1.9
    assert "no sound moved for 2 s" in caplog.messages[0]


async def test_what_the_agent_says_is_played_whole_and_then_the_card_rests(
    sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    stack = Stack(sound_card)
    constant = np.full(FRAME_SAMPLES, 8192, "<i2").tobytes()
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.playback.run)
        for _ in range(25):
            stack.playback.offer(constant)
            await trio.sleep(0.02)
        while EventKind.STOP not in sound_card.timeline(Direction.PLAYBACK).kinds:  # noqa: ASYNC110 - another process, so to say
            await trio.sleep(0.05)
    played = np.frombuffer(sound_card.played(), "<i4").reshape(-1, 2)
    loud = np.abs(played - 8192 * 65536) < 0.01 * 8192 * 65536
    assert (loud[:, 0] == loud[:, 1]).all()
    status = stack.playback.status()
    assert status is not None
    assert status.frames_played == 25
    assert 25 * 960 - 200 * (1 + status.underruns) <= loud[:, 0].sum() <= 25 * 960


async def test_a_speaker_that_must_not_stop_plays_silence_around_what_is_said(
    sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    stack = Stack(sound_card)
    assert stack.hardware.settings.playback is not None
    stack.hardware.settings = replace(
        stack.hardware.settings, playback=replace(stack.hardware.settings.playback, keep_alive=True)
    )
    constant = np.full(FRAME_SAMPLES, 8192, "<i2").tobytes()
    with trio.fail_after(LIMIT_S):
        await nursery.start(stack.playback.run)
        await trio.sleep(0.3)
        for _ in range(10):
            stack.playback.offer(constant)
        await trio.sleep(0.5)
    assert EventKind.STOP not in sound_card.timeline(Direction.PLAYBACK).kinds
    played = np.frombuffer(sound_card.played(), "<i4").reshape(-1, 2)[:, 0]
    loud = np.flatnonzero(np.abs(played - 8192 * 65536) < 0.01 * 8192 * 65536)
    assert 10 * 960 - 200 <= len(loud) <= 10 * 960
    assert loud[-1] - loud[0] < 10 * 960
    assert loud[0] > 0.2 * 48_000
    assert len(played) - loud[-1] > 960
