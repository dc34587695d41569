"""Scenario files: everything wrong is told at once, and every example works."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.errors import ConfigurationInvalid
from gatewayd.sim import script as scripted
from gatewayd.sim.scenario_file import parse_scenario, read_scenario
from gatewayd.sim.script import Place, Point, Scenario, Script, Step, Then
from gatewayd.sim.verbs import VERBS

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "scenarios").glob("*.toml"))
PAGE = Path(__file__).parents[2] / "docs" / "sim.md"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as invalid:
        parse_scenario(text.encode(), "s.toml")
    return [str(problem).removeprefix("s.toml: ") for problem in invalid.value.problems]


def steps(*lines: str) -> str:
    return "[[connections]]\nsteps = [\n" + ",\n".join(lines) + "\n]\n"


def actions(*lines: str) -> list[scripted.Action]:
    (connection,) = parse_scenario(steps(*lines).encode(), "s.toml").connections
    return [step.action for step in connection.steps]


def test_nothing_scripted() -> None:
    assert parse_scenario(b"", "s.toml") == Scenario()


def test_a_whole_scenario() -> None:
    text = """
        then = "repeat"
        token_body = '{"t": "$TOKEN"}'
        [[heartbeat]]
        do = "respond"
        status = 503
        [[accepts]]
        do = "proceed"
        [[accepts]]
        do = "stall"
        [[connections]]
        name = "first"
        steps = [
          { on = "token", after_s = 2, do = "respond", status = 429, headers = { Retry-After = "30" } },
          { on = "frames:250", do = "cut", how = "fin" },
        ]
        [[connections]]
        steps = []
    """
    here = Point(Place.TOKEN)
    assert parse_scenario(text.encode(), "s.toml") == Scenario(
        connections=(
            Script(
                (
                    Step(here, scripted.Respond(429, {"Retry-After": "30"}), 2.0),
                    Step(Point(Place.FRAMES, 250), scripted.Cut(scripted.Hangup.FIN)),
                ),
                "first",
            ),
            Script(),
        ),
        then=Then.REPEAT,
        heartbeat=(Step(here, scripted.Respond(503)),),
        accepts=(Step(here, scripted.Proceed()), Step(here, scripted.Stall())),
        token_body='{"t": "$TOKEN"}',
    )


def test_every_verb() -> None:
    read = actions(
        '{ on = "token", do = "respond", status = 200, body_bytes = 1000000, bytes_per_s = 10 }',
        '{ on = "upgrade", do = "proceed" }',
        '{ on = "open", do = "skip" }',
        '{ on = "auth", do = "accept" }',
        '{ on = "auth", do = "send_error", code = "AUTH_FAILED", typed = false }',
        '{ on = "auth", do = "fail", code = "SESSION_SETUP_FAILED", message = "no", close_code = 4999 }',
        '{ on = "agent_ready", do = "end_session", reason = "room_closed" }',
        '{ on = "agent_ready", do = "send_text", text = "{", fragments = 2 }',
        '{ on = "agent_ready", do = "send_binary", hex = "00 ff", count = 3 }',
        '{ on = "agent_ready", do = "send_binary" }',
        '{ on = "agent_ready", do = "send_raw", hex = "8102c328" }',
        '{ on = "agent_ready", do = "ping", count = 1000 }',
        '{ on = "close", do = "close", without_code = true, half_open = true }',
        '{ on = "connected", do = "cut" }',
        '{ on = "connected", do = "stall", what = "reading", for_s = 1.5 }',
        '{ on = "connected", do = "hush", what = "pongs" }',
    )
    assert read == [
        scripted.Respond(200, body_bytes=1_000_000, bytes_per_s=10.0),
        scripted.Proceed(),
        scripted.Skip(),
        scripted.Accept(),
        scripted.SendError("AUTH_FAILED", typed=False),
        scripted.Fail("SESSION_SETUP_FAILED", "no", 4999),
        scripted.EndSession("room_closed"),
        scripted.SendText("{", 2),
        scripted.SendBinary(b"\x00\xff", 3),
        scripted.SendBinary(bytes(640)),
        scripted.SendRaw(b"\x81\x02\xc3\x28"),
        scripted.SendPing(1000),
        scripted.Close(None, half_open=True),
        scripted.Cut(),
        scripted.Stall(scripted.Direction.READING, 1.5),
        scripted.Hush(scripted.Quiet.PONGS),
    ]
    assert {type(action).__name__ for action in read} == {kind.__name__ for kind in scripted.Action.__args__}


def test_all_problems_at_once() -> None:
    text = steps(
        '{ on = "tokn", do = "respond", status = 200 }',
        '{ on = "token", do = "respnd" }',
        '{ on = "token", do = "respond", status = 99, after_s = -1 }',
        '{ on = "auth", do = "respond", status = 200 }',
        '{ on = "auth", do = "fail" }',
        '{ on = "auth", do = "close", cod = 1 }',
        '{ on = "frames:0", do = "cut" }',
    )
    places = "token, upgrade, open, auth, connected, agent_ready, close or frames:N"
    on = f"must be {places}, in quotes; N counts the binary messages heard, from 1"
    here = "proceed, skip, accept, send_error, fail, end_session, send_text, send_binary, send_raw, ping, close, cut"
    assert problems('then = "often"\nthan = 1\n' + text) == [
        "than: is not a known key; did you mean then?",
        'then: must be one of "normal", "repeat"',
        f"connections.1.steps.1.on: {on}",
        "connections.1.steps.2.do: did you mean respond?",
        "connections.1.steps.3.after_s: must be a number of seconds from 0 to 86400",
        "connections.1.steps.3.status: must be a whole number from 200 to 599",
        f"connections.1.steps.4.do: cannot stand at auth; possible there: {here}, stall, hush",
        "connections.1.steps.5.code: is missing",
        "connections.1.steps.6.cod: is not a known key; did you mean code?",
        f"connections.1.steps.7.on: {on}",
    ]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ('{ on = "token", do = "respond", status = 204, body = "x" }', "an answer with status 204 or 304 has no body"),
        (
            '{ on = "token", do = "respond", status = 200, body = "x", body_bytes = 1 }',
            "takes body or body_bytes, not both",
        ),
        ('{ on = "auth", do = "send_raw" }', "takes either hex or text"),
        ('{ on = "auth", do = "send_binary", zeros = 1000, count = 100000 }', "sends over 16777216 bytes in all"),
        ('{ on = "auth", do = "ping", hex = "' + "00" * 126 + '" }', "carries at most 125 bytes"),
    ],
)
def test_keys_that_do_not_go_together(step: str, said: str) -> None:
    assert problems(steps(step)) == [f"connections.1.steps.1: {said}"]


@pytest.mark.parametrize(
    "header", ['"A\\r\\nB" = "x"', '"Content-Length" = "5"', '"" = "x"', 'A = "x\\r\\ny"', "A = 1"]
)
def test_headers_that_break_http_need_send_raw(header: str) -> None:
    (problem,) = problems(steps('{ on = "token", do = "respond", status = 200, headers = { ' + header + " } }"))
    assert problem.startswith("connections.1.steps.1.headers: has a ")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"none\.toml: cannot be read: No such file"):
        read_scenario(tmp_path / "none.toml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_scenarios(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.connections
    assert path.name in PAGE.read_text(), "docs/sim.md lists every example"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


def test_the_page_tells_every_verb_and_key() -> None:
    rows = {line.split("`")[1]: line for line in PAGE.read_text().splitlines() if line.startswith("| `")}
    for name, verb in VERBS.items():
        for key in verb.keys:
            assert f"`{key}`" in rows[name], f"docs/sim.md: the row of {name} must tell {key}"


JUNK = st.recursive(
    st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=True)),
    lambda inner: st.one_of(st.lists(inner, max_size=3)),
    max_leaves=5,
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value)


KEYS = sorted({key for verb in VERBS.values() for key in verb.keys} | {"on", "do", "after_s"})
STEPS = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(
        JUNK, st.sampled_from(sorted(VERBS)), st.sampled_from([place.value for place in Place]), st.just("frames:3")
    ),
)


@given(st.lists(STEPS, max_size=4), STEPS)
def test_any_steps_are_a_scenario_or_a_clean_error(tables: list[dict[str, object]], outside: dict[str, object]) -> None:
    lines = ["{ " + ", ".join(f"{key} = {toml(value)}" for key, value in table.items()) + " }" for table in tables]
    text = steps(*lines) + "[[accepts]]\n" + "\n".join(f"{key} = {toml(value)}" for key, value in outside.items())
    check_clean(text.encode())


@given(st.one_of(st.binary(max_size=100), st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_a_scenario_or_a_clean_error(data: bytes) -> None:
    check_clean(data)


def check_clean(data: bytes) -> None:
    try:
        scenario = parse_scenario(data, "s.toml")
    except ConfigurationInvalid as error:
        invalid = error
    else:
        assert isinstance(scenario, Scenario)
        return
    lines = str(invalid).splitlines()
    assert len(lines) == len(invalid.problems)
    assert all(line.startswith("s.toml: ") for line in lines)
