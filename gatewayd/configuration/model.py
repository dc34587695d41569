"""The configuration as the program sees it: what docs/configuration.md says, typed, with every default in one place.

What may stand in each place, and what is said when it does not, is in `configuration.schema`; this file only says what
a valid configuration is.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.audio.formats import SampleFormat


UNKNOWN_ORIGIN = "configuration"
"""What messages name where a configuration came from no file."""


@dataclass(frozen=True)
class TokenConfiguration:
    """`[agent.token]`: exactly one of `url` and `command` is set."""

    url: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    credential: str = ""
    """Name of a systemd credential, or an absolute path; its content is sent as `Authorization: Bearer`."""
    token_field: str = "token"  # noqa: S105 - a place in an answer
    url_field: str = ""
    timeout_s: float = 10.0
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeartbeatConfiguration:
    """`[agent.heartbeat]`; an empty `url` means none."""

    url: str = ""
    interval_s: float = 30.0
    timeout_s: float = 5.0
    expect: str = ""
    """What the answer's body must contain; empty: anything but a web page."""


@dataclass(frozen=True)
class BackoffConfiguration:
    """`[agent.backoff]`; see `session.policy` for what each does."""

    base_s: float = 1.0
    cap_s: float = 60.0
    stable_after_s: float = 30.0
    startup_spread_s: float = 5.0
    refused_min_s: float = 300.0
    refused_max_s: float = 900.0


@dataclass(frozen=True)
class AgentConfiguration:
    """`[agent]`. `url` is empty only where `token.url_field` says that the token's answer carries it."""

    url: str = ""
    connect_timeout_s: float = 10.0
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = ""
    """http://host:port of an HTTP proxy, or empty."""
    proxy_credential: str = ""
    """Name of a systemd credential, or an absolute path; its content is `user:password` for the proxy."""
    allow_plaintext: bool = False
    token: TokenConfiguration = field(default_factory=TokenConfiguration)
    heartbeat: HeartbeatConfiguration = field(default_factory=HeartbeatConfiguration)
    backoff: BackoffConfiguration = field(default_factory=BackoffConfiguration)


class Activation(str, Enum):
    """When a station holds a session."""

    ALWAYS = "always"
    ON_DEMAND = "on-demand"


@dataclass(frozen=True)
class CaptureOverrides:
    """`[stations.NAME.capture]`: what stands here wins over the profile; None means left out."""

    device: str | None = None
    rate_hz: int | None = None
    format: SampleFormat | None = None
    channels: int | None = None
    pick: tuple[int, ...] | None = None
    gain_db: float | None = None
    highpass_hz: float | None = None


@dataclass(frozen=True)
class PlaybackOverrides:
    """`[stations.NAME.playback]`: left out means the profile's, else the capture's."""

    enabled: bool | None = None
    device: str | None = None
    rate_hz: int | None = None
    format: SampleFormat | None = None
    channels: int | None = None
    volume: float | None = None
    """Linear, 0.0 to 1.0."""


@dataclass(frozen=True)
class StationConfiguration:
    """`[stations.NAME]`: one microphone and speaker."""

    name: str
    profile: str = "auto"
    port: str | None = None
    """Where the card is connected, as `gatewayd devices` names it; None: wherever it is found."""
    activation: Activation = Activation.ALWAYS
    mute_persists: bool = False
    """Whether a mute survives a restart of the daemon."""
    capture: CaptureOverrides = field(default_factory=CaptureOverrides)
    playback: PlaybackOverrides = field(default_factory=PlaybackOverrides)


@dataclass(frozen=True)
class ControlConfiguration:
    """`[control]`."""

    socket: str = "/run/gatewayd/control.sock"
    group: str = ""
    """Whose members may use the socket; empty: the daemon's own group."""


@dataclass(frozen=True)
class MetricsConfiguration:
    """`[metrics]`: what `gatewayd metrics --serve` does; the daemon itself does not look at it."""

    listen: str = ""
    """IP address and port of an HTTP server for Prometheus; empty: none."""
    allow_remote: bool = False
    textfile: str = ""
    """A file for node_exporter's textfile collector; empty: none."""
    interval_s: float = 15.0


@dataclass(frozen=True)
class Configuration:
    """A whole, valid configuration with at least one station."""

    agent: AgentConfiguration
    stations: tuple[StationConfiguration, ...]
    control: ControlConfiguration = field(default_factory=ControlConfiguration)
    metrics: MetricsConfiguration = field(default_factory=MetricsConfiguration)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The file that each key and table came from, by its dotted place; for messages."""

    def origin(self, place: str) -> str:
        """The file in which the key at a dotted place stands; where it stands nowhere, its nearest table."""
        while place and place not in self.origins:
            place = place.rpartition(".")[0]
        return self.origins.get(place, UNKNOWN_ORIGIN)
