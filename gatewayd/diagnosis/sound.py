"""The steps of a station's sound hardware, where no daemon holds it: card, microphone, speaker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.health import HealthMonitor
from gatewayd.audio.levels import LevelMeter
from gatewayd.audio.quiet import HOUR_QUIET_DBFS
from gatewayd.control.schema import MicrophoneHealth
from gatewayd.diagnosis.results import Outcome, failed, passed, skipped, warned
from gatewayd.diagnosis.walk import Found
from gatewayd.errors import DeviceBusy, DeviceMissing
from gatewayd.hardware.alsa.denial import denial
from gatewayd.hardware.failures import opening_failure
from gatewayd.hardware.occupants import card_of, group_of
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from gatewayd.control.schema import Finding
    from gatewayd.hardware.settings import PlaybackSettings, StationSettings
    from gatewayd.seams.audio import CaptureStream, PlaybackStream
    from gatewayd.seams.hardware import HardwareSource, Mixer

HOST = Path("/")
LISTEN_S = 2.5
"""Sound that is listened to: two seconds without movement are what makes a channel dead, in steps of half a second."""


@dataclass(frozen=True)
class SoundAccess:
    """The way to the sound devices."""

    open_capture: Callable[[StationSettings], AbstractAsyncContextManager[CaptureStream]]
    """Opens the microphone as the daemon does; raises `DeviceError` on entering."""
    open_playback: Callable[[PlaybackSettings], AbstractAsyncContextManager[PlaybackStream]]
    mixer: Mixer
    play: Callable[[PlaybackSettings, PlaybackStream], Awaitable[None]] | None = None
    """Plays a test sound to its end; None: the speaker is opened and nothing is played."""
    root: Path = HOST
    """Where the files of /proc, /sys and /dev are looked for."""


def find_card(source: HardwareSource, root: Path, *, held: bool) -> Found[StationSettings]:
    """Which card is the station's. `held`: a daemon has it open, so this process need not be allowed to."""
    try:
        settings = source.find()
    except DeviceBusy:
        if not held:
            raise
        return Found(passed("the running gatewayd has it open, so it is not asked what it can do"))
    if not held:
        _check_permission(settings, root)
    capture = settings.capture
    origin = f"profile {settings.profile}" if settings.profile else "as configured"
    channels = ", ".join(map(str, capture.pick))
    told = f"{origin}: {capture.device} ({capture.parameters}, channel{'s' * (len(capture.pick) > 1)} {channels})"
    if settings.notes:
        return Found(
            warned(f"{told}; {'; '.join(settings.notes)}", "see `gatewayd devices` for how this came about"), settings
        )
    return Found(passed(told), settings)


def _check_permission(settings: StationSettings, root: Path) -> None:
    device = settings.capture.device
    number = card_of(device, root)
    code = denial(str(number), root) if number is not None else 0
    if code:
        raise opening_failure(device, os.strerror(code), "", group=group_of(device, capture=True, root=root))


async def listen(settings: StationSettings, sound: SoundAccess) -> Found[bool]:
    """Open the microphone, hear `LISTEN_S` of it, and judge that."""
    capture = settings.capture
    parameters = capture.parameters
    monitor = HealthMonitor(parameters, capture.pick, gain_db=capture.gain_db)
    converter = CaptureConverter(
        parameters, pick=capture.pick, gain_db=capture.gain_db, highpass_hz=capture.highpass_hz
    )
    meter = LevelMeter()
    warm_up = parameters.rate_hz * capture.warm_up_ms // 1000 * parameters.frame_bytes
    missing = round(LISTEN_S * parameters.rate_hz) * parameters.frame_bytes
    try:
        async with sound.open_capture(settings) as stream:
            while missing > 0:
                block = await stream.receive()
                unsettled = min(warm_up, len(block.data))
                warm_up -= unsettled
                data = block.data[unsettled:][:missing]
                missing -= len(data)
                if data:
                    monitor.feed(data, trio.current_time(), gap=block.overrun)
                    for frame in converter.feed(data):
                        meter.feed(frame)
    except DeviceMissing as error:
        if sound.root == HOST:
            raise
        return Found(skipped(f"{error.device} is in the copy at {sound.root} only"))
    silent = monitor.health is MicrophoneHealth.SILENT
    switched_off = sound.mixer.capture_switched_off(settings.card.id) if silent and settings.card else ""
    outcome = judge(
        monitor.health, meter.level_dbfs, monitor.findings, settings, switched_off=switched_off, heard_s=LISTEN_S
    )
    return Found(outcome, True)


