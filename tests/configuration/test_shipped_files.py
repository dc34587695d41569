from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gatewayd.cli.check import check
from gatewayd.configuration.load import load
from gatewayd.configuration.model import CaptureOverrides, PlaybackOverrides
from gatewayd.configuration.schema import ROOT
from gatewayd.configuration.tables import NamedTables, Table
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.inventory import Inventory
from gatewayd.hardware.resolve import settle
from gatewayd.resources import resource_dir
from tests.configuration.texts import MINIMAL, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewayd.hardware.settings import StationSettings

CONFIG = resource_dir("config")
DEFAULT = CONFIG / "gatewayd.toml"
EXAMPLES = sorted((CONFIG / "examples").glob("*.toml"))
FILLED_IN = DEFAULT.read_text().replace('url = ""', 'url = "wss://voice.example.com/ws"', 1)
FILLED_IN = FILLED_IN.replace('\nurl = ""', '\nurl = "https://api.example.com/v1/session"')
WITHOUT_PORT = re.sub("^#port = .*$", "", FILLED_IN, flags=re.MULTILINE)
"""Where a device is named, a port would name the card a second time."""
COMMENTED_KEY = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)


def paths(table: Table[Any], path: str = "") -> Iterator[str]:
    for name, key in table.keys.items():
        if isinstance(key.kind, Table):
            yield from paths(key.kind, f"{path}{name}.")
        elif isinstance(key.kind, NamedTables):
            yield from paths(key.kind.table, f"{path}{name}.main.")
        else:
            yield f"{path}{name}"


def test_as_shipped_only_the_addresses_are_missing() -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(DEFAULT)
    assert [problem.place for problem in caught.value.problems] == ["agent.token.url", "agent.url"]


def test_filled_in_it_is_all_defaults() -> None:
    assert read(FILLED_IN) == read(MINIMAL.replace('profile = "i2s-mems"', ""))


def test_each_commented_key_shows_its_default() -> None:
    shown = read(COMMENTED_KEY.sub("", WITHOUT_PORT))
    default = read(FILLED_IN)
    assert shown.agent.token.body == {"agent_id": "front-desk"}
    assert set(paths(ROOT)) - {"stations.main.port"} <= set(shown.origins)
    assert "#port = " in FILLED_IN
    assert replace(shown.agent.token, body=None) == default.agent.token
    assert replace(shown.agent, token=default.agent.token) == default.agent
    assert shown.control == default.control
    assert shown.metrics == default.metrics
    assert replace(shown.stations[0], capture=CaptureOverrides(), playback=PlaybackOverrides()) == default.stations[0]


def test_its_capture_defaults_are_what_a_station_gets_without_a_profile() -> None:
    text = re.sub(r"^#((pick|gain_db|highpass_hz|volume|enabled) = )", r"# \1", WITHOUT_PORT, flags=re.MULTILINE)
    said, left_out = COMMENTED_KEY.sub("", WITHOUT_PORT), COMMENTED_KEY.sub("", text)
    assert stations(said) == stations(left_out)


def stations(text: str) -> dict[str, StationSettings]:
    settled = {}
    for station in read(text).stations:
        settled[station.name] = settle(station, {}, Inventory(), offers=lambda _device, _capture: ())
    return settled


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_every_example_passes_the_check(example: Path, tmp_path: Path) -> None:
    assert check(example, [resource_dir("hw-profiles"), tmp_path]).summary.startswith(f"{example} is valid")


def test_the_examples_are_there() -> None:
    assert {example.stem for example in EXAMPLES} >= {"pi-i2s-microphone", "two-stations", "local-sim"}
