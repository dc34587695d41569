"""Whatever a profile's file holds, it gives a profile or a clean error: at least one problem, and a line for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.configuration.entries import Source
from gatewayd.configuration.tables import NamedTables, PlacedTables, Table, TableArray
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profile_schema import PROFILE
from gatewayd.hardware.profiles import parse_profiles
from tests.hardware_profiles.texts import WHOLE

if TYPE_CHECKING:
    from gatewayd.hardware.profile import Profile


def outcome(data: bytes) -> dict[str, Profile] | ConfigurationInvalid:
    try:
        return parse_profiles([Source("board.toml", data)])
    except ConfigurationInvalid as error:
        return error


def check(data: bytes) -> None:
    result = outcome(data)
    if isinstance(result, ConfigurationInvalid):
        lines = str(result).splitlines()
        assert len(lines) == len(result.problems) > 0
        assert all(line.isprintable() and line.startswith("board.toml: ") for line in lines)
    else:
        [profile] = result.values()
        assert profile.name == "board"
        assert all(fact.place for fact in profile.provenance)


@settings(deadline=None)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.one_of(st.binary(max_size=6), st.sampled_from([b"nan", b"[", b"{}", b"[[mixer]]\n", b"provenance."])),
)
def test_a_damaged_profile_gives_a_profile_or_a_clean_error(start: int, length: int, instead: bytes) -> None:
    data = WHOLE.encode()
    check(data[:start] + instead + data[start + length :])


def names(table: Table[Any]) -> list[str]:
    found = []
    for name, key in table.keys.items():
        found.append(name)
        if isinstance(key.kind, Table):
            found += names(key.kind)
        elif isinstance(key.kind, (NamedTables, PlacedTables, TableArray)):
            found += names(key.kind.table)
    return found


KEYS = st.one_of(
    st.sampled_from([*names(PROFILE), "capture.pick", "mixer.PGA"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.sampled_from(["one-rig", "capture", "S16_LE", "board", "auto", "", "PGA Volume", "2886:001a"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=10,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner) for inner in value) + "]"
    if isinstance(value, str):
        # TOML wants DEL escaped too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_toml_gives_a_profile_or_a_clean_error(tree: dict[str, object]) -> None:
    whole = {"name": "board", "description": "A board", "provenance": {}, **tree}
    check("\n".join(f"{toml(key)} = {toml(value)}" for key, value in whole.items()).encode())
