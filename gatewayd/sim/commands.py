"""What a conversation asks its driver to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.sim.script import Hangup


@dataclass(frozen=True)
class Send:
    """Put these bytes on the stream."""

    data: bytes


@dataclass(frozen=True)
class Say:
    """Send one frame of the agent's voice; may be dropped when the client does not take it."""

    frame: bytes


@dataclass(frozen=True)
class HangUp:
    """End TCP once all before it is sent: politely (TLS's own farewell included) where `how` is None."""

    how: Hangup | None


@dataclass(frozen=True)
class Hold:
    """Hold up reading and sending where True; go on where False."""

    reading: bool
    sending: bool


Command = Send | Say | HangUp | Hold
