"""Goes through the catalogue and gathers what an answer of the daemon has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gatewayd.metrics.catalogue import FAMILIES, UP
from gatewayd.metrics.reading import LABELS_LIMIT, Point, at, finite, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewayd.metrics.family import Family


def collect(answer: Mapping[str, object] | None, now_s: float) -> Iterator[tuple[Family, list[Point]]]:
    """Every metric that has points in `answer` to the control command `metrics`; None stands for a daemon that is away.

    `now_s` is the Unix time of the answer. No two points of a metric have the same labels.
    """
    whole = {**(answer or {}), "up": answer is not None}
    uptime_s = finite(at(whole, ("status", "uptime_s")))
    if uptime_s is not None:
        whole["start_time_s"] = now_s - uptime_s
    stations = _stations(whole) if answer is not None else {}
    for family in FAMILIES if answer is not None else (UP,):
        if "station" in family.labels:
            points = [
                Point((name, *point.labels), point.value)
                for name, station in stations.items()
                for point in family.read(station)
            ]
        else:
            points = list(family.read(whole))
        if points:
            yield family, list({point.labels: point for point in points}.values())


def _stations(answer: Mapping[str, object]) -> dict[str, object]:
    """By label: each station's part of the status and of the measurements."""
    found = at(answer, ("status", "stations"))
    names = list(found)[:LABELS_LIMIT] if isinstance(found, Mapping) else []
    return {
        label(name): {
            "status": at(answer, ("status", "stations", name)),
            "measurements": at(answer, ("measurements", "stations", name)),
        }
        for name in names
    }
