from __future__ import annotations

import math
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_fd_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from gatewayd.metrics.catalogue import FAMILIES, OF_STATIONS
from gatewayd.metrics.exposition import CLASSIC, OPENMETRICS, content_type_for, render
from gatewayd.metrics.family import Kind
from gatewayd.session.causes import Cause
from tests.metrics.answers import CANARY, NOW_S, answered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

TRANSCRIPT = Path(__file__).with_name("two_stations.txt")
"""`python -m tests.metrics.test_exposition` writes it anew."""


def parse_openmetrics(text: str) -> Iterator[Metric]:
    families: Iterator[Metric] = text_fd_to_metric_families(StringIO(text))  # type: ignore[no-untyped-call] # has no types
    return families


def text_of(answer: Mapping[str, object] | None) -> str:
    return render(answer, NOW_S).decode()


def parsed(answer: Mapping[str, object] | None) -> dict[str, Metric]:
    return {metric.name: metric for metric in parse_openmetrics(text_of(answer))}


def value(answer: Mapping[str, object] | None, name: str, **labels: str) -> float:
    found = [
        sample.value
        for metric in parse_openmetrics(text_of(answer))
        for sample in metric.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, f"{name}{labels} stands there {len(found)} times"
    return float(found[0])


def test_the_transcript_of_two_stations() -> None:
    assert text_of(answered()) == TRANSCRIPT.read_text()


def test_the_librarys_own_parser_reads_back_what_was_measured() -> None:
    answer = answered()
    assert value(answer, "gatewayd_up") == 1
    assert value(answer, "gatewayd_start_time_seconds") == NOW_S - 7512
    assert value(answer, "gatewayd_build_info", version="0.1.0", python="3.11.2") == 1
    assert value(answer, "gatewayd_station_state", station="lobby", gatewayd_station_state="agent_ready") == 1
    assert value(answer, "gatewayd_station_state", station="lobby", gatewayd_station_state="waiting") == 0
    assert value(answer, "gatewayd_session_ends_total", station="door-2", cause="dns_failed") == 3
    assert value(answer, "gatewayd_session_frames_dropped_total", station="lobby", cause="no_session") == 40
    assert value(answer, "gatewayd_capture_findings", station="lobby", kind="slot_silent") == 1
    assert value(answer, "gatewayd_capture_level_dbfs_bucket", station="lobby", le="-30.0") == 3
    assert value(answer, "gatewayd_capture_digital_zero_seconds_total", station="lobby") == 1
    assert value(answer, "gatewayd_playback_buffered_seconds", station="lobby") == 0.06
    assert value(answer, "gatewayd_log_records_lost_total", level="info") == 7
    assert value(answer, "gatewayd_session_ready_seconds_sum", station="lobby") == 1.875


def test_types_are_those_of_the_catalogue() -> None:
    found = parsed(answered())
    assert {name: metric.type for name, metric in found.items()} == {
        family.name: family.kind.value for family in FAMILIES
    }
    assert {name: metric.unit for name, metric in found.items()} == {family.name: family.unit for family in FAMILIES}
    assert found["gatewayd_capture_level_dbfs"].unit == "dbfs"
    assert {name: metric.documentation for name, metric in found.items()} == {
        family.name: family.text for family in FAMILIES
    }


def test_what_is_not_known_has_no_sample() -> None:
    answer = answered()
    of_door = {
        sample.name
        for metric in parsed(answer).values()
        for sample in metric.samples
        if sample.labels.get("station") == "door-2"
    }
    assert not any(name.startswith("gatewayd_playback") for name in of_door)
    assert "gatewayd_capture_last_level_dbfs" not in of_door
    assert "gatewayd_session_next_attempt_seconds" in of_door
    answer["status"]["heartbeat"] = {"reachable": None, "rtt_s": None}
    assert "gatewayd_heartbeat_reachable" not in parsed(answer)
    answer["status"]["heartbeat"] = None
    assert "gatewayd_heartbeat_reachable" not in parsed(answer)


def test_a_daemon_that_is_away_is_down_and_nothing_else_is_told() -> None:
    assert text_of(None) == (
        "# HELP gatewayd_up 1 while the daemon answers on its control socket.\n"
        "# TYPE gatewayd_up gauge\ngatewayd_up 0.0\n# EOF\n"
    )


def test_no_secret_is_in_any_label_or_value() -> None:
    answer = answered()
    assert CANARY in str(answer)
    assert CANARY not in text_of(answer)
    assert CANARY not in render(answer, NOW_S, CLASSIC).decode()


def test_labels_are_a_closed_list() -> None:
    labels = {name for metric in parsed(answered()).values() for sample in metric.samples for name in sample.labels}
    assert labels == {
        *("station", "cause", "kind", "level", "le", "version", "python", "profile", "capture_device"),
        *("playback_device", "gatewayd_station_state", "gatewayd_capture_health"),
    }


def test_there_are_no_more_causes_than_are_told() -> None:
    answer = answered()
    answer["measurements"]["stations"]["lobby"]["ends"] = {cause.value: 1 for cause in Cause}
    ends = parsed(answer)["gatewayd_session_ends"].samples
    assert {sample.labels["cause"] for sample in ends} == {cause.value for cause in Cause}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", CLASSIC),
        ("*/*", CLASSIC),
        ("text/plain;version=0.0.4", CLASSIC),
        ("application/openmetrics-text", OPENMETRICS),
        # Prometheus 2.45 and 3.1
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5",
            OPENMETRICS,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OPENMETRICS,
        ),
        ("text/html, Application/OpenMetrics-Text ; version=9", OPENMETRICS),
    ],
)
def test_the_format_is_what_the_scraper_asks_for(accept: str, content_type: str) -> None:
    assert content_type_for(accept) == content_type


