"""One opening of a microphone: its sound thrown away while it settles, then converted, measured and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.audio.health import HealthMonitor
from gatewayd.audio.levels import LevelMeter
from gatewayd.station.hearing import Hearing, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.audio.convert import CaptureConverter
    from gatewayd.control.schema import ChannelStatus, Finding
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.hardware import Mixer
    from gatewayd.station.gaps import GapCounter

LOOK_INTERVAL_S = 1.0
"""Between two looks at what the sound says of the microphone."""


class Listening:
    """Takes the sound of one opening; `converter` outlives it where the next opening has the same parameters."""

    def __init__(self, settings: StationSettings, converter: CaptureConverter, mixer: Mixer, gaps: GapCounter) -> None:
        capture = settings.capture
        self._converter = converter
        self._gaps = gaps
        self._meter = LevelMeter()
        self._monitor = HealthMonitor(capture.parameters, capture.pick, gain_db=capture.gain_db)
        self._hearing = Hearing(settings, mixer)
        self._frame_bytes = capture.parameters.frame_bytes
        self._rate_hz = capture.parameters.rate_hz
        self._unsettled_bytes = self._rate_hz * capture.warm_up_ms // 1000 * self._frame_bytes
        self._look_s = float("-inf")
        self.verdict = Verdict()
        converter.reset()

    @property
    def level_dbfs(self) -> float | None:
        """As `LevelMeter` has it, of what goes to the agent."""
        return self._meter.level_dbfs

    @property
    def findings(self) -> Sequence[Finding]:
        """What is odd besides."""
        return self._monitor.findings

    @property
    def channels(self) -> Sequence[ChannelStatus]:
        """The native channels."""
        return self._monitor.channels

    @property
    def measured_rate_hz(self) -> float | None:
        """Of the card's clock."""
        return self._monitor.measured_rate_hz

    def take(self, data: bytes) -> list[bytes]:
        """The wire frames that native sound makes, as it comes from the card; none while the microphone settles."""
        if self._unsettled_bytes:
            unsettled = min(len(data), self._unsettled_bytes)
            self._unsettled_bytes -= unsettled
            data = data[unsettled:]
        if not data:
            return []
        gap = self._gaps.note_sound(len(data) / self._frame_bytes / self._rate_hz)
        if gap:
            self._converter.reset()
        self._monitor.feed(data, trio.current_time(), gap=gap)
        frames = self._converter.feed(data)
        for frame in frames:
            self._meter.feed(frame)
        return frames

    def look(self) -> bool:
        """Whether the verdict was formed anew, as it is every `LOOK_INTERVAL_S`."""
        now_s = trio.current_time()
        if now_s < self._look_s:
            return False
        self._look_s = now_s + LOOK_INTERVAL_S
        self.verdict = self._hearing.judge(self._monitor.health, now_s)
        return True
