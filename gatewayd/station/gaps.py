"""Breaks in the captured sound: found, counted with their lengths, and told without filling the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.control.events import SoundLost, publish_nowhere
from gatewayd.lean import dataclass
from gatewayd.message_ids import MessageId

if TYPE_CHECKING:
    import logging

    from gatewayd.control.events import Publish
    from gatewayd.seams.clock import Clock

STANDSTILL_MIN_S = 0.25
"""Sound that is short of the clock by more than this in one go is a break: a card's period is at most 0.1 s long."""
SLEEP_MIN_S = 0.5
"""The clock that counts sleep runs ahead of the other by this much only when the device slept."""
LINE_INTERVALS_S = (0.0, 10.0, 60.0, 600.0, 3600.0)
"""Between two lines in the log, the later the more came before; what comes sooner is summed up in the next. After an
hour without any it begins anew.
"""

OVERRAN = "the card's buffer ran over"
REOPENED = "the device was opened anew"
STOOD_STILL = "the card stood still"
SLEPT = "this device slept"


@dataclass(frozen=True)
class Gaps:
    """So many breaks, and their lengths together."""

    count: int = 0
    length_s: float = 0.0

    def __add__(self, length_s: float) -> Gaps:
        return Gaps(self.count + 1, self.length_s + length_s)


class GapCounter:
    """Told of every stretch of sound that is handed on, knows what is missing between two of them.

    The length of a gap is the time between them, the device's sleep included, less what the later one covers. For a
    buffer that ran over that is an estimate, as the card does not tell: right to about one period.
    """

    def __init__(
        self, clock: Clock, log: logging.LoggerAdapter[logging.Logger], publish: Publish = publish_nowhere
    ) -> None:
        self._publish = publish
        self._clock = clock
        self._log = log
        self._last_s: float | None = None
        self._slept_s = 0.0
        self._cause: str | None = None
        self._untold = Gaps()
        self._causes: dict[str, None] = {}
        self._told_s = float("-inf")
        self._tellings = 0
        """In a row, each sooner than an hour after the last."""
        self.total = Gaps()

    def note_break(self, cause: str) -> None:
        """Sound was lost before what comes next; the first cause that is told stays."""
        self._cause = self._cause or cause

    def rest(self) -> None:
        """No sound is wanted until the next comes, which follows nothing."""
        self._last_s = self._cause = None

    def note_sound(self, covers_s: float) -> bool:
        """So much sound has just come; whether it does not follow what came before it."""
        now_s = self._clock.boottime_s()
        slept_s = now_s - self._clock.monotonic_s()
        last_s, self._last_s = self._last_s, now_s
        slept_since_s, self._slept_s = slept_s - self._slept_s, slept_s
        cause, self._cause = self._cause, None
        if last_s is None:
            return False
        length_s = max(0.0, now_s - last_s - covers_s)
        if slept_since_s >= SLEEP_MIN_S:
            cause = SLEPT
        elif cause is None and length_s > STANDSTILL_MIN_S:
            cause = STOOD_STILL
        if cause is not None:
            self.total += length_s
            self._untold += length_s
            self._causes[cause] = None
        return cause is not None

    def tell(self) -> None:
        """Say what was not yet said, in the log and as an event, if a line is due; to be called every second or so."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._told_s + LINE_INTERVALS_S[-1]:
            self._tellings = 0
        interval_s = LINE_INTERVALS_S[min(self._tellings, len(LINE_INTERVALS_S) - 1)]
        if not self._untold.count or now_s < self._told_s + interval_s:
            return
        gaps, causes = self._untold, " and ".join(self._causes)
        extra = {"message_id": MessageId.SOUND_MISSING, "count": gaps.count, "span_s": gaps.length_s}
        if gaps.count == 1:
            self._log.warning("%.2f s of sound are missing: %s", gaps.length_s, causes, extra=extra)
        else:
            text = "%.2f s of sound are missing in %d gaps: %s"
            self._log.warning(text, gaps.length_s, gaps.count, causes, extra=extra)
        self._publish(SoundLost(gaps.count, round(gaps.length_s, 3), tuple(self._causes)))
        self._untold, self._causes, self._told_s = Gaps(), {}, now_s
        self._tellings += 1
