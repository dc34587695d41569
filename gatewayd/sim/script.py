"""The vocabulary of scripted misbehaviour: what the service does at which point of an attempt.

A `Script` is an ordered list of `Step`s. Each names a point (`on`), an action, and how long to wait first. At every
point the service has something it normally does; it still does it after the steps of that point, unless one of them
is `Skip`, `Respond` or `Accept`, which take its place, or `Proceed`, which does it right there.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class Place(str, Enum):
    """Points of an attempt at which steps may stand, and what the service normally does there."""

    TOKEN = "token"  # noqa: S105 - a place, not a secret. Answers with a token.
    UPGRADE = "upgrade"
    """The WebSocket handshake arrived: accepts it."""
    OPEN = "open"
    """The WebSocket is open: starts the ten seconds for the token."""
    AUTH = "auth"
    """The first message arrived: checks it, and says `connected` or why not."""
    CONNECTED = "connected"
    """`connected` was said: sets the agent up and says `agent_ready`."""
    AGENT_READY = "agent_ready"
    """`agent_ready` was said: lets the agent speak."""
    FRAMES = "frames"
    """So many binary messages were heard: does nothing of its own."""
    CLOSE = "close"
    """The client's close frame arrived: answers it and closes TCP."""


@dataclass(frozen=True)
class Point:
    """A place, and with `FRAMES` the number of binary messages heard, counted from 1."""

    place: Place
    frames: int = 0

    def __str__(self) -> str:
        return f"frames:{self.frames}" if self.place is Place.FRAMES else self.place.value


class ErrorCode(str, Enum):
    """Error codes of the voice protocol."""

    AUTH_TIMEOUT = "AUTH_TIMEOUT"
    INVALID_AUTH = "INVALID_AUTH"
    AUTH_FAILED = "AUTH_FAILED"
    SESSION_SETUP_FAILED = "SESSION_SETUP_FAILED"


CLOSE_CODES: Mapping[str, int] = {
    ErrorCode.AUTH_TIMEOUT.value: 4001,
    ErrorCode.INVALID_AUTH.value: 4002,
    ErrorCode.AUTH_FAILED.value: 4003,
    ErrorCode.SESSION_SETUP_FAILED.value: 4500,
}
"""The close code that follows each error message."""

MESSAGES: Mapping[str, str] = {
    ErrorCode.AUTH_TIMEOUT.value: "no token within 10 s of connecting; send it right after the open",
    ErrorCode.INVALID_AUTH.value: 'the first message must be the JSON text {"token": "..."}',
    ErrorCode.AUTH_FAILED.value: "the token is invalid or expired; request a fresh one and reconnect",
    ErrorCode.SESSION_SETUP_FAILED.value: "the voice session could not be set up; retry after a short delay",
}


class Hangup(str, Enum):
    """Ways to end TCP."""

    FIN = "fin"
    RST = "rst"


class Direction(str, Enum):
    """What a `Stall` holds up."""

    READING = "reading"
    SENDING = "sending"
    BOTH = "both"


class Quiet(str, Enum):
    """What a `Hush` leaves unsaid."""

    AGENT = "agent"
    PONGS = "pongs"
    ALL = "all"
    """Everything: the service plays dead, reads on, and leaves TCP open."""


