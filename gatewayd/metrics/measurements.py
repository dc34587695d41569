"""What the daemon counts and measures beside its status: plain numbers, which cost next to nothing to keep.

What is counted only grows for as long as the daemon runs; who reads it takes differences. `as_json` gives numbers,
names of stations and causes: nothing in which a secret could stand.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatewayd.session.causes import Cause

TOKEN_BOUNDS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""To agent.token.timeout_s, as it is left out."""
READY_BOUNDS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Token, connecting and the agent's own start together."""
PING_BOUNDS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""A wired network in the same town, to a mobile link at its end; the session gives up after 10 s."""
FRAME_AGE_BOUNDS_S = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""One frame is 20 ms; what grows older than 0.9 s is dropped."""
LEVEL_BOUNDS_DBFS = (-80.0, -70.0, -60.0, -55.0, -50.0, -45.0, -40.0, -35.0, -30.0, -25.0, -20.0, -15.0, -10.0, -5.0)
"""A converter without a microphone, a quiet room, speech at 1 m (about -30), and too loud."""
LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
"""The event loop may be late by half a period of the card, 10 ms, before anybody could hear it."""


class Histogram:
    """How often values fell between bounds; a value on a bound counts to the part below it."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` are ascending; the last part has no upper end."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a finite value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def as_json(self) -> dict[str, object]:
        """Bounds, counts (one more than bounds, not cumulated) and the sum of all values."""
        return {"bounds": list(self._bounds), "counts": list(self._counts), "sum": self._sum}


class StationMeasurements:
    """One station's; it outlives the station's own restarts."""

    def __init__(self) -> None:
        self.token_s = Histogram(TOKEN_BOUNDS_S)
        """Times until a token was there; of requests that failed there are none."""
        self.ready_s = Histogram(READY_BOUNDS_S)
        """Times from the beginning of an attempt until the agent was ready."""
        self.ping_s = Histogram(PING_BOUNDS_S)
        """Round trips over the session's own connection."""
        self.frame_age_s = Histogram(FRAME_AGE_BOUNDS_S)
        """How long frames waited between capture and being handed to the connection."""
        self.level_dbfs = Histogram(LEVEL_BOUNDS_DBFS)
        """Levels of what the agent hears, one a second; digital zero has none."""
        self.queue_age_s: Callable[[], float] = float
        """Asks how old the oldest frame is that waits to be sent; 0.0 while none does, or nobody holds a session."""
        self._ends: dict[Cause, int] = {}
        self._digital_zero_s = 0.0

    def count_end(self, cause: Cause) -> None:
        """An attempt or a session ended."""
        self._ends[cause] = self._ends.get(cause, 0) + 1

    def observe_sound(self, level_dbfs: float | None, *, zeros: bool, for_s: float) -> None:
        """Take a look at the microphone: its level, and whether it gave nothing but digital zero, for so long."""
        if zeros:
            self._digital_zero_s += for_s
        elif level_dbfs is not None:
            self.level_dbfs.observe(level_dbfs)

    def as_json(self) -> dict[str, object]:
        """For the control socket."""
        return {
            "token_s": self.token_s.as_json(),
            "ready_s": self.ready_s.as_json(),
            "ping_s": self.ping_s.as_json(),
            "frame_age_s": self.frame_age_s.as_json(),
            "level_dbfs": self.level_dbfs.as_json(),
            "ends": {cause.value: count for cause, count in self._ends.items()},
            "digital_zero_s": round(self._digital_zero_s, 3),
            "queue_age_s": round(self.queue_age_s(), 4),
        }


class Measurements:
    """The whole daemon's."""

    def __init__(self) -> None:
        self.loop_lag_s = Histogram(LAG_BOUNDS_S)
        """How much later than asked for the event loop woke somebody up."""
        self._stations: dict[str, StationMeasurements] = {}

    def station(self, name: str) -> StationMeasurements:
        """Those of a station, made when first asked for."""
        return self._stations.setdefault(name, StationMeasurements())

    def as_json(
        self, *, process: Mapping[str, object], records_lost: Mapping[str, int], followers: int
    ) -> dict[str, object]:
        """For the control socket, with what others know: `process_figures`, records that the log lost by their level,
        and how many clients follow events.
        """
        return {
            "loop_lag_s": self.loop_lag_s.as_json(),
            "stations": {name: station.as_json() for name, station in self._stations.items()},
            "process": dict(process),
            "records_lost": dict(records_lost),
            "followers": followers,
        }
