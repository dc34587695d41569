"""What the session machine is told (events, past tense) and what it asks for (commands, imperative)."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from gatewayd.message_ids import MessageId
    from gatewayd.session.causes import Cause
    from gatewayd.session.tokens import Token

# --- events: asked for on this device


@dataclass(frozen=True)
class Booted:
    """The daemon started; said once, first."""


@dataclass(frozen=True)
class SessionRequested:
    """Someone wants a session on this station."""


@dataclass(frozen=True)
class SessionDismissed:
    """Someone wants no session on this station until the next request."""


@dataclass(frozen=True)
class ShutdownRequested:
    """The daemon is to leave."""


@dataclass(frozen=True)
class DeviceAppeared:
    """Sound flows from the microphone."""


@dataclass(frozen=True)
class DeviceDisappeared:
    """The microphone has been gone for longer than a glitch."""


@dataclass(frozen=True)
class ServiceReached:
    """The service's heartbeat answers."""


@dataclass(frozen=True)
class ServiceUnreached:
    """The service's heartbeat does not answer, so that an attempt would be in vain."""


@dataclass(frozen=True)
class DeadlinePassed:
    """The machine's own `next_deadline` has come."""


# --- events: from the link (the token request and the connection that follows it)


@dataclass(frozen=True)
class TokenFetched:
    """A fresh token is here."""

    token: Token


@dataclass(frozen=True)
class LinkOpened:
    """The WebSocket is open; nothing was said yet."""

    boottime_s: float
    """When, on the clock that tokens are timed by."""


@dataclass(frozen=True)
class LinkFailed:
    """The token request or the connection ended by itself; the fields are those of `errors.CloudError`."""

    cause: Cause
    detail: str
    close_code: int | None = None
    http_status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True)
class LinkReleased:
    """Nothing of the link is left: no request, no connection, and no event of it will follow."""


# --- events: messages of the server


@dataclass(frozen=True)
class ServerConnected:
    """`connected`: the token was accepted."""


@dataclass(frozen=True)
class AgentReadied:
    """`agent_ready`: the agent listens."""


@dataclass(frozen=True)
class SessionEndAnnounced:
    """`session_ended`: the server is done."""

    reason: str


@dataclass(frozen=True)
class ErrorReported:
    """`error`: the server says why it will close."""

    cause: Cause
    code: str
    message: str


@dataclass(frozen=True)
class MessageIgnored:
    """A text message that means nothing here; it must not hurt."""

    why: str


ServerMessage: TypeAlias = ServerConnected | AgentReadied | SessionEndAnnounced | ErrorReported | MessageIgnored
Event: TypeAlias = (
    Booted
    | SessionRequested
    | SessionDismissed
    | ShutdownRequested
    | DeviceAppeared
    | DeviceDisappeared
    | ServiceReached
    | ServiceUnreached
    | DeadlinePassed
    | TokenFetched
    | LinkOpened
    | LinkFailed
    | LinkReleased
    | ServerMessage
)

# --- commands


@dataclass(frozen=True)
class FetchToken:
    """Ask for a fresh token; answered by `TokenFetched` or `LinkFailed`."""


@dataclass(frozen=True)
class OpenLink:
    """Open the WebSocket; answered by `LinkOpened` or `LinkFailed`."""

    url: str = field(repr=False)


@dataclass(frozen=True)
class SendText:
    """Send a text message before any audio that is waiting."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class StartAudio:
    """Let captured frames go out and received frames be played."""


@dataclass(frozen=True)
class StopAudio:
    """Hold captured frames back, and throw away what waits in either direction."""


@dataclass(frozen=True)
class ReleaseLink:
    """End whatever the link is doing; answered by `LinkReleased` once nothing is left of it."""

    close_code: int | None
    """Say goodbye with this code first; None: just drop it."""


class ReportKind(Enum):
    """What a report is about, for whoever sums up those that repeat."""

    FAILED = "an attempt or a session ended, and it should not have"
    RAN_ITS_COURSE = "a session ended as sessions do"
    READIED = "the agent became ready"
    PROVED_STABLE = "the agent has been ready for so long that all is well again"
    WAITING = "the next attempt waits for something else than time"


class Severity(Enum):
    """How much a report matters to a person."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Report:
    """Tell people."""

    kind: ReportKind
    severity: Severity
    text: str
    cause: Cause | None = None
    message_id: MessageId | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    """What the log carries beside the text: keys of `system.fields.FIELDS`."""


Command: TypeAlias = FetchToken | OpenLink | SendText | StartAudio | StopAudio | ReleaseLink | Report
