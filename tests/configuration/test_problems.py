"""What each wrong value is told; every case is laid over a configuration that is right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.configuration.texts import MINIMAL, WHOLE, problems_of

TIMEOUT = "must be a number from 0.1 to 300 s"
RATES = "must be 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000 or 96000 Hz"
FORMATS = 'must be "S16_LE", "S24_LE", "S24_3LE", "S32_LE" or "FLOAT_LE"'
CHANNELS = "must be a whole number from 1 to 16"
CHANNEL = "must be a whole number from 0 to 15"
PICK = "must be an array of 1 to 16, each a whole number from 0 to 15"
GAIN = "must be a number from -60 to 60 dB"
PATH = 'must be an absolute path, or ""'
SECRET = (
    "a secret must not stand in a configuration file; put it into a file that agent.token.credential names (it is sent "
    "as Authorization: Bearer), or make the whole request with agent.token.command"
)
QUERY = "carries a secret in its query; put it into a file and name that in token.credential"
CREDENTIAL = 'must be the name of a systemd credential, an absolute path, or ""'
PROXY = "must be host and port alone, such as http://proxy.example.com:3128"
PLAINTEXT = "is unencrypted and allowed only to this device itself; use"
STATION_KEYS = "profile, port, activation, mute_persists, capture, playback"
ENDPOINT = "must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464"
LISTEN = f'{ENDPOINT}, or ""'
REMOTE = "can be reached by other hosts; use 127.0.0.1 or [::1], or set metrics.allow_remote = true"
TEXTFILE = 'must be an absolute path that ends in .prom, or ""'


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        # types
        ("agent.connect_timeout_s", "true", f"{TIMEOUT}, not true or false"),
        ("agent.connect_timeout_s", '"10"', f"{TIMEOUT}, not text"),
        ("agent.connect_timeout_s", "[]", f"{TIMEOUT}, not an array"),
        ("agent.connect_timeout_s", "{}", f"{TIMEOUT}, not a table"),
        ("agent.connect_timeout_s", "2020-01-01", f"{TIMEOUT}, not a date or time"),
        ("agent.connect_timeout_s", "2020-01-01T00:00:00Z", f"{TIMEOUT}, not a date or time"),
        ("agent.connect_timeout_s", "07:32:00", f"{TIMEOUT}, not a date or time"),
        ("agent.allow_plaintext", "1", "must be true or false, not a whole number"),
        ("agent.ca_file", "false", f"{PATH}, not true or false"),
        ("stations.main.activation", "1", 'must be "always" or "on-demand", not a whole number'),
        ("stations.main.capture.rate_hz", "48000.0", f"{RATES}, not a number with a fraction"),
        ("stations.main.capture.rate_hz", "true", f"{RATES}, not true or false"),
        ("stations.main.capture.channels", "true", f"{CHANNELS}, not true or false"),
        ("stations.main.capture.channels", "2.0", f"{CHANNELS}, not a number with a fraction"),
        ("stations.main.capture.pick", "0", f"{PICK}, not a whole number"),
        # ranges
        ("agent.connect_timeout_s", "nan", f"{TIMEOUT}, not nan"),
        ("agent.connect_timeout_s", "inf", f"{TIMEOUT}, not inf"),
        ("agent.connect_timeout_s", "-inf", f"{TIMEOUT}, not -inf"),
        ("agent.connect_timeout_s", "0", f"{TIMEOUT}, not 0"),
        ("agent.connect_timeout_s", "10000", f"{TIMEOUT}, not 10000"),
        ("agent.connect_timeout_s", "1e300", f"{TIMEOUT}, not so much"),
        ("agent.connect_timeout_s", "0x" + "f" * 6000, f"{TIMEOUT}, not so much"),
        ("stations.main.capture.rate_hz", "12345", f"{RATES}, not 12345"),
        ("stations.main.capture.rate_hz", "0x" + "f" * 6000, f"{RATES}, not so much"),
        ("stations.main.capture.channels", "17", f"{CHANNELS}, not 17"),
        ("stations.main.capture.gain_db", "60.5", f"{GAIN}, not 60.5"),
        ("stations.main.capture.highpass_hz", "-1", "must be a number from 0 to 1000 Hz, not -1"),
        ("stations.main.playback.volume", "50", "must be a number from 0 to 1, not 50"),
        # choices and forms; text is not repeated
        ("stations.main.capture.format", '"S16"', FORMATS),
        ("stations.main.activation", '"never"', 'must be "always" or "on-demand"'),
        ("agent.token.method", '"DELETE"', 'must be "POST", "PUT" or "GET"'),
        ("agent.token.token_field", '""', "must be names joined by dots, such as data.token; it is empty"),
        ("agent.token.token_field", '"a..b"', "must be names joined by dots, such as data.token"),
        ("agent.token.url_field", '".a"', 'must be names joined by dots, such as data.url, or ""'),
        ("agent.token.credential", '"../key"', CREDENTIAL),
        ("agent.token.credential", '".."', CREDENTIAL),
        ("agent.ca_file", '"ca.pem"', PATH),
        ("agent.ca_file", '"/ca\\u0000.pem"', "must not have control characters or line breaks in it"),
        ("agent.ca_file", '"/ca\\u202e.pem"', "must not have control characters or line breaks in it"),
        ("agent.ca_file", f'"/{"a" * 1000}"', "is longer than 1000 characters"),
        ("control.socket", '"run.sock"', "must be an absolute path of at most 100 characters"),
        ("control.socket", f'"/{"a" * 100}"', "must be an absolute path of at most 100 characters"),
        ("stations.main.profile", '""', 'must be "auto" or the name of a profile; it is empty'),
        ("stations.main.profile", '"../x"', 'must be "auto" or the name of a profile'),
        ("stations.main.capture.device", '""', "must be an ALSA device name, such as hw:CARD=Array,DEV=0; it is empty"),
        (
            "stations.main.capture.device",
            '"Bearer abcdefgh123"',
            "looks like a secret, which must not stand in a configuration file",
        ),
        ("metrics.listen", '"localhost:9464"', LISTEN),
        ("metrics.listen", '"127.0.0.1"', ENDPOINT),
        ("metrics.listen", '"127.0.0.1:0"', "must have a port from 1 to 65535"),
        ("metrics.listen", '"0.0.0.0:9464"', REMOTE),
        ("metrics.listen", '"[::ffff:10.0.0.1]:9464"', REMOTE),
        ("metrics.textfile", '"gatewayd.prom"', TEXTFILE),
        ("metrics.textfile", '"/var/lib/node_exporter/gatewayd.txt"', TEXTFILE),
        ("metrics.interval_s", "0.5", "must be a number from 1 to 3600 s, not 0.5"),
        # arrays
        ("stations.main.capture.pick", "[]", f"{PICK}; it has 0"),
        ("stations.main.capture.pick", "[0, 0]", "names something twice; each may stand there once"),
        ("stations.main.capture.pick", "[0, true]", f"item 2 {CHANNEL}, not true or false"),
        ("stations.main.capture.pick", "[[[0]]]", f"item 1 {CHANNEL}, not an array"),
        ("stations.main.capture.pick", "[16]", f"item 1 {CHANNEL}, not 16"),
        ("agent.token.command", '[""]', "item 1 must be text; it is empty"),
        # addresses
        ("agent.url", '"https://voice.example.com/"', "must begin with wss:// or ws://"),
        ("agent.url", '"ws://voice.example.com/"', f"ws:// {PLAINTEXT} wss://, or set agent.allow_plaintext = true"),
        ("agent.token.url", '"http://10.0.0.7/"', f"http:// {PLAINTEXT} https://, or set agent.allow_plaintext = true"),
        ("agent.heartbeat.url", '"http://h/"', f"http:// {PLAINTEXT} https://, or set agent.allow_plaintext = true"),
        ("agent.url", '"wss://voice.example.com/?v=1&api_key=x"', QUERY),
        ("agent.token.url", '"https://h/?key=x"', QUERY),
        ("agent.proxy", '"proxy.example.com:3128"', "must begin with http://"),
        ("agent.proxy", '"https://proxy.example.com:3128"', "must begin with http://"),
        ("agent.proxy", '"socks5://127.0.0.1"', "must begin with http://"),
        (
            "agent.proxy",
            '"http://user:word@proxy.example.com"',
            "must not carry a user name or password; give the path of a credential instead",
        ),
        ("agent.proxy", '"http://h:3128/proxy.pac"', PROXY),
        ("agent.proxy", '"http://h/?a=b"', PROXY),
        ("agent.proxy_credential", '"user:word"', CREDENTIAL),
        ("agent.proxy_credential", '"proxy-login"', "needs agent.proxy with it"),
        ("agent.heartbeat.expect", "true", 'must be text, or "", not true or false'),
        ("agent.heartbeat.expect", '"a\\nb"', "must not have control characters or line breaks in it"),
        # headers and body
        ("agent.token.headers", "1", "must be a table of texts, not a whole number"),
        ("agent.token.headers.Authorization", '"Bearer x"', SECRET),
        ("agent.token.headers.Cookie", '"a=b"', SECRET),
        ("agent.token.headers.X-Api-Key", '"x"', SECRET),
        ("agent.token.headers.X-Device", '"Bearer abcdefgh123"', SECRET),
        ("agent.token.headers.X-Device", "1", "must be text, not a whole number"),
        ("agent.token.headers.X-Device", "{}", "must be text, not a table"),
        ("agent.token.headers.X-Device", '"a\\r\\nX-Evil: b"', "must not have control characters or line breaks in it"),
        ("agent.token.headers.X-Device", '"h\u00f6f"', "must be plain ASCII"),
        ("agent.token.headers.X-Device", '" a"', "must not begin or end with a blank"),
        ("agent.token.headers.Content-Length", '"3"', "is set by gatewayd itself; leave it out"),
        ('agent.token.headers."a b"', '"x"', "is no header name; use letters, digits and dashes"),
        ('agent.token.headers."a\\nb"', '"x"', "is no header name; use letters, digits and dashes"),
        ("agent.token.body", "[]", "must be a table, sent as JSON, not an array"),
        ("agent.token.body.api_key", '"x"', SECRET),
        ("agent.token.body.auth.clientSecret", '"x"', SECRET),
        ("agent.token.body.password", '["x"]', SECRET),
        ("agent.token.body.list", '[{ secret = "x" }]', SECRET),
        ("agent.token.body.key", '"-----BEGIN RSA PRIVATE KEY-----"', SECRET),
        ("agent.token.body.since", "2020-01-01", "is a date or time, which JSON does not have; write it as text"),
        ("agent.token.body.level", "nan", "must be a finite number; JSON has no other"),
        ("agent.token.body.level", "[1, [inf]]", "must be a finite number; JSON has no other"),
        ("agent.token.body.level", "9223372036854775808", "is a whole number of more than 64 bits"),
        # rules between keys
        ("agent.token.command", '["mint-token"]', "must begin with the absolute path of a program"),
        ("agent.client_cert", '"/cert.pem"', "needs agent.client_key with it"),
        ("agent.client_key", '"/key.pem"', "needs agent.client_cert with it"),
        ("agent.backoff.refused_min_s", "1000", "is 1000, more than agent.backoff.refused_max_s, which is 900"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(key: str, value: str, what: str) -> None:
    base = MINIMAL if key != "agent.token.command" else MINIMAL.replace("https://api.example.com/v1/session", "")
    assert problems_of(base, f"{key} = {value}") == [f"1.toml: {key}: {what}"]


def test_method_get_carries_no_body() -> None:
    assert problems_of(MINIMAL, 'agent.token.method = "GET"', "agent.token.body.a = 1") == [
        "2.toml: agent.token.body: cannot be sent with GET; use POST"
    ]


def test_one_source_of_tokens_is_enough() -> None:
    assert problems_of(MINIMAL, 'agent.token.command = ["/bin/mint"]') == [
        "1.toml: agent.token.command: stands beside agent.token.url; give one of them"
    ]


def test_picked_channels_must_be_there() -> None:
    assert problems_of(MINIMAL, "[stations.main.capture]\nchannels = 2\npick = [0, 2]") == [
        "1.toml: stations.main.capture.pick: picks channel 2; of 2 there are channels 0 to 1"
    ]
    assert problems_of(MINIMAL, "[stations.main.capture]\nchannels = 1\npick = [15]") == [
        "1.toml: stations.main.capture.pick: picks channel 15; of 1 there is only channel 0"
    ]


def test_a_card_is_named_once() -> None:
    both = '[stations.main]\nport = "1-1.2"\n[stations.main.capture]\ndevice = "hw:CARD=Device,DEV=0"'
    assert problems_of(MINIMAL, both) == [
        "1.toml: stations.main.port: stands beside stations.main.capture.device, which names the card already; give one"
    ]


def test_a_header_stands_there_once_in_whatever_case() -> None:
    assert problems_of(WHOLE, 'agent.token.headers.x-device = "x"') == [
        "1.toml: agent.token.headers.x-device: stands there twice: upper and lower case are the same in a header's name"
    ]


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("agnet.url", "agnet: is not a known key; did you mean agent?"),
        ("agent.tokn", "agent.tokn: is not a known key; did you mean agent.token?"),
        ("agent.token.timeout", "agent.token.timeout: is not a known key; did you mean agent.token.timeout_s?"),
        (
            "stations.main.rate_hz",
            (
                "stations.main.rate_hz: is not a known key here; did you mean stations.main.capture.rate_hz or "
                "stations.main.playback.rate_hz?"
            ),
        ),
        ("control.zzz", "control.zzz: is not a known key; known here: socket, group"),
        (
            "stations.main.x",
            f"stations.main.x: is not a known key; known here: {STATION_KEYS}",
        ),
        ('control."a\\nb"', 'control."a\\nb": is not a known key; known here: socket, group'),
        ('control."\\u001b[2J"', 'control."\\x1b[2J": is not a known key; known here: socket, group'),
        ("control.''", 'control."": is not a known key; known here: socket, group'),
        ("control.'a\"b\\'", 'control."a\\"b\\\\": is not a known key; known here: socket, group'),
        (f"control.{'k' * 5000}", f"control.{'k' * 60}…: is not a known key; known here: socket, group"),
    ],
)
def test_an_unknown_key_is_told_its_nearest_or_all_that_are_known(key: str, what: str) -> None:
    assert problems_of(MINIMAL, f"{key} = 1") == [f"1.toml: {what}"]


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a\nb", "höf", "a" * 33, "a/b", "\ud7ff"])
def test_a_station_has_a_plain_name(name: str) -> None:
    lines = problems_of(MINIMAL, f"[stations.{json.dumps(name)}]\n[stations.{json.dumps(name)}.capture]\nrate_hz = 1")
    assert lines[0].endswith(": is no good name; use 1 to 32 letters, digits, dashes and underscores")
    assert lines[1].endswith(f": {RATES}, not 1")
    assert len(lines) == 2


TEXT_GOES = [
    *("agent.url", "agent.ca_file", "agent.connect_timeout_s", "agent.allow_plaintext", "agent.token.method"),
    *("agent.token.url", "agent.token.headers.Authorization", "agent.token.body.api_key", "agent.token"),
    *("agent.token.token_field", "agent.token.headers", "agent.token.body", "stations.main.capture.device"),
    *("stations.main.capture.format", "stations.main.capture.pick", "stations.main.profile", "control"),
    *("control.socket", "agent.token.timeout_s", "stations", "stations.main", "agent.token.command"),
]
TEXT_LOOKS = [
    *("'S'", '"S', "S", "'S' S", "['S']", "['S', S]", "'''S'' ", '"\\u0000S"', "'wss://u:S@h/'", "'https://S@h/'"),
    *("'wss://h/?token=S'", "'..S'", "{ x = 'S' }", "{ x = 'S' ", "'Bearer S1'", '"\\qS"', "'S\n'", "2020-S"),
]


@settings(deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9-]{12,30}", fullmatch=True).map("SeCrEt-".__add__),
    st.sampled_from(TEXT_GOES),
    st.sampled_from(TEXT_LOOKS),
)
def test_text_from_a_file_is_never_repeated(secret: str, place: str, value: str) -> None:
    for line in problems_of("", f"{place} = {value.replace('S', secret)}"):
        assert secret not in line