def test_the_classic_format_has_the_same_numbers() -> None:
    answer = answered()
    classic = render(answer, NOW_S, CLASSIC).decode()
    there = {(s.name, tuple(sorted(s.labels.items())), s.value) for m in parse_classic(classic) for s in m.samples}
    here = {
        (s.name, tuple(sorted(s.labels.items())), float(s.value)) for m in parsed(answer).values() for s in m.samples
    }
    assert there == here
    assert "# EOF" not in classic
    assert "stateset" not in classic


# whatever the daemon says, and whatever its stations are called

EXAMPLES = 25
"""The library's parser takes some 10 ms for a whole text."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["a\n", "a\\n", 'a"', "", "\ud800", "\\ud800", "\u2028"]
)


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [path, *(place for name, each in value.items() for place in places(each, (*path, name)))]


def of_lobby_alone() -> dict[str, Any]:
    answer = answered()
    for table in (answer["status"]["stations"], answer["measurements"]["stations"]):
        del table["door-2"]
    return answer


PLACES = [place for place in places(of_lobby_alone()) if place]


def put(table: object, place: tuple[str, ...], value: object) -> None:
    for name in place[:-1]:
        table = table.get(name) if isinstance(table, dict) else None
    if isinstance(table, dict):  # an earlier value may have taken it away
        table[place[-1]] = value


@settings(max_examples=EXAMPLES)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=12))
def test_any_status_renders_to_what_the_parser_accepts(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    answer = of_lobby_alone()
    for place, changed in changes:
        put(answer, place, changed)
    assert parsed(answer)["gatewayd_up"].samples[0].value == 1
    list(parse_classic(render(answer, NOW_S, CLASSIC).decode()))


@settings(max_examples=EXAMPLES)
@given(st.lists(NAMES, min_size=1, max_size=3, unique=True))
def test_any_station_names_render_to_what_the_parser_accepts(names: list[str]) -> None:
    answer = answered()
    for table in (answer["status"]["stations"], answer["measurements"]["stations"]):
        whole = table["lobby"]
        table.clear()
        table.update(dict.fromkeys(names, whole))
    states = parsed(answer)["gatewayd_station_state_seconds"].samples
    assert 1 <= len(states) <= len(names)
    assert all(sample.labels["station"].isprintable() for sample in states)


@settings(max_examples=EXAMPLES)
@given(JSON)
def test_any_answer_at_all(answer: Any) -> None:
    parsed({"status": answer, "measurements": answer})


def test_numbers_that_no_metric_can_be_are_left_out() -> None:
    answer = answered()
    lobby = answer["measurements"]["stations"]["lobby"]
    lobby["token_s"]["counts"][0] = 2.0**60
    lobby["ready_s"]["sum"] = -1
    lobby["ping_s"]["counts"].pop()
    lobby["frame_age_s"]["bounds"][0] = 9
    lobby["level_dbfs"]["bounds"][0] = "low"
    answer["measurements"]["loop_lag_s"]["bounds"][-1] = math.inf
    answer["status"]["uptime_s"] = 10**400
    lobby["ends"] = {"stopped": -1, "dns_failed": 10**400, "connect_failed": 2}
    answer["status"]["stations"]["lobby"]["capture"]["frames"] = -1
    found = parsed(answer)
    of_lobby = [s for metric in found.values() for s in metric.samples if s.labels.get("station") == "lobby"]
    gone = ("token_seconds", "ready_seconds", "ping_seconds", "frame_age_seconds", "capture_level", "capture_frames")
    assert not [sample for sample in of_lobby for part in gone if f"_{part}" in sample.name]
    assert not {"gatewayd_loop_lag_seconds", "gatewayd_uptime_seconds", "gatewayd_start_time_seconds"} & set(found)
    assert value(answer, "gatewayd_session_ends_total", station="lobby", cause="connect_failed") == 2
    assert [s.labels["cause"] for s in of_lobby if s.name == "gatewayd_session_ends_total"] == ["connect_failed"]


def test_two_labels_that_look_alike_are_one_sample() -> None:
    answer = answered()
    answer["measurements"]["stations"]["lobby"]["ends"] = {"a\n": 1, "a\\n": 2, "b": 3}
    lines = [line for line in text_of(answer).splitlines() if line.startswith("gatewayd_session_ends_total")]
    assert len([line for line in lines if 'station="lobby"' in line]) == 2


def test_the_catalogue_has_names_with_units_and_texts() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert family.name.startswith("gatewayd_")
        assert not family.name.endswith(("_total", "_info", "_bucket", "_count", "_sum", "_ms"))
        assert family.text.endswith(".")
        if family.kind is Kind.HISTOGRAM:
            assert family.name.endswith(("_seconds", "_dbfs"))
    assert all(family.labels[0] == "station" for family in OF_STATIONS)


if __name__ == "__main__":
    TRANSCRIPT.write_text(text_of(answered()))
