"""Supervisor, adapter, pyalsaaudio, libasound and a software sound card together, in real time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from gatewayd.audio.formats import FRAME_BYTES, FRAME_SAMPLES, SampleFormat, StreamParameters
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.hardware.alsa.streams import AlsaCaptureDevice, AlsaPlaybackDevice
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings
from gatewayd.station.capture import CaptureSupervisor
from gatewayd.station.playback import PlaybackSupervisor
from tests.softcard.timeline import Direction, EventKind
from tests.station.fakes import STATION_LOG

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard

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


def capture_supervisor(card: SoftCard, listener: Listener) -> CaptureSupervisor:
    settings = CaptureSettings(card.device, I2S, pick=(0,))
    return CaptureSupervisor(
        device=AlsaCaptureDevice(settings),
        settings=settings,
        offer_frame=listener.offer_frame,
        report_presence=listener.note_presence,
        chance=random.Random(1),
        log=STATION_LOG,
    )


async def test_a_voice_in_one_slot_becomes_wire_frames(sound_card: SoftCard, nursery: trio.Nursery) -> None:
    sound_card.play_in(voice_in_the_left_slot())
    listener = Listener()
    supervisor = capture_supervisor(sound_card, listener)
    with trio.fail_after(LIMIT_S):
        await nursery.start(supervisor.run)
        await listener.hear(75)
    assert {len(frame) for frame in listener.frames} == {FRAME_BYTES}
    status = supervisor.status()
    assert status.health is MicrophoneHealth.OK
    assert status.level_dbfs is not None
    assert abs(status.level_dbfs - 20 * np.log10(0.25)) < 0.1


@pytest.mark.slow
async def test_unplugged_for_good_it_is_reported_and_plugged_in_again_it_is_heard(
    sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    sound_card.play_in(voice_in_the_left_slot())
    listener = Listener()
    supervisor = capture_supervisor(sound_card, listener)
    with trio.fail_after(LIMIT_S):
        await nursery.start(supervisor.run)
        assert await listener.presence.receive()
        sound_card.unplug(badfd_first=True)
        assert not await listener.presence.receive()
        assert supervisor.status().health is MicrophoneHealth.MISSING
        sound_card.replug()
        assert await listener.presence.receive()
        await listener.hear(10)
    assert supervisor.status().reopens == 1


async def test_an_overrun_is_counted_and_sound_goes_on(sound_card: SoftCard, nursery: trio.Nursery) -> None:
    listener = Listener()
    supervisor = capture_supervisor(sound_card, listener)
    with trio.fail_after(LIMIT_S):
        await nursery.start(supervisor.run)
        await listener.hear(5)
        sound_card.overrun_or_underrun(Direction.CAPTURE)
        await listener.hear(5)
    assert supervisor.status().xruns >= 1
    assert supervisor.status().reopens == 0


async def test_what_the_agent_says_is_played_whole_and_then_the_card_rests(
    sound_card: SoftCard, nursery: trio.Nursery
) -> None:
    settings = PlaybackSettings(sound_card.device, I2S)
    supervisor = PlaybackSupervisor(
        device=AlsaPlaybackDevice(settings), settings=settings, chance=random.Random(1), log=STATION_LOG
    )
    constant = np.full(FRAME_SAMPLES, 8192, "<i2").tobytes()
    with trio.fail_after(LIMIT_S):
        await nursery.start(supervisor.run)
        for _ in range(25):
            supervisor.offer(constant)
            await trio.sleep(0.02)
        while EventKind.STOP not in sound_card.timeline(Direction.PLAYBACK).kinds:  # noqa: ASYNC110 - another process, so to say
            await trio.sleep(0.05)
    played = np.frombuffer(sound_card.played(), "<i4").reshape(-1, 2)
    loud = np.abs(played - 8192 * 65536) < 0.01 * 8192 * 65536
    assert (loud[:, 0] == loud[:, 1]).all()
    assert supervisor.status().frames_played == 25
    assert 25 * 960 - 200 * (1 + supervisor.status().underruns) <= loud[:, 0].sum() <= 25 * 960
