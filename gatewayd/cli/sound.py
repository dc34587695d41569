"""What the commands that use sound hardware share: which station, opening its streams, and how they end."""

from __future__ import annotations

import argparse
import logging
import math
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import trio

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat, StreamParameters
from gatewayd.cli.options import DEFAULT_CONFIGURATION, UsageError, add_sysroot
from gatewayd.cli.status import configured_socket
from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import DeviceBusy, GatewayError
from gatewayd.hardware.alsa.devices import AlsaDevices
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings
from gatewayd.system.logs import StationLog
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from gatewayd.configuration.model import StationConfiguration
    from gatewayd.hardware.profile import Profile
    from gatewayd.seams.audio import CapturedBlock, CaptureStream, PlaybackStream

KEEP_ALIVE_S = 0.06
"""Silence kept in a card whose capture needs its playback; topped up with each captured period."""

_T = TypeVar("_T", CaptureSettings, PlaybackSettings)


def add_sound_options(parser: argparse.ArgumentParser) -> None:
    """Add the station's name and what may be said instead of configuration, profile and detection."""
    parser.add_argument(
        "station", metavar="STATION", nargs="?", help="which of the configured stations (may be left out if one)"
    )
    parser.add_argument("--device", metavar="hw:…", help="an ALSA device instead of the station's own")
    parser.add_argument("--rate-hz", metavar="N", type=int, choices=RATES_HZ, help="its rate")
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=SampleFormat,
        help=f"its sample format: {', '.join(one.value for one in SampleFormat)}",
    )
    parser.add_argument("--channels", metavar="N", type=int, choices=range(1, MAX_CHANNELS + 1), help="how many it has")
    add_sysroot(parser)


