"""Configurations that tests begin with, and what they say when something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.entries import Source
from gatewayd.configuration.parse import parse
from gatewayd.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from gatewayd.configuration.model import Configuration

MINIMAL = """
[agent]
url = "wss://voice.example.com/ws"
[agent.token]
url = "https://api.example.com/v1/session"
[stations.main]
profile = "i2s-mems"
"""

WHOLE = """
[agent]
url = "wss://voice.example.com/ws"
connect_timeout_s = 9
ca_file = "/etc/gatewayd/ca.pem"
client_cert = "/etc/gatewayd/cert.pem"
client_key = "/etc/gatewayd/key.pem"
proxy = "http://proxy.example.com:3128"
proxy_credential = "proxy-login"
allow_plaintext = true

[agent.token]
url = "http://api.example.com/v1/session"
method = "PUT"
headers = { "X-Device" = "lobby" }
body = { agent_id = "front-desk", options = { beep = false, levels = [1, 2.5] } }
credential = "device-key"
token_field = "data.token"
url_field = "data.url"
timeout_s = 8.5

[agent.heartbeat]
url = "https://api.example.com/heartbeat"
interval_s = 31
timeout_s = 6
expect = "alive"

[agent.backoff]
base_s = 1.5
cap_s = 61
stable_after_s = 29
startup_spread_s = 4
refused_min_s = 301
refused_max_s = 901

[stations.main]
profile = "respeaker-xvf3800"
activation = "on-demand"

[stations.main.capture]
device = "hw:CARD=Array,DEV=0"
rate_hz = 44100
format = "S24_3LE"
channels = 4
pick = [0, 3]
gain_db = -3
highpass_hz = 80

[stations.main.playback]
enabled = true
device = "hw:CARD=Device,DEV=0"
rate_hz = 48000
format = "S16_LE"
channels = 1
volume = 0.5

[stations.door-2]

[control]
socket = "/run/other/control.sock"

[metrics]
listen = "[::]:9464"
allow_remote = true
textfile = "/run/gatewayd-metrics/gatewayd.prom"
interval_s = 30
"""


def read(*texts: str | bytes) -> Configuration:
    """The configuration in `gatewayd.toml` and the drop-ins `1.toml`, `2.toml` and so on."""
    return parse(
        [
            Source(f"{number}.toml" if number else "gatewayd.toml", text if isinstance(text, bytes) else text.encode())
            for number, text in enumerate(texts)
        ]
    )


def problems_of(*texts: str | bytes) -> list[str]:
    """The lines that say what is wrong with these files, laid over each other."""
    with pytest.raises(ConfigurationInvalid) as caught:
        read(*texts)
    assert caught.value.exit_code == 78
    return str(caught.value).splitlines()
