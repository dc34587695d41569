from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.metrics import measurements as measured
from gatewayd.metrics.measurements import Histogram, Measurements, StationMeasurements
from gatewayd.session.causes import Cause

BOUNDS = (
    measured.TOKEN_BOUNDS_S,
    measured.READY_BOUNDS_S,
    measured.PING_BOUNDS_S,
    measured.FRAME_AGE_BOUNDS_S,
    measured.LEVEL_BOUNDS_DBFS,
    measured.LAG_BOUNDS_S,
)


def test_a_histogram_counts_a_bound_to_the_part_below() -> None:
    histogram = Histogram((0.0, 1.0))
    for value in (-1.0, 0.0, 0.5, 1.0, 1.5):
        histogram.observe(value)
    assert histogram.as_json() == {"bounds": [0.0, 1.0], "counts": [2, 2, 1], "sum": 2.0}


@given(st.lists(st.floats(-100, 100)), st.sampled_from(BOUNDS))
def test_a_histogram_counts_each_value_once_and_in_its_place(values: list[float], bounds: tuple[float, ...]) -> None:
    histogram = Histogram(bounds)
    for value in values:
        histogram.observe(value)
    expected, lower = [], -math.inf
    for upper in (*bounds, math.inf):
        expected.append(sum(lower < value <= upper for value in values))
        lower = upper
    assert histogram.as_json()["counts"] == expected


def test_all_bounds_are_ascending() -> None:
    assert all(sorted(set(bounds)) == list(bounds) for bounds in BOUNDS)


def test_ends_are_counted_by_cause() -> None:
    station = StationMeasurements()
    for cause in (Cause.DNS_FAILED, Cause.STOPPED, Cause.DNS_FAILED):
        station.count_end(cause)
    assert station.as_json()["ends"] == {"dns_failed": 2, "stopped": 1}


def test_digital_zero_is_time_and_no_level() -> None:
    station = StationMeasurements()
    station.observe_sound(-30.0, zeros=False, for_s=1.0)
    station.observe_sound(None, zeros=False, for_s=1.0)
    station.observe_sound(-90.0, zeros=True, for_s=1.0)
    station.observe_sound(None, zeros=True, for_s=0.5)
    assert station.as_json()["digital_zero_s"] == 1.5
    assert station.as_json()["level_dbfs"] == {
        "bounds": list(measured.LEVEL_BOUNDS_DBFS),
        "counts": [0] * 8 + [1] + [0] * 6,
        "sum": -30.0,
    }


def test_a_station_keeps_its_numbers_however_often_it_is_built() -> None:
    whole = Measurements()
    whole.station("lobby").count_end(Cause.STOPPED)
    assert whole.station("lobby") is whole.station("lobby")
    assert whole.station("door") is not whole.station("lobby")
    told = whole.as_json(process={"cpu_s": 1.0}, records_lost={"info": 2}, followers=1)
    assert set(told) == {"loop_lag_s", "stations", "process", "records_lost", "followers"}
    assert (told["process"], told["records_lost"], told["followers"]) == ({"cpu_s": 1.0}, {"info": 2}, 1)


def test_the_age_of_the_queue_is_asked_for() -> None:
    station = StationMeasurements()
    assert station.as_json()["queue_age_s"] == 0
    station.queue_age_s = lambda: 0.25
    assert station.as_json()["queue_age_s"] == 0.25