def seconds(text: str) -> float:
    """The type of `--seconds`: more than nothing, and finite."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return value


def rounded(dbfs: float | None) -> float | None:
    """A level as scripts get it: hundredths of a decibel, None for digital zero."""
    return None if dbfs is None else round(dbfs, 2)


def chosen_settings(arguments: argparse.Namespace) -> StationSettings:
    """The hardware that the command line means: the station's, with what the options say instead.

    With `--device`, `--rate-hz`, `--format` and `--channels` all given no configuration is needed, nor read. Raises
    what `find_station` does, and `UsageError`.
    """
    given = (arguments.device, arguments.rate_hz, arguments.format, arguments.channels)
    if None in given:
        return _overridden(find_station(arguments.config, arguments.station, arguments.sysroot), arguments)
    if arguments.station is not None:
        raise UsageError("a STATION has no meaning beside --device, --rate-hz, --format and --channels: leave one out")
    parameters = StreamParameters(arguments.rate_hz, arguments.format, arguments.channels)
    return StationSettings(
        profile=None,
        capture=CaptureSettings(arguments.device, parameters, pick=_pick_of(arguments.channels)),
        playback=PlaybackSettings(arguments.device, parameters),
    )


def find_station(config: Path, name: str | None, sysroot: Path) -> StationSettings:
    """The hardware of the station of that name, or of the only one, as the daemon would find it now.

    Where there is no configuration, which only the default one may be, the hardware is chosen as for a station that
    says nothing. Raises `ConfigurationInvalid`, `UsageError` for a name that is not there or must be given, and
    `DeviceError` for hardware that is missing or ambiguous.
    """
    from gatewayd.hardware.alsa.mixer import AlsaMixer  # noqa: PLC0415 - not needed where options say everything
    from gatewayd.hardware.profiles import load_profiles, profile_directories  # noqa: PLC0415
    from gatewayd.station.finder import StationFinder, look_at  # noqa: PLC0415

    profiles = load_profiles(profile_directories(sysroot))
    stations = _configured_stations(config, profiles)
    station = _named(stations, name)
    look = look_at(sysroot, controls=AlsaMixer().controls)
    log = StationLog(logging.getLogger(__name__), station.name)
    return StationFinder(station, stations, profiles, look, log=log).find()


def _configured_stations(config: Path, profiles: Mapping[str, Profile]) -> Sequence[StationConfiguration]:
    from gatewayd.configuration.load import load  # noqa: PLC0415 - not needed where options say everything
    from gatewayd.configuration.model import StationConfiguration  # noqa: PLC0415
    from gatewayd.hardware.resolve import check_stations  # noqa: PLC0415

    if config == DEFAULT_CONFIGURATION and not config.exists():
        return [StationConfiguration("main")]
    configuration = load(config)
    check_stations(configuration, profiles)
    return configuration.stations


def _named(stations: Sequence[StationConfiguration], name: str | None) -> StationConfiguration:
    if name is None and len(stations) == 1:
        return stations[0]
    known = ", ".join(station.name for station in stations)
    if name is None:
        raise UsageError(f"say which STATION is meant: {known}")
    for station in stations:
        if station.name == name:
            return station
    raise UsageError(f"there is no station '{one_line(name)}'; configured are: {known}")


def _overridden(settings: StationSettings, arguments: argparse.Namespace) -> StationSettings:
    capture = _with_options(settings.capture, arguments)
    if not all(channel < capture.parameters.channels for channel in capture.pick):
        capture = replace(capture, pick=_pick_of(capture.parameters.channels))
    playback = settings.playback and _with_options(settings.playback, arguments)
    return replace(settings, capture=capture, playback=playback)


def _with_options(stream: _T, arguments: argparse.Namespace) -> _T:
    base = stream.parameters
    parameters = StreamParameters(
        arguments.rate_hz or base.rate_hz, arguments.format or base.format, arguments.channels or base.channels
    )
    return replace(stream, device=arguments.device or stream.device, parameters=parameters)


def _pick_of(channels: int) -> tuple[int, ...]:
    """As a profile that names none: the first channel, or both of two."""
    return (0, 1) if channels == 2 else (0,)


async def until_stopped(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, and cancel it at SIGINT or SIGTERM: being asked to stop is a good end."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_signal, signals, nursery.cancel_scope)
            await work()
            nursery.cancel_scope.cancel()


async def _cancel_at_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    await anext(signals)
    scope.cancel()


@asynccontextmanager
async def opened_capture(settings: StationSettings, config: Path) -> AsyncIterator[CaptureStream]:
    """The station's microphone, open and running as the daemon opens it, its mixer untouched.

    Where capture needs the card's playback, that is opened first and kept running with silence. Raises `DeviceError`;
    of a device that the daemon holds it says so, for which it asks the one that `config` leads to.
    """
    devices = AlsaDevices()
    async with AsyncExitStack() as streams:
        try:
            speaker = None
            if settings.capture.needs_playback and settings.playback is not None:
                speaker = await streams.enter_async_context(devices.playback(settings.playback).open())
                await _keep_alive(speaker)
            microphone = await streams.enter_async_context(devices.capture(settings.capture).open())
        except DeviceBusy as error:
            raise await _named_holder(error, config) from None
        yield microphone if speaker is None else _DuplexCapture(microphone, speaker)


@asynccontextmanager
async def opened_playback(settings: PlaybackSettings, config: Path) -> AsyncIterator[PlaybackStream]:
    """A speaker, open as the daemon opens it. Raises as `opened_capture` does."""
    async with AsyncExitStack() as streams:
        try:
            speaker = await streams.enter_async_context(AlsaDevices().playback(settings).open())
        except DeviceBusy as error:
            raise await _named_holder(error, config) from None
        yield speaker


class WarmUp:
    """Throws away the first `warm_up_ms` after an opening, as the daemon does."""

    def __init__(self, settings: CaptureSettings) -> None:
        parameters = settings.parameters
        self._left = settings.warm_up_ms * parameters.rate_hz // 1000 * parameters.frame_bytes

    def cut(self, data: bytes) -> bytes:
        """What of `data`, whole frames, is no warm-up."""
        thrown_away = min(self._left, len(data))
        self._left -= thrown_away
        return data[thrown_away:]


class _DuplexCapture:
    """A capture stream that gives sound only while its card plays."""

    def __init__(self, microphone: CaptureStream, speaker: PlaybackStream) -> None:
        self._microphone = microphone
        self._speaker = speaker

    @property
    def device(self) -> str:
        return self._microphone.device

    @property
    def parameters(self) -> StreamParameters:
        return self._microphone.parameters

    async def receive(self) -> CapturedBlock:
        await _keep_alive(self._speaker)
        return await self._microphone.receive()


async def _keep_alive(speaker: PlaybackStream) -> None:
    missing_s = KEEP_ALIVE_S - speaker.queued_s
    if missing_s > 0:
        parameters = speaker.parameters
        await speaker.send(bytes(round(missing_s * parameters.rate_hz) * parameters.frame_bytes))


async def _named_holder(error: DeviceBusy, config: Path) -> DeviceBusy:
    """The same error, which says so if it is the daemon that holds the device, and how to have it let go."""
    try:
        # A thread: the daemon answers within the client's own bound, and Ctrl-C need not wait for that.
        status = await trio.to_thread.run_sync(
            lambda: request(configured_socket(config), Command.STATUS), abandon_on_cancel=True
        )
    except GatewayError:  # no daemon that could be the holder, or none that can be asked
        return error
    stations = status.get("stations")
    names = [
        name
        for name, station in (stations.items() if isinstance(stations, dict) else ())
        if isinstance(station, dict)
        for stream in (station.get("capture"), station.get("playback"))
        if isinstance(stream, dict) and stream.get("device") == error.device
    ]
    if not names:
        return error
    return DeviceBusy(
        error.device,
        f"the running gatewayd has it open for station {one_line(names[0])}; `gatewayd stop` ends only the "
        "conversation: `systemctl stop gatewayd` lets go of it, and `systemctl start gatewayd` takes it again",
    )
