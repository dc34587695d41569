"""Whatever a file holds, it gives a configuration, or a clean error: one line for each problem, and at least one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewayd.configuration.entries import Source
from gatewayd.configuration.model import Configuration
from gatewayd.configuration.parse import parse
from gatewayd.configuration.schema import ROOT
from gatewayd.configuration.tables import NamedTables, Table
from gatewayd.errors import ConfigurationInvalid
from tests.configuration.texts import WHOLE, read


def outcome(*files: bytes) -> Configuration | ConfigurationInvalid:
    try:
        return parse([Source(f"{number}.toml", data) for number, data in enumerate(files)])
    except ConfigurationInvalid as error:
        return error


def check(*files: bytes) -> None:
    result = outcome(*files)
    if isinstance(result, Configuration):
        assert result.stations
        json.dumps(result.agent.token.body)
        return
    assert result.problems
    lines = str(result).splitlines()
    assert len(lines) == len(result.problems)
    assert all(line.isprintable() and line.split(".")[0].isdigit() for line in lines)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def names(table: Table[Any]) -> list[str]:
    found = []
    for name, key in table.keys.items():
        found.append(name)
        if isinstance(key.kind, Table):
            found += names(key.kind)
        elif isinstance(key.kind, NamedTables):
            found += ["main", *names(key.kind.table)]
    return found


KEYS = st.one_of(st.sampled_from(names(ROOT)), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["wss://h/", "https://h/", "ws://h", "/x", "S32_LE", "always", "auto", "", "Bearer abc12345", "[::"]
    ),
)
SCALARS = st.one_of(
    TEXTS.map(quoted),
    st.integers().map(str),
    st.integers(min_value=0).map(hex),
    st.floats().map(str),
    st.booleans().map(lambda flag: str(flag).lower()),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.dates().map(str),
    st.times().map(str),
)


def inline(members: list[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{quoted(key)} = {value}" for key, value in dict(members).items()) + " }"


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(inline),
    ),
    max_leaves=12,
)
STATEMENTS = st.one_of(
    st.tuples(st.lists(KEYS, min_size=1, max_size=5), VALUES).map(
        lambda pair: f"{'.'.join(quoted(key) for key in pair[0])} = {pair[1]}"
    ),
    st.lists(KEYS, min_size=1, max_size=5).map(lambda path: f"[{'.'.join(quoted(key) for key in path)}]"),
)
FILES = st.lists(STATEMENTS, max_size=6).map(lambda lines: "\n".join(lines).encode())
LINES = WHOLE.encode().splitlines()


@settings(deadline=None)
@given(st.lists(st.binary(), min_size=1, max_size=3))
@example([b"\x00"])
@example([b"a = " + b"[" * 3000])
@example([b"a." * 3000 + b"a = 1"])
@example([b"stations." + b"9" * 3000 + b" = 0x" + b"f" * 3000])
@example([b"stations.main.capture.gain_db = 0x" + b"f" * 3000])
def test_any_bytes(files: list[bytes]) -> None:
    check(*files)


@settings(deadline=None)
@given(st.lists(FILES, min_size=1, max_size=3))
def test_anything_of_the_shape_of_toml(files: list[bytes]) -> None:
    check(*files)


@settings(deadline=None)
@given(FILES)
def test_anything_laid_over_a_right_configuration(file: bytes) -> None:
    check(WHOLE.encode(), file)


@settings(deadline=None)
@given(st.sampled_from(range(len(LINES))), VALUES)
def test_any_value_under_any_key(number: int, value: str) -> None:
    key, equals, _ = LINES[number].partition(b" = ")
    line = key + equals + value.encode() if equals else LINES[number]
    check(b"\n".join([*LINES[:number], line, *LINES[number + 1 :]]))


@settings(deadline=None)
@given(st.integers(0, len(WHOLE)), st.integers(0, 30), st.binary(max_size=4))
def test_a_configuration_with_a_part_replaced(start: int, length: int, instead: bytes) -> None:
    whole = WHOLE.encode()
    check(whole[:start] + instead + whole[start + length :])


@settings(deadline=None)
@given(st.permutations(LINES))
def test_a_configuration_with_its_lines_in_disorder(lines: list[bytes]) -> None:
    check(b"\n".join(lines))


@settings(deadline=None)
@given(st.sets(st.sampled_from(range(len(LINES)))))
def test_a_configuration_split_in_two_at_any_keys_is_the_same(second: set[int]) -> None:
    tables = [number for number, line in enumerate(LINES) if line.startswith(b"[")]

    def part(keep: bool) -> bytes:
        return b"\n".join(line for number, line in enumerate(LINES) if number in tables or (number in second) is keep)

    assert read(part(keep=False), part(keep=True)) == read(WHOLE)
