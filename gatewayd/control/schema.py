"""What the daemon says of itself, as `gatewayd status --json` prints it.

The dataclasses are filled by those who know (driver, capture, playback, heartbeat) and turned into JSON in one place.
Fields may be added, never renamed or removed: integrators' scripts read them.
"""

from __future__ import annotations

from dataclasses import asdict, field
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatewayd.session.causes import Cause


class SessionState(str, Enum):
    """A station's state as people and scripts see it."""

    IDLE = "idle"
    NO_DEVICE = "no_device"
    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    AGENT_READY = "agent_ready"
    ENDED = "ended"


class WaitingFor(str, Enum):
    """What a station in the state `waiting` waits for."""

    BACKOFF = "backoff"
    SERVICE = "service"
    """For the heartbeat to answer."""
    CLOCK = "clock"
    """For this device's clock to be set, without which no certificate can be verified."""


class MicrophoneHealth(str, Enum):
    """What the sound itself says of the microphone."""

    OK = "ok"
    STARTING = "starting"
    SILENT = "silent"
    """Digital zero."""
    STUCK = "stuck"
    """No variance: one value over and over."""
    CLIPPING = "clipping"
    MISSING = "missing"
    MUTED = "muted"


class FindingKind(str, Enum):
    """What is odd about a microphone besides, or in more detail than, its health."""

    SLOT_SILENT = "slot_silent"
    """A channel that is used gives digital zero while another gives sound."""
    SLOT_STUCK = "slot_stuck"
    """A channel that is used gives one value other than zero while another gives sound."""
    QUIET = "quiet"
    """Far too quiet for speech, for so long that it is no quiet night."""
    WRONG_RATE = "wrong_rate"
    """The card gives noticeably more or fewer samples a second than it says."""


@dataclass(frozen=True)
class Finding:
    """One of `stations.NAME.capture.findings`."""

    kind: FindingKind
    text: str
    """In a person's words, with what to do about it."""
    channel: int | None = None
    """Counted from 0; None where it is about the card as a whole."""


@dataclass(frozen=True)
class ChannelStatus:
    """One of `stations.NAME.capture.channel_levels`: a native channel, before gain and conversion."""

    level_dbfs: float | None
    """RMS of the last second or so relative to a full-scale sine, without its constant part; None before the first and
    where nothing varies."""
    peak_dbfs: float | None
    """The greatest sample, with the constant part."""
    health: MicrophoneHealth


@dataclass(frozen=True)
class CaptureStatus:
    """`stations.NAME.capture`. What it is opened by is what was found last; None before anything was."""

    device: str | None
    rate_hz: int | None
    format: str | None
    channels: int | None
    health: MicrophoneHealth
    level_dbfs: float | None
    """RMS of the last second or so, relative to a full-scale sine; None before the first and for digital zero."""
    frames: int
    """Wire frames (20 ms) made from what was captured, since the daemon started."""
    xruns: int
    reopens: int
    problem: str | None = None
    """Why there is no sound, or what is wrong with it, in a person's words."""
    gaps: int = 0
    """Breaks in the sound since the daemon started, whatever caused them."""
    gap_s: float = 0.0
    """Their lengths together."""
    findings: Sequence[Finding] = ()
    channel_levels: Sequence[ChannelStatus] = ()
    measured_rate_hz: float | None = None
    """Samples a second against this device's clock; None before it is known well enough."""
    mixer_problems: Sequence[str] = ()
    recovery: str | None = None
    """The step of the recovery ladder that was taken last, while the microphone gives nothing usable."""


@dataclass(frozen=True)
class SessionEnd:
    """`stations.NAME.session.last_end`."""

    cause: Cause
    detail: str
    close_code: int | None = None
    error_code: str | None = None


@dataclass(frozen=True)
class SessionStatus:
    """`stations.NAME.session`."""

    attempt: int
    """Failures in a row; 0 once a session proved stable."""
    connects: int
    next_attempt_s: float | None
    """Seconds until the next attempt, while waiting for one."""
    waiting_for: WaitingFor | None
    frames_sent: int
    frames_received: int
    frames_dropped: Mapping[str, int]
    """Captured frames that were never sent, by cause: `no_session`, `stalled` and `muted`."""
    last_end: SessionEnd | None
    time_to_ready_s: float | None
    rtt_s: float | None


@dataclass(frozen=True)
class PlaybackStatus:
    """`stations.NAME.playback`."""

    device: str | None
    """As it was found last; None before it was found at all."""
    frames_played: int
    underruns: int
    buffered_ms: float
    frames_dropped: int
    """Received frames thrown away because the card did not keep up or was not there."""
    reopens: int
    problem: str | None = None
    """Why it does not play, in a person's words."""


@dataclass(frozen=True)
class StationStatus:
    """`stations.NAME`."""

    state: SessionState
    since_s: float
    muted: bool
    profile: str | None
    capture: CaptureStatus
    session: SessionStatus
    playback: PlaybackStatus | None
    restarts: int = 0
    """How often it died of a bug and was started anew, the daemon's other stations going on."""
    failure: str | None = None
    """What it died of, while it waits for its restart."""


@dataclass(frozen=True)
class HeartbeatStatus:
    """`heartbeat`; both None before the first answer."""

    reachable: bool | None
    rtt_s: float | None


@dataclass(frozen=True)
class DaemonStatus:
    """The whole answer."""

    version: str
    uptime_s: float
    ready: bool
    stations: Mapping[str, StationStatus] = field(default_factory=dict)
    heartbeat: HeartbeatStatus | None = None
    """None where no heartbeat is configured."""
    problems: Sequence[str] = ()
    """What is wrong with the daemon as a whole, in a person's words: a new configuration refused, a part stuck."""

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries, lists, strings and numbers, as `json.dumps` takes them."""
        return asdict(self, dict_factory=_plain)


def _plain(items: list[tuple[str, object]]) -> dict[str, object]:
    return {key: value.value if isinstance(value, Enum) else value for key, value in items}
