"""What may stand in a configuration: one table, from which loading validates and docs/configuration.md is made.

Defaults are the model's. Ranges are wide: they catch milliseconds given for seconds and slipped digits, and leave the
judgement to the person who writes them.
"""

from __future__ import annotations

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat
from gatewayd.configuration.kinds import AddressText, Flag, Items, Number, OneOf, OneOfNumbers, Text, Whole
from gatewayd.configuration.model import (
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
from gatewayd.configuration.request import Headers, JsonObject
from gatewayd.configuration.tables import Key, NamedTables, Table

HTTP = ("https", "http")
WEBSOCKET = ("wss", "ws")
PROXY = ("http",)

FILE = Text('an absolute path, or ""', r"/.*|")
CREDENTIAL = Text(
    'the name of a systemd credential, an absolute path, or ""', r"/.+|(?!\.{1,2}\Z)[A-Za-z0-9_.@-]{1,255}|"
)
JSON_PATH = r"[^.]+(\.[^.]+)*"
TIMEOUT = Number(0.1, 300, "s")
DEVICE = Text("an ALSA device name, such as hw:CARD=Array,DEV=0")
PROFILE_NAME = r"[A-Za-z0-9_-]{1,64}"
PORT = Text("a port as `gatewayd devices` names it, such as usb-0000:01:00.0-1.2 or 1-1.2", r"[!-~]{1,100}")
RATE = OneOfNumbers(RATES_HZ, "Hz")
FORMAT = OneOf(SampleFormat)
CHANNELS = Whole(1, MAX_CHANNELS)
PICK = Items(Whole(0, MAX_CHANNELS - 1), 1, MAX_CHANNELS, unique=True)
GAIN = Number(-60, 60, "dB")
HIGHPASS = Number(0, 1000, "Hz")
VOLUME = Number(0, 1)
SOCKET = Text("an absolute path of at most 100 characters", r"/[!-~]{1,99}")
"""Linux takes 107 bytes for a socket's path (unix(7)); what is left is for a temporary name beside it."""

GROUP = Text('the name of a group, or ""', r"[A-Za-z_][A-Za-z0-9_.-]{0,31}|")
LISTEN = Text('an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464, or ""', r"[0-9A-Fa-f:.\[\]]{3,60}|")
TEXTFILE = Text('an absolute path that ends in .prom, or ""', r"/[!-~]+\.prom|")

TOKEN = Table(
    TokenConfiguration,
    {
        "url": Key(AddressText(HTTP), "Where a session token is requested, right before every connect."),
        "method": Key(Text('"POST", "PUT" or "GET"', "POST|PUT|GET"), "HTTP method of that request."),
        "headers": Key(Headers(), "More HTTP headers of the request; none that carries a secret."),
        "body": Key(JsonObject(), "Sent as JSON; without secrets.", left_out="no body"),
        "credential": Key(
            CREDENTIAL,
            "Where the device's own key lies; the content of that file is sent as `Authorization: Bearer`.",
        ),
        "token_field": Key(
            Text("names joined by dots, such as data.token", JSON_PATH),
            "Where the token stands in the JSON answer.",
        ),
        "url_field": Key(
            Text("names joined by dots, such as data.url", JSON_PATH, empty=True),
            "Where the answer carries a WebSocket address, if it does; that one wins over `agent.url`.",
        ),
        "timeout_s": Key(TIMEOUT, "Longest wait for the whole answer, or for the command."),
        "command": Key(
            Items(Text("text"), 0, 64),
            "A program and its arguments, run instead of a request to `url`; its standard output is the answer.",
        ),
    },
)

HEARTBEAT = Table(
    HeartbeatConfiguration,
    {
        "url": Key(
            AddressText(HTTP), 'Asked with GET to tell an unreachable service from a wrong address; `""`: never.'
        ),
        "interval_s": Key(Number(0.1, 86400, "s"), "Time from one request to the next."),
        "timeout_s": Key(TIMEOUT, "Longest wait for an answer."),
        "expect": Key(
            Text(empty=True),
            "What the answer must contain to be the service's; left out, anything but a web page, which is likely a "
            "captive portal's.",
        ),
    },
)

BACKOFF = Table(
    BackoffConfiguration,
    {
        "base_s": Key(
            Number(0.1, 3600, "s"), "Upper end of the random wait after the first failure; doubles with each."
        ),
        "cap_s": Key(Number(0.1, 86400, "s"), "Where doubling stops."),
        "stable_after_s": Key(Number(0, 86400, "s"), "So long must the agent be ready before failures are forgotten."),
        "startup_spread_s": Key(Number(0, 3600, "s"), "The first attempt waits a random time up to this."),
        "refused_min_s": Key(
            Number(0.1, 86400, "s"), "Shortest wait after the service refused the device's credentials."
        ),
        "refused_max_s": Key(Number(0.1, 86400, "s"), "Longest wait after that."),
    },
)

AGENT = Table(
    AgentConfiguration,
    {
        "url": Key(AddressText(WEBSOCKET), "The voice service; may be left out where `token.url_field` is set."),
        "connect_timeout_s": Key(TIMEOUT, "Longest wait for name, connection, TLS and WebSocket handshake together."),
        "ca_file": Key(FILE, "A certificate authority (PEM) trusted besides the system's."),
        "client_cert": Key(FILE, "Certificate (PEM) for mutual TLS; goes with `client_key`."),
        "client_key": Key(FILE, "Its private key (PEM)."),
        "proxy": Key(
            AddressText(PROXY),
            "An HTTP proxy that everything goes through by CONNECT, such as `http://proxy.example.com:3128`.",
        ),
        "proxy_credential": Key(
            CREDENTIAL, "Where `user:password` for the proxy lies; sent to the proxy as `Proxy-Authorization: Basic`."
        ),
        "allow_plaintext": Key(Flag(), "Lets ws:// and http:// go to other hosts than this device itself."),
        "token": Key(TOKEN),
        "heartbeat": Key(HEARTBEAT),
        "backoff": Key(BACKOFF),
    },
)

OF_PROFILE = "the profile's"
OF_CAPTURE = "the profile's, else the capture's"

CAPTURE = Table(
    CaptureOverrides,
    {
        "device": Key(DEVICE, "The ALSA device.", left_out=OF_PROFILE),
        "rate_hz": Key(RATE, "The rate the card runs at.", left_out=OF_PROFILE),
        "format": Key(FORMAT, "The sample format the card gives.", left_out=OF_PROFILE),
        "channels": Key(CHANNELS, "How many channels the card gives.", left_out=OF_PROFILE),
        "pick": Key(
            PICK,
            "Channels that are used, counted from 0; several are averaged.",
            left_out=f"{OF_PROFILE}, else `[0]`",
        ),
        "gain_db": Key(GAIN, "Amplification; what gets too loud is limited.", left_out=f"{OF_PROFILE}, else 0"),
        "highpass_hz": Key(
            HIGHPASS,
            "Removes sound below it, such as DC and rumble; 0: nothing.",
            left_out=f"{OF_PROFILE}, else 0",
        ),
    },
)

PLAYBACK = Table(
    PlaybackOverrides,
    {
        "enabled": Key(Flag(), "`false`: the agent is not heard.", left_out=f"{OF_PROFILE}, else `true`"),
        "device": Key(DEVICE, "The ALSA device.", left_out=OF_CAPTURE),
        "rate_hz": Key(RATE, "The rate the card runs at.", left_out=OF_CAPTURE),
        "format": Key(FORMAT, "The sample format the card takes.", left_out=OF_CAPTURE),
        "channels": Key(CHANNELS, "How many channels the card takes; all get the same.", left_out=OF_CAPTURE),
        "volume": Key(VOLUME, "Linear: 1 leaves the agent's voice as it is.", left_out=f"{OF_PROFILE}, else 1"),
    },
)

STATION = Table(
    StationConfiguration,
    {
        "profile": Key(
            Text('"auto" or the name of a profile', PROFILE_NAME),
            "What the hardware is; not needed where `capture` says device, rate_hz, format and channels.",
        ),
        "port": Key(
            PORT,
            "Where its sound card is connected, for one of several equal cards; `gatewayd devices` names the ports.",
            left_out="wherever the card is found",
        ),
        "activation": Key(OneOf(Activation), "Whether it holds a session all the time, or when told to."),
        "mute_persists": Key(Flag(), "Whether `gatewayd mute` survives a restart, by a file in /var/lib/gatewayd."),
        "capture": Key(CAPTURE),
        "playback": Key(PLAYBACK),
    },
)

STATIONS = NamedTables(STATION, r"[A-Za-z0-9_-]{1,32}", "1 to 32 letters, digits, dashes and underscores")

CONTROL = Table(
    ControlConfiguration,
    {
        "socket": Key(SOCKET, "Where the daemon listens for `gatewayd status` and the like."),
        "group": Key(GROUP, 'The group whose members may use that socket; `""`: the daemon\'s own.'),
    },
)

METRICS = Table(
    MetricsConfiguration,
    {
        "listen": Key(LISTEN, "Where `gatewayd metrics --serve` answers Prometheus, under `/metrics`."),
        "allow_remote": Key(Flag(), "Lets `listen` be an address that other hosts reach; nothing is encrypted."),
        "textfile": Key(TEXTFILE, "A file that it keeps for node_exporter's textfile collector; best on a tmpfs."),
        "interval_s": Key(Number(1, 3600, "s"), "How often that file is written."),
    },
)


def _whole(
    agent: AgentConfiguration | None = None,
    stations: tuple[StationConfiguration, ...] = (),
    control: ControlConfiguration | None = None,
    metrics: MetricsConfiguration | None = None,
) -> Configuration:
    return Configuration(
        agent or AgentConfiguration(), stations, control or ControlConfiguration(), metrics or MetricsConfiguration()
    )


ROOT = Table(_whole, {"agent": Key(AGENT), "stations": Key(STATIONS), "control": Key(CONTROL), "metrics": Key(METRICS)})