@dataclass(frozen=True)
class Respond:
    """Answer the HTTP request like this. `$TOKEN` and `$WS_URL` in the body stand for a fresh token and the address."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    body_bytes: int = 0
    """Where over 0: a body of so many blanks instead of `body`, made on the way."""
    bytes_per_s: float = 0.0
    """Where over 0: the body dribbles at this rate."""


@dataclass(frozen=True)
class Proceed:
    """Do here what the service normally does at this point."""


@dataclass(frozen=True)
class Skip:
    """Do not do what the service normally does at this point."""


@dataclass(frozen=True)
class Accept:
    """Say `connected` whatever the first message holds."""


@dataclass(frozen=True)
class SendError:
    """Send an error message and nothing more."""

    code: str
    message: str | None = None
    typed: bool = True
    """Whether the message carries `"type":"error"`; the service promises only `code` and `message`."""


@dataclass(frozen=True)
class Fail:
    """Send an error message, then the close code that belongs to it (`close_code` where another is wanted)."""

    code: str
    message: str | None = None
    close_code: int | None = None


@dataclass(frozen=True)
class EndSession:
    """Send `session_ended` with this reason, then close 1000."""

    reason: str = "agent_disconnected"


@dataclass(frozen=True)
class SendText:
    """Send a text message, cut into so many fragments."""

    text: str
    fragments: int = 1


@dataclass(frozen=True)
class SendBinary:
    """Send a binary message `count` times, each cut into so many fragments."""

    data: bytes
    count: int = 1
    fragments: int = 1


@dataclass(frozen=True)
class SendRaw:
    """Put bytes on the stream as they are: broken frames, invalid UTF-8, an HTTP answer in the wrong place."""

    data: bytes


@dataclass(frozen=True)
class SendPing:
    """Send `count` pings at once."""

    count: int = 1
    payload: bytes = b""


@dataclass(frozen=True)
class Close:
    """Send a close frame, wait for its answer, close TCP; with `half_open` nothing after the close frame."""

    code: int | None = 1000
    """None sends a close frame without a code."""
    reason: str = ""
    half_open: bool = False
    """TCP stays open, what comes is read and thrown away, nothing is answered any more."""


@dataclass(frozen=True)
class Cut:
    """End TCP at once, without a close frame."""

    how: Hangup = Hangup.RST


@dataclass(frozen=True)
class Stall:
    """Stop reading from TCP, writing to it, or both, and leave it open."""

    what: Direction = Direction.BOTH
    for_s: float | None = None
    """None: for good."""


@dataclass(frozen=True)
class Hush:
    """From here on the agent says nothing, or pings go unanswered, or nothing is ever said again; reading goes on."""

    what: Quiet = Quiet.AGENT


# fmt: off
Action = (
    Respond | Proceed | Skip | Accept | SendError | Fail | EndSession | SendText | SendBinary | SendRaw | SendPing
    | Close | Cut | Stall | Hush
)
# fmt: on


@dataclass(frozen=True)
class Step:
    """One action at one point, `after_s` seconds after the step before it (the first: after the point)."""

    on: Point
    action: Action
    after_s: float = 0.0


@dataclass(frozen=True)
class Script:
    """The steps of one attempt, in order; empty means that nothing is scripted."""

    steps: tuple[Step, ...] = ()
    name: str = ""

    def at(self, place: Place, frames: int = 0) -> tuple[Step, ...]:
        """The steps of one point."""
        return tuple(step for step in self.steps if step.on == Point(place, frames))


def script(place: Place | str, *actions: Action, after_s: float = 0.0, frames: int = 0) -> Script:
    """A script with all its actions at one point, the first of them `after_s` late: for tests."""
    point = Point(Place(place), frames)
    return Script(tuple(Step(point, action, 0.0 if i else after_s) for i, action in enumerate(actions)))


class Then(str, Enum):
    """What follows the last connection of a scenario."""

    NORMAL = "normal"
    REPEAT = "repeat"


@dataclass(frozen=True)
class Scenario:
    """How the service behaves, attempt by attempt.

    An attempt is a token request and the WebSocket that follows it. A token request begins a new attempt; an upgrade
    joins the youngest attempt that has had none, or begins one of its own.
    """

    connections: tuple[Script, ...] = ()
    then: Then = Then.NORMAL
    """After the last connection: none scripted, or the last one again and again."""
    heartbeat: tuple[Step, ...] = ()
    """Steps for every heartbeat request; their point is not looked at."""
    accepts: tuple[Step, ...] = ()
    """One for the first TCP connection, one for the second..., before its first byte and before TLS."""
    token_body: str = ""
    """Body of the normal token answer, with `$TOKEN` and `$WS_URL`; empty: `token`, `url`, `expires_in`."""

    def script_for(self, attempt: int) -> Script:
        """The script of an attempt, counted from 1."""
        if attempt <= len(self.connections):
            return self.connections[attempt - 1]
        if self.then is Then.REPEAT and self.connections:
            return self.connections[-1]
        return Script()
