"""How an attempt or a session ended, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewayd.control.schema import SessionEnd
from gatewayd.lean import dataclass
from gatewayd.message_ids import MessageId
from gatewayd.session.causes import ADVICE, Cause
from gatewayd.session.events import Report, ReportKind, Severity
from gatewayd.session.policy import Ended, Lane, Next, lane_of
from gatewayd.session.tokens import without_token
from gatewayd.session.transitions import Phase

if TYPE_CHECKING:
    from gatewayd.session.events import LinkFailed

ADVICE_AFTER = 3
"""Failures in a row after which a fault is taken for one that does not pass by itself."""
_SHOWN_CHARACTERS = 300
"""How much of a text from outside is kept for logs and status."""
_ADDRESS_SETTINGS = {Phase.FETCHING: "agent.token.url", Phase.OPENING: "agent.url"}
_MISDIRECTED = frozenset({Cause.CONNECT_REFUSED, Cause.UPGRADE_REFUSED, Cause.UPGRADE_FAILED})
"""What a service that can be reached does only at a wrong address or for a wrong scheme."""
_ASKED_FOR = frozenset({Cause.STOPPED, Cause.SHUT_DOWN})


@dataclass(frozen=True)
class End:
    """What is known of an end. `phase` is where it came."""

    phase: Phase
    cause: Cause
    detail: str
    close_code: int | None = None
    error_code: str | None = None
    http_status: int | None = None
    retry_after_s: float | None = None

    @classmethod
    def of_failure(cls, phase: Phase, failure: LinkFailed) -> End:
        """The end that a failed link is."""
        return cls(
            phase=phase,
            cause=failure.cause,
            detail=failure.detail,
            close_code=failure.close_code,
            http_status=failure.http_status,
            retry_after_s=failure.retry_after_s,
        )

    def fit_to_show(self, token: str) -> End:
        """The same without the token, which a service may repeat in what it says, and no longer than people read."""
        error_code = self.error_code and without_token(self.error_code, token)[:_SHOWN_CHARACTERS]
        return replace(self, detail=without_token(self.detail, token)[:_SHOWN_CHARACTERS], error_code=error_code)

    def ended(self, *, was_stable: bool) -> Ended:
        """The part that the wait depends on."""
        return Ended(self.cause, self.http_status, self.retry_after_s, was_stable=was_stable)

    def status(self) -> SessionEnd:
        """The part that the status shows."""
        return SessionEnd(self.cause, self.detail, self.close_code, self.error_code)


def report_end(end: End, ended: Ended, following: Next, *, waits: bool, service_reachable: bool | None) -> Report:
    """Say how it ended, what a person can do about it, and when the next attempt is, if one is waited for."""
    parts = [end.detail]
    if service_reachable and end.cause in _MISDIRECTED and end.phase in _ADDRESS_SETTINGS:
        setting = _ADDRESS_SETTINGS[end.phase]
        parts.append(f"the service's heartbeat answers, so the address or the scheme in {setting} is likely wrong")
    elif end.cause in ADVICE and (following.alarming or following.streak.failures >= ADVICE_AFTER):
        parts.append(ADVICE[end.cause])
    if waits:
        parts.append(f"next attempt in {following.delay_s:.1f} s")
    # of an on-demand station, nothing follows a conversation, however short it was
    expected = lane_of(ended) is Lane.NORMAL and (ended.was_stable or not waits)
    ran_its_course = expected or end.cause in _ASKED_FOR
    return Report(
        kind=ReportKind.RAN_ITS_COURSE if ran_its_course else ReportKind.FAILED,
        severity=_severity(ended, following),
        text="; ".join(parts),
        cause=end.cause,
        message_id=_message_id(ended, following),
        fields={
            "http_status": end.http_status,
            "close_code": end.close_code,
            "error_code": end.error_code,
            "attempt": following.streak.failures,
            "next_attempt_s": following.delay_s if waits else None,
        },
    )


def _message_id(ended: Ended, following: Next) -> MessageId:
    refused = following.alarming and lane_of(ended) in (Lane.REFUSED, Lane.REJECTED)
    return MessageId.CREDENTIAL_REFUSED if refused else MessageId.SESSION_ENDED


def _severity(ended: Ended, following: Next) -> Severity:
    if following.alarming:
        return Severity.ERROR
    return Severity.INFO if lane_of(ended) is Lane.NORMAL else Severity.WARNING
