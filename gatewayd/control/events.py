"""What happens in the daemon, as `gatewayd events --json` prints it: one dataclass an event.

Whoever sees something happen calls a `Publish`; who listens is no business of theirs. Events and fields may be added,
never renamed or removed: integrators' scripts read them. docs/control.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeAlias, get_args

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.control.schema import Finding, MicrophoneHealth, SessionState
    from gatewayd.session.causes import Cause

# --- the session of a station


@dataclass(frozen=True)
class StateChanged:
    """A station's session came to another state; `cause` says why it ended, where it comes from or to `ended`."""

    name: ClassVar[str] = "state_changed"
    state: SessionState
    previous: SessionState
    cause: Cause | None = None


@dataclass(frozen=True)
class SessionEnded:
    """An attempt or a session is over; the same as `last_end` of the status."""

    name: ClassVar[str] = "session_ended"
    cause: Cause
    detail: str
    close_code: int | None = None
    error_code: str | None = None


# --- the microphone of a station


@dataclass(frozen=True)
class DeviceFound:
    """Sound flows from a microphone that was not there, or not yet."""

    name: ClassVar[str] = "device_found"
    device: str | None
    profile: str | None


@dataclass(frozen=True)
class DeviceLost:
    """The microphone has given no sound for longer than a glitch."""

    name: ClassVar[str] = "device_lost"
    device: str | None
    problem: str | None


@dataclass(frozen=True)
class HealthChanged:
    """What the sound says of the microphone is another thing than before."""

    name: ClassVar[str] = "health_changed"
    health: MicrophoneHealth
    previous: MicrophoneHealth
    problem: str | None = None
    findings: Sequence[Finding] = ()


@dataclass(frozen=True)
class RecoveryStepTaken:
    """The microphone gives nothing usable, and the next step of its recovery ladder is carried out."""

    name: ClassVar[str] = "recovery_step_taken"
    step: str


@dataclass(frozen=True)
class SoundLost:
    """Captured sound is missing; what comes within 10 s is summed up in one event."""

    name: ClassVar[str] = "sound_lost"
    gaps: int
    length_s: float
    causes: Sequence[str]


@dataclass(frozen=True)
class Muted:
    """Somebody muted the station: its microphone is closed."""

    name: ClassVar[str] = "muted"


@dataclass(frozen=True)
class Unmuted:
    """Somebody lifted the mute: the microphone is opened again."""

    name: ClassVar[str] = "unmuted"


# --- a station as a whole


@dataclass(frozen=True)
class StationDied:
    """A bug ended the station, which is started anew by itself."""

    name: ClassVar[str] = "station_died"
    failure: str


@dataclass(frozen=True)
class StationRestarted:
    """A station that had died runs again."""

    name: ClassVar[str] = "station_restarted"


# --- the daemon


@dataclass(frozen=True)
class Readied:
    """Every station was started."""

    name: ClassVar[str] = "ready"
    version: str


@dataclass(frozen=True)
class Stopping:
    """The daemon was told to stop, and ends its sessions."""

    name: ClassVar[str] = "stopping"
    signal: str


@dataclass(frozen=True)
class ServiceReachable:
    """The service's heartbeat answers; told when it begins to."""

    name: ClassVar[str] = "service_reachable"


@dataclass(frozen=True)
class ServiceUnreachable:
    """The service's heartbeat does not answer; told when that begins."""

    name: ClassVar[str] = "service_unreachable"


@dataclass(frozen=True)
class ConfigurationReloaded:
    """A new configuration is in use: these stations were started, new or anew, and these ended."""

    name: ClassVar[str] = "configuration_reloaded"
    started: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True)
class ConfigurationRefused:
    """The new configuration has these problems; the old one stays in use."""

    name: ClassVar[str] = "configuration_refused"
    problems: Sequence[str]


@dataclass(frozen=True)
class LogMessagesLost:
    """So many log messages could not be handed to the journal."""

    name: ClassVar[str] = "log_messages_lost"
    count: int


# --- the stream of events itself


@dataclass(frozen=True)
class Lost:
    """This client was too slow: so many events that it should have got before this line are gone."""

    name: ClassVar[str] = "lost"
    count: int


Event: TypeAlias = (
    StateChanged
    | SessionEnded
    | DeviceFound
    | DeviceLost
    | HealthChanged
    | RecoveryStepTaken
    | SoundLost
    | Muted
    | Unmuted
    | StationDied
    | StationRestarted
    | Readied
    | Stopping
    | ServiceReachable
    | ServiceUnreachable
    | ConfigurationReloaded
    | ConfigurationRefused
    | LogMessagesLost
    | Lost
)
KINDS: tuple[type[Event], ...] = get_args(Event)
Publish: TypeAlias = Callable[[Event], None]
"""Takes what happened to one station, or to the daemon; never blocks, never raises, and is cheap where nobody
listens."""


def publish_nowhere(_event: Event) -> None:
    """A `Publish` for those who are of no interest to anybody."""


@dataclass(frozen=True)
class Notice:
    """An event with when and where."""

    time: str
    """By RFC 3339, of this device's clock, which may not be set yet."""
    boot_s: float
    """Since this device booted, its sleep included (CLOCK_BOOTTIME): right even while the other is not."""
    station: str | None
    """None for the daemon as a whole."""
    event: Event

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries, lists, strings and numbers, as `json.dumps` takes them."""
        return {
            "event": self.event.name,
            "time": self.time,
            "boot_s": round(self.boot_s, 3),
            "station": self.station,
            **asdict(self.event, dict_factory=_plain),
        }


def _plain(items: list[tuple[str, object]]) -> dict[str, object]:
    return {key: value.value if isinstance(value, Enum) else value for key, value in items}
