"""A card that gives sound to a health monitor, period by period, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.health import HealthMonitor
from tests.audio.sound import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from gatewayd.control.schema import FindingKind

STEREO_8K = StreamParameters(8_000, SampleFormat.S16_LE, 2)
MONO_8K = StreamParameters(8_000, SampleFormat.S16_LE, 1)


class Card:
    """Gives native sound in periods of 20 ms; `real_rate_hz` is its true rate, whatever it says."""

    def __init__(
        self,
        parameters: StreamParameters,
        *,
        pick: Sequence[int] = (0,),
        gain_db: float = 0.0,
        real_rate_hz: float | None = None,
        late_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.parameters = parameters
        self.monitor = HealthMonitor(parameters, pick, gain_db=gain_db)
        self.real_rate_hz = real_rate_hz or parameters.rate_hz
        self.now_s = 1000.0
        self._late_s = late_s
        self._chance = np.random.default_rng(1)

    def give(self, sound: npt.ArrayLike) -> None:
        """(frames,) to every channel, or (frames, channels), in shares of full scale."""
        shares = np.asarray(sound, np.float64)
        if shares.ndim == 1:
            shares = np.tile(shares[:, np.newaxis], (1, self.parameters.channels))
        self.give_bytes(encode(shares, self.parameters.format))

    def give_bytes(self, data: bytes, *, gap: bool = False) -> None:
        period_bytes = self.parameters.rate_hz // 50 * self.parameters.frame_bytes
        for start in range(0, len(data), period_bytes):
            period = data[start : start + period_bytes]
            self.now_s += len(period) / self.parameters.frame_bytes / self.real_rate_hz
            self.monitor.feed(period, self.now_s + self._late_s(), gap=gap and start == 0)

    def give_noise(self, seconds: float, *levels_dbfs: float | None) -> None:
        """White noise in each channel (the last level goes for all further ones); None for digital zero."""
        frames, channels = round(seconds * self.parameters.rate_hz), self.parameters.channels
        each = [*levels_dbfs, *[levels_dbfs[-1]] * channels][:channels]
        rms = [0.0 if level is None else 10.0 ** (level / 20.0) / np.sqrt(2.0) for level in each]
        self.give(self._chance.normal(0.0, 1.0, (frames, channels)) * rms)

    def give_constant(self, seconds: float, *values: float) -> None:
        """The same sample over and over, in shares of full scale; one for all channels or one for each."""
        frames = round(seconds * self.parameters.rate_hz)
        self.give(np.broadcast_to(np.array(values), (frames, self.parameters.channels)))

    def pass_time(self, seconds: float) -> None:
        """Without any sound."""
        self.now_s += seconds

    @property
    def found(self) -> list[tuple[FindingKind, int | None]]:
        """Kinds and channels of the findings."""
        return [(finding.kind, finding.channel) for finding in self.monitor.findings]

    def text(self) -> str:
        """Of the only finding."""
        (finding,) = self.monitor.findings
        return finding.text
