from __future__ import annotations

import pytest

from gatewayd.audio.formats import SampleFormat
from gatewayd.configuration.model import (
    UNKNOWN_ORIGIN,
    Activation,
    AgentConfiguration,
    BackoffConfiguration,
    CaptureOverrides,
    Configuration,
    ControlConfiguration,
    HeartbeatConfiguration,
    MetricsConfiguration,
    PlaybackOverrides,
    StationConfiguration,
    TokenConfiguration,
)
from tests.configuration.texts import MINIMAL, WHOLE, problems_of, read


def test_a_minimal_configuration_takes_every_default_from_the_model() -> None:
    assert read(MINIMAL) == Configuration(
        agent=AgentConfiguration(
            url="wss://voice.example.com/ws", token=TokenConfiguration(url="https://api.example.com/v1/session")
        ),
        stations=(StationConfiguration(name="main", profile="i2s-mems"),),
    )


def test_every_key_arrives_where_it_belongs_with_its_type() -> None:
    assert read(WHOLE) == Configuration(
        agent=AgentConfiguration(
            url="wss://voice.example.com/ws",
            connect_timeout_s=9.0,
            ca_file="/etc/gatewayd/ca.pem",
            client_cert="/etc/gatewayd/cert.pem",
            client_key="/etc/gatewayd/key.pem",
            proxy="http://proxy.example.com:3128",
            proxy_credential="proxy-login",
            allow_plaintext=True,
            token=TokenConfiguration(
                url="http://api.example.com/v1/session",
                method="PUT",
                headers={"X-Device": "lobby"},
                body={"agent_id": "front-desk", "options": {"beep": False, "levels": [1, 2.5]}},
                credential="device-key",
                token_field="data.token",
                url_field="data.url",
                timeout_s=8.5,
            ),
            heartbeat=HeartbeatConfiguration(
                "https://api.example.com/heartbeat", interval_s=31.0, timeout_s=6.0, expect="alive"
            ),
            backoff=BackoffConfiguration(1.5, 61.0, 29.0, 4.0, 301.0, 901.0),
        ),
        stations=(
            StationConfiguration(
                name="main",
                profile="respeaker-xvf3800",
                activation=Activation.ON_DEMAND,
                capture=CaptureOverrides("hw:CARD=Array,DEV=0", 44100, SampleFormat.S24_3LE, 4, (0, 3), -3.0, 80.0),
                playback=PlaybackOverrides(
                    enabled=True,
                    device="hw:CARD=Device,DEV=0",
                    rate_hz=48000,
                    format=SampleFormat.S16_LE,
                    channels=1,
                    volume=0.5,
                ),
            ),
            StationConfiguration(name="door-2"),
        ),
        control=ControlConfiguration("/run/other/control.sock"),
        metrics=MetricsConfiguration(
            "[::]:9464", allow_remote=True, textfile="/run/gatewayd-metrics/gatewayd.prom", interval_s=30.0
        ),
    )


def test_whole_numbers_become_the_fractions_that_the_model_has() -> None:
    configuration = read(WHOLE)
    assert isinstance(configuration.agent.connect_timeout_s, float)
    assert isinstance(configuration.stations[0].capture.gain_db, float)


def test_a_token_command_takes_the_place_of_its_address() -> None:
    configuration = read(
        MINIMAL, '[agent.token]\nurl = ""\ncommand = ["/usr/local/bin/mint-token", "--for", "lobby"]\nurl_field = "url"'
    )
    assert configuration.agent.token.command == ("/usr/local/bin/mint-token", "--for", "lobby")


def test_the_address_may_come_with_the_token() -> None:
    assert read(MINIMAL, 'agent.url = ""\nagent.token.url_field = "ws.url"').agent.url == ""


