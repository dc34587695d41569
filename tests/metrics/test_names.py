"""The dashboard, the alerts and the page of the documentation speak of metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatewayd.metrics.exposition import CLASSIC, OPENMETRICS, render
from gatewayd.session.causes import Cause
from tests.metrics.answers import NOW_S, answered
from tests.metrics.page import PAGE, update

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "gatewayd.json"
UNSHOWN = {"gatewayd_ready", "gatewayd_uptime_seconds", "gatewayd_capture_measured_rate_hertz"}
"""Metrics that no panel shows."""
_LABELS = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? \S+$", re.MULTILINE)


def samples(content_type: str) -> dict[str, set[tuple[str, str]]]:
    """The names of all samples that a daemon's text has, with the labels and their values."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, labels in _SAMPLE.findall(render(answered(), NOW_S, content_type).decode()):
        found.setdefault(name, set()).update(re.findall(r'([a-z_]+)="([^"]*)"', labels))
    return found


OPEN, OLD = samples(OPENMETRICS), samples(CLASSIC)


def expressions(value: object) -> Iterator[str]:
    """What Prometheus is asked, anywhere in the dashboard, its variables included."""
    if isinstance(value, list):
        for each in value:
            yield from expressions(each)
    if isinstance(value, dict):
        for name, each in value.items():
            if name in ("expr", "definition") and isinstance(each, str):
                yield each
            else:
                yield from expressions(each)


def check(expression: str) -> set[str]:
    """The names in an expression; each must be a sample's, in either format, and each label one of that sample's."""
    names = set()
    whole = re.sub(r"(by|on) \([^)]*\)", "", expression)
    for name, selector in re.findall(r"\b(gatewayd_[a-z_]+)(?:\{([^}]*)\})?", whole):
        assert name in OPEN, f"{name} in {expression}"
        assert name in OLD, f"{name} in {expression}"
        labels = dict.fromkeys(label for label, _ in OPEN[name])
        for label, value in _LABELS.findall(selector):
            assert label in {*labels, "instance"}, f"{label} of {name} in {expression}"
            check_value(name, label, value)
        names.add(name)
    return names


def check_value(name: str, label: str, value: str) -> None:
    if value.startswith("$"):
        return
    known = {cause.value for cause in Cause} if label == "cause" else {each for key, each in OPEN[name] if key == label}
    assert set(value.split("|")) <= known, f"{label} of {name}: {value}"


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def test_the_dashboard_asks_for_metrics_that_a_daemon_has() -> None:
    asked = list(expressions(dashboard()))
    names = set().union(*map(check, asked))
    assert all("gatewayd_" in expression for expression in asked)
    families = {re.sub(r"_(total|info|bucket|count|sum)$", "", name) for name in names}
    there = {re.sub(r"_(total|info|bucket|count|sum)$", "", name) for name in OPEN}
    assert there - families == UNSHOWN


def test_the_dashboard_can_be_imported() -> None:
    whole = dashboard()
    assert (whole["uid"], whole["title"]) == ("gatewayd", "gatewayd")
    panels = whole["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & places, f"{panel['title']} lies on another panel"
        places |= cells
        if panel["type"] != "row":
            assert panel["description"]
            assert [target["refId"] for target in panel["targets"]] == [*"ABCDEFGH"][: len(panel["targets"])]
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    variables = {variable["name"] for variable in whole["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]+)", json.dumps(whole))) - {"__rate_interval", "__all"}
    assert used == variables


@pytest.mark.parametrize(
    "wrong",
    ["rate(gatewayd_capture_frames[5m])", 'gatewayd_up{statoin=~"$x"}', 'gatewayd_session_ends_total{cause="tired"}'],
)
def test_a_wrong_name_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check(wrong)


def test_the_alerts_are_about_metrics_that_there_are() -> None:
    asked = re.findall(r"^ +expr: (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(asked) > 5
    for expression in asked:
        assert check(expression)


def test_the_page_has_the_catalogue() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert update(page) == page, "run: python -m tests.metrics.page"
