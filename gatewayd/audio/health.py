"""Whether what a card gives is the sound of a microphone, told from its native samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.audio import findings
from gatewayd.audio.blocks import block_samples
from gatewayd.audio.channel_health import STEPS_PER_S, ChannelMonitor, still_spread
from gatewayd.audio.looks import clipped_samples, look, together
from gatewayd.audio.quiet import QuietMonitor
from gatewayd.audio.rate_check import RateMonitor
from gatewayd.control.schema import MicrophoneHealth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewayd.audio.formats import StreamParameters
    from gatewayd.control.schema import ChannelStatus, Finding

PARTS = 5
"""Parts of 100 ms that a step is looked at by."""
GLANCES_IN_PART = 10
"""Of each part a tenth is looked at, the first or the second 10 ms in turn, so that hum of 50 or 60 Hz is not caught in
the same phase each time. Looking at everything would cost more than to convert it.

No verdict on a picked channel rests on these glances: where it does not move in them, all of the step
is looked at, and where anything in them is loud, all of it is searched for full scale. What goes unseen is what clips
for less than 100 ms, with less than `LOUD_FROM` in the glances around it: a knock, which is not to count.
"""
PERIODS_IN_PART = 5
"""Periods of 20 ms, which cards are asked for, in a part."""
LOUD_FROM = 0.25
"""Magnitude, as a share of full scale, from which sound is loud: -12 dBFS."""

_BEST_FIRST = (
    MicrophoneHealth.CLIPPING,
    MicrophoneHealth.OK,
    MicrophoneHealth.STARTING,
    MicrophoneHealth.STUCK,
    MicrophoneHealth.SILENT,
)
"""A microphone of several channels is what the first of these is that any picked channel is."""


class HealthMonitor:
    """Level and health of every channel, rate and loudness of a microphone, from what its card gives.

    Samples are those of the card itself, before gain and high-pass: clipping and digital zero are visible there only.
    They are judged in steps of half a second, wherever the input is cut. `missing` and `muted` are not the sound's to
    say, so they never come from here. Raises nothing, whatever is fed.
    """

    def __init__(self, parameters: StreamParameters, pick: Sequence[int], *, gain_db: float = 0.0) -> None:
        """`pick` names the channels that are used, `gain_db` what is added to them before the agent hears them."""
        self._parameters = parameters
        self._pick = tuple(dict.fromkeys(pick))
        self._gain_power = 10.0 ** (gain_db / 10.0)
        self._cuts = [_Cut(parameters, frames) for frames in block_samples(parameters.rate_hz, STEPS_PER_S)]
        spread_max = still_spread(parameters.format)
        self._channels = tuple(ChannelMonitor(spread_max) for _ in range(parameters.channels))
        self._nothing_clipped = [0.0] * parameters.channels
        self._rate = RateMonitor(parameters.rate_hz)
        self._quiet = QuietMonitor()
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._pending_bytes = 0
        self._counted_bytes = 0
        self._turn = 0

    def feed(self, data: bytes, at_s: float, *, gap: bool = False) -> None:
        """Take native whole frames that were received at `at_s`, in seconds of a clock that never goes backwards.

        `gap`: sound was lost right before them.
        """
        if gap:
            self._rate.restart()
            self._counted_bytes = self._pending_bytes
        self._pieces.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= self._cuts[self._turn].step_bytes:
            self._rate.feed((self._pending_bytes - self._counted_bytes) // self._parameters.frame_bytes, at_s)
            self._take_steps()
            self._counted_bytes = self._pending_bytes

    def _take_steps(self) -> None:
        cut, pieces = self._cuts[self._turn], self._pieces
        if self._pending_bytes == cut.step_bytes:
            self._pieces = []
            self._pending_bytes = 0
            self._account(cut, pieces)
            return
        data = b"".join(pieces)
        start = 0
        while len(data) - start >= cut.step_bytes:
            end = start + cut.step_bytes
            self._account(cut, [data[start:end]])
            start, cut = end, self._cuts[self._turn]
        rest = data[start:]
        self._pieces = [rest] if rest else []
        self._pending_bytes = len(rest)

    def _account(self, cut: _Cut, pieces: list[bytes]) -> None:
        self._turn = (self._turn + 1) % len(self._cuts)
        seen = look(self._parameters, cut.glances(pieces))
        if False in [self._channels[number].moves(seen[number]) for number in self._pick]:
            seen = together([look(self._parameters, part) for part in cut.parts(pieces)])
        clipped = self._nothing_clipped
        if max([one.peak for one in seen]) >= LOUD_FROM:
            counts = [clipped_samples(self._parameters, part) for part in cut.parts(pieces)]
            clipped = [sum(channel) / cut.frames for channel in zip(*counts, strict=True)]
        for channel, one, share in zip(self._channels, seen, clipped, strict=True):
            channel.account(one, share)
        self._quiet.feed(self._gain_power * max([self._channels[number].power for number in self._pick]))

    @property
    def health(self) -> MicrophoneHealth:
        """What the sound of the picked channels together says: starting, ok, silent, stuck or clipping.

        Silent is digital zero, stuck one value or a constant with nothing but dither, for two seconds in all of them.
        """
        found = {self._channels[number].health for number in self._pick}
        return next(health for health in _BEST_FIRST if health in found)

    @property
    def channels(self) -> tuple[ChannelStatus, ...]:
        """Every native channel, picked or not; made anew at each call."""
        return tuple(channel.status() for channel in self._channels)

    @property
    def measured_rate_hz(self) -> float | None:
        """Samples a second by the receiver's clock; None until known to 0.1 %, 40 s after a start or a gap."""
        return self._rate.rate_hz

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd besides, now; nearly always nothing, and then it costs nothing."""
        return (
            *findings.channels(self._channels, self._pick),
            *findings.loudness(self._quiet),
            *findings.rate(self._parameters.rate_hz, self._rate),
        )

    def reset(self) -> None:
        """Begin anew, as after the device was opened again; only how loud the last day was is remembered."""
        self._begin()
        self._rate.reset()
        for channel in self._channels:
            channel.reset()


class _Cut:
    """How a step, half a second, is cut into what is looked at; its bytes come in any pieces."""

    def __init__(self, parameters: StreamParameters, frames: int) -> None:
        frame_bytes = parameters.frame_bytes
        self.frames = frames
        self.step_bytes = frames * frame_bytes
        glance_bytes = frames // (PARTS * GLANCES_IN_PART) * frame_bytes
        part_bytes = frames // PARTS * frame_bytes
        starts = range(0, PARTS * part_bytes, part_bytes)
        # The last part has what frames the division leaves over.
        self._parts = [slice(start, end) for start, end in zip(starts, [*starts[1:], self.step_bytes], strict=True)]
        self._glances = [slice(part % 2 * glance_bytes, (part % 2 + 1) * glance_bytes) for part in range(PARTS)]
        periods = PARTS * PERIODS_IN_PART
        self._periods_bytes = [self.step_bytes // periods] * periods

    def glances(self, pieces: list[bytes]) -> bytes:
        """What is looked at at first."""
        # Periods of 20 ms, as nearly always: what is not looked at is not copied either.
        begins = pieces[::PERIODS_IN_PART] if self._are_periods(pieces) else self.parts(pieces)
        return b"".join([begin[glance] for begin, glance in zip(begins, self._glances, strict=True)])

    def parts(self, pieces: list[bytes]) -> Iterable[bytes]:
        """All of it, one part after another: a step of many channels is large, and needed in whole by nobody."""
        if self._are_periods(pieces):
            return (b"".join(pieces[at : at + PERIODS_IN_PART]) for at in range(0, len(pieces), PERIODS_IN_PART))
        data = b"".join(pieces)
        return (data[part] for part in self._parts)

    def _are_periods(self, pieces: list[bytes]) -> bool:
        return [*map(len, pieces)] == self._periods_bytes