def judge(
    health: MicrophoneHealth,
    level_dbfs: float | None,
    findings: Sequence[Finding],
    settings: StationSettings,
    *,
    switched_off: str,
    heard_s: float,
) -> Outcome:
    """What so much sound says of a microphone. `switched_off`: the mixer control that mutes it, if one does."""
    device = settings.capture.device
    if health is MicrophoneHealth.SILENT:
        return _judge_silence(settings, switched_off, heard_s)
    if health is MicrophoneHealth.STUCK:
        return failed(
            f"{device} gives one value over and over for {heard_s:g} s",
            "check its wiring and which channel is used: `gatewayd meter` shows them all",
        )
    if health is MicrophoneHealth.STARTING:
        return failed(
            f"{device} gave too little sound to judge it", "run this again; then unplug the card and plug it in"
        )
    level = "no level yet" if level_dbfs is None else f"{level_dbfs:.0f} dBFS"
    if health is MicrophoneHealth.CLIPPING:
        return warned(
            f"{device} is cut off at full scale, at {level}", "lower its volume in the mixer: `alsamixer -V capture`"
        )
    if findings:
        told = "; ".join(finding.text for finding in findings)
        return warned(f"{device} gives sound at {level}, but {told}", "set pick to the channels that give sound")
    if level_dbfs is not None and level_dbfs < HOUR_QUIET_DBFS:
        return warned(
            f"{device} gives sound at {level}, less than the noise of a quiet room",
            "speak while `gatewayd meter` runs; if the level does not rise, raise the microphone's volume in the mixer",
        )
    return passed(f"{device} gives sound at {level}")


def _judge_silence(settings: StationSettings, switched_off: str, heard_s: float) -> Outcome:
    device = settings.capture.device
    what = f"{device} gives only digital zero for {heard_s:g} s"
    if switched_off and settings.card:
        return failed(
            f"{what}: its mixer control {switched_off!r} is off",
            f"switch it on: `alsamixer -c {settings.card.id} -V capture`",
        )
    if settings.capture.mute_gives_zeros:
        return warned(f"{what}, as its own mute button makes it", "press the button, and run this again")
    return failed(
        what,
        "speak while `gatewayd meter` runs: a speakerphone is silent until then; if it stays so, look for a mute "
        "button, its plug, or another channel",
    )


async def try_speaker(settings: StationSettings, sound: SoundAccess) -> Found[bool]:
    """Open the speaker and close it again, with a test sound between if one was asked for."""
    playback = settings.playback
    if playback is None:
        return Found(skipped("this station has none"), True)
    try:
        async with sound.open_playback(playback) as stream:
            if sound.play is not None:
                await sound.play(playback, stream)
            underruns = stream.underruns
    except DeviceMissing as error:
        if sound.root == HOST:
            raise
        return Found(skipped(f"{error.device} is in the copy at {sound.root} only"))
    told = f"{playback.device} opens ({playback.parameters})"
    if sound.play is None:
        return Found(passed(f"{told}; nothing was played, --tone does"), True)
    if underruns:
        return Found(
            warned(
                f"{told}; it ran dry {underruns} times while the tone played", "see what keeps this device busy: `top`"
            ),
            True,
        )
    return Found(passed(f"{told}; a tone was played"), True)
