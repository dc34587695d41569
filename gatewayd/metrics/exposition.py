"""Writes metrics as text; the only importer of prometheus_client.

The daemon never imports this: the library takes 1.5 MB of memory there, as it brings several HTTP servers of its own.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from gatewayd.metrics.collecting import collect
from gatewayd.metrics.family import Family, Kind
from gatewayd.metrics.reading import Distribution, Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLASSIC = CONTENT_TYPE_PLAIN_0_0_4
"""The text format before OpenMetrics, which is all that node_exporter reads."""
OPENMETRICS = CONTENT_TYPE_OPENMETRICS


def render(answer: Mapping[str, object] | None, now_s: float, content_type: str = OPENMETRICS) -> bytes:
    """The text of every metric in `answer`, see `collecting.collect`, in one of the two formats."""
    generate = generate_openmetrics if content_type == OPENMETRICS else generate_latest
    text: bytes = generate(_Collected(answer, now_s))
    return text


def content_type_for(accept: str) -> str:
    """The format for a request's `Accept` header: OpenMetrics where it is asked for, the classic one otherwise."""
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return OPENMETRICS if OPENMETRICS.partition(";")[0] in asked else CLASSIC


class _Collected:
    """The library's `Collector`."""

    def __init__(self, answer: Mapping[str, object] | None, now_s: float) -> None:
        self._answer = answer
        self._now_s = now_s

    def collect(self) -> Iterator[Metric]:
        for family, points in collect(self._answer, self._now_s):
            yield _metric(family, points)


def _metric(family: Family, points: list[Point]) -> Metric:
    measured = {"unit": family.unit} if family.unit else {}
    metric: Any = _FAMILIES[family.kind](family.name, family.text, labels=family.labels, **measured)
    for point in points:
        if isinstance(point.value, Distribution):
            metric.add_metric(point.labels, *_buckets(point.value))
        else:
            metric.add_metric(point.labels, point.value)
    return cast("Metric", metric)


def _buckets(value: Distribution) -> tuple[list[tuple[str, float]], float]:
    """Cumulated, as the library wants them; it leaves the sum out where a bound is negative, as OpenMetrics says."""
    bounds = [*map(floatToGoString, value.bounds), "+Inf"]
    return list(zip(bounds, accumulate(value.counts), strict=True)), value.sum


_FAMILIES = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
    Kind.STATE_SET: StateSetMetricFamily,
    Kind.INFO: InfoMetricFamily,
}