def test_drop_ins_merge_tables_and_replace_the_rest_in_order() -> None:
    configuration = read(
        WHOLE,
        '[agent.token]\nheaders = { X-Site = "harbour" }\n[stations.main.capture]\npick = [1]\nrate_hz = 8000',
        'stations.main.capture.rate_hz = 96000\nstations.third.profile = "ps3-eye"',
    )
    assert configuration.agent.token.headers == {"X-Device": "lobby", "X-Site": "harbour"}
    capture = configuration.stations[0].capture
    assert (capture.pick, capture.rate_hz, capture.channels) == ((1,), 96000, 4)
    assert [station.name for station in configuration.stations] == ["main", "door-2", "third"]


def test_each_problem_names_the_file_its_key_came_from() -> None:
    assert problems_of(
        MINIMAL + "[agent.backoff]\nbase_s = -1",
        "agent.backoff.cap_s = true",
        "stations.main.capture.channels = 0\nagent = { token = { url = 3 } }",
    ) == [
        '2.toml: agent.token.url: must be https://… or http://…, or "", not a whole number',
        "gatewayd.toml: agent.backoff.base_s: must be a number from 0.1 to 3600 s, not -1",
        "1.toml: agent.backoff.cap_s: must be a number from 0.1 to 86400 s, not true or false",
        "2.toml: stations.main.capture.channels: must be a whole number from 1 to 16, not 0",
    ]


def test_a_scalar_over_a_table_is_blamed_on_its_own_file() -> None:
    assert problems_of(MINIMAL, "agent.token = 3") == [
        "1.toml: agent.token: must be a table, [agent.token], not a whole number"
    ]
    assert problems_of(MINIMAL + "[control]\nsocket = 3", '[control]\nsocket = "/run/x"\n[agent]\ntoken = "x"') == [
        "1.toml: agent.token: must be a table, [agent.token], not text"
    ]


def test_a_file_that_cannot_be_parsed_does_not_hide_the_problems_of_the_others() -> None:
    assert problems_of("agent = [", "[stations.main]\nprofil = 1") == [
        "gatewayd.toml: line 1, column 10: is not TOML: Invalid value",
        "1.toml: stations.main.profil: is not a known key; did you mean stations.main.profile?",
    ]


def test_a_rule_is_not_judged_where_one_of_its_keys_is_wrong_already() -> None:
    assert problems_of(MINIMAL, "agent.token.url = 1\nagent.token.command = 2\nagent.backoff.refused_max_s = nan") == [
        '1.toml: agent.token.url: must be https://… or http://…, or "", not a whole number',
        "1.toml: agent.token.command: must be an array of up to 64, each text, not a whole number",
        "1.toml: agent.backoff.refused_max_s: must be a number from 0.1 to 86400 s, not nan",
    ]


def test_nothing_at_all_says_what_is_needed() -> None:
    needed = [
        "agent.token.url: is missing; give an address here, or agent.token.command",
        (
            "agent.url: is missing; give the voice service's address, or agent.token.url_field where the token's "
            "answer has it"
        ),
        "stations: there is no station; add a table [stations.main]",
    ]
    assert problems_of("") == [f"gatewayd.toml: {line}" for line in needed]
    assert problems_of() == [f"configuration: {line}" for line in needed]


@pytest.mark.parametrize("empty", ["agent = 1", "stations = 1", "control = 1", "[[agent]]", "[[stations]]"])
def test_tables_must_be_tables(empty: str) -> None:
    name = empty.strip("[]").split(" ", maxsplit=1)[0]
    kind = "an array" if empty.startswith("[") else "a whole number"
    assert any(
        line.startswith(f"gatewayd.toml: {name}: must") and line.endswith(f"not {kind}") for line in problems_of(empty)
    )


def test_the_origin_of_every_key_is_known() -> None:
    configuration = read(MINIMAL, "stations.main.capture.rate_hz = 48000")
    assert configuration.origin("agent.url") == "gatewayd.toml"
    assert configuration.origin("stations.main.capture.rate_hz") == "1.toml"
    assert configuration.origin("stations.main.playback.device") == "gatewayd.toml"
    assert configuration.origin("control.socket") == "gatewayd.toml"
    assert Configuration(configuration.agent, configuration.stations).origin("agent.url") == UNKNOWN_ORIGIN
