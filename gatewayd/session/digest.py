"""What of a session's reports is told, so that a day without the service is thirty lines and not three thousand.

* The first failure of a kind (cause and severity) is told at once, and again once it was not seen for an hour; those in
  between are summed up at growing intervals (`gatewayd.repetitions`).
* The first `agent ready` after a failure that was told says how many attempts had failed, and in what time. A service
  that accepts and then closes is not told to be back each time: after the first one only a session that proves stable.
* Sessions that run their course are told the first time, and then summed up once a day.

Every report that is not told stays there at debug level. Pure: the caller owns the clock.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass
from gatewayd.message_ids import MessageId
from gatewayd.repetitions import RECENT_S, Repetitions, duration
from gatewayd.session.events import Report, ReportKind, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewayd.repetitions import Sum

COURSES_INTERVAL_S = 86_400.0
"""Between two tellings of sessions that run their course."""

_GRAVITY = (Severity.INFO, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True)
class Line:
    """One line of the log."""

    severity: Severity | None
    """None: of use only to whoever looks for a fault in gatewayd itself."""
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)


class Digest:
    """One station's. All times are seconds on one monotonic clock."""

    def __init__(self) -> None:
        self._failures = Repetitions()
        self._courses = Repetitions((COURSES_INTERVAL_S,), COURSES_INTERVAL_S)
        self._waits = Repetitions((RECENT_S,), RECENT_S)
        # since the last session that proved stable:
        self._failed = 0
        self._failing_since_s = 0.0
        self._readied = False
        self._relapsed = False
        self._gravest = Severity.INFO
        """Of the failures that are held back."""
        self._owed = True
        """Whether the last that was told is something else than that the agent is ready."""
        self._recovery_told_s = float("-inf")

    def note(self, report: Report, now_s: float) -> list[Line]:
        """Take a report, and say what to log."""
        if report.kind is ReportKind.FAILED:
            return self._note_failure(report, now_s)
        if report.kind is ReportKind.RAN_ITS_COURSE:
            return self._note_course(report, now_s)
        if report.kind is ReportKind.READIED:
            return self._note_ready(report, now_s)
        if report.kind is ReportKind.PROVED_STABLE:
            return self._note_stable(report, now_s)
        return [_line(report) if self._waits.note(report.kind, now_s).tell else _aside(report)]

    def _note_failure(self, report: Report, now_s: float) -> list[Line]:
        if not self._failed:
            self._failing_since_s = now_s
        self._failed += 1
        self._relapsed = self._relapsed or self._readied
        verdict = self._failures.note((_name(report), report.severity), now_s)
        if not verdict.tell:
            self._gravest = max(self._gravest, report.severity, key=_GRAVITY.index)
        sums = [self._sum_of_failures(verdict.sum, report.text)] if verdict.sum else []
        self._owed = self._owed or verdict.tell or bool(sums)
        return [*sums, _line(report)] if verdict.tell else [_aside(report), *sums]

    def _note_course(self, report: Report, now_s: float) -> list[Line]:
        verdict = self._courses.note(_name(report), now_s)
        sums = [_sum_of_courses(verdict.sum)] if verdict.sum else []
        self._owed = self._owed or verdict.tell
        return [*sums, _line(report)] if verdict.tell else [_aside(report), *sums]

    def _note_ready(self, report: Report, now_s: float) -> list[Line]:
        tell = self._owed and not self._readied
        self._readied = True
        return [self._recovery(report, now_s) if tell else _aside(report)]

    def _note_stable(self, report: Report, now_s: float) -> list[Line]:
        hidden = self._relapsed and now_s >= self._recovery_told_s + RECENT_S
        line = self._recovery(report, now_s) if self._owed or hidden else _aside(report)
        self._failed = 0
        self._readied = self._relapsed = False
        return [line]

    def _recovery(self, report: Report, now_s: float) -> Line:
        self._owed = False
        self._recovery_told_s = now_s
        if not self._failed:
            return _line(report)
        span_s = now_s - self._failing_since_s
        text = f"{report.text}; failed before it: {self._failed}, in {duration(span_s)}"
        return _line(replace(report, text=text, fields={**report.fields, "count": self._failed, "span_s": span_s}))

    def _sum_of_failures(self, summed: Sum, last: str) -> Line:
        severity, self._gravest = self._gravest, Severity.INFO
        text = f"{_times(summed)}; the last: {last}"
        return _sum_line(severity, text, summed)


def _line(report: Report) -> Line:
    return Line(report.severity, report.text, _fields(report))


def _aside(report: Report) -> Line:
    return Line(None, report.text, _fields(report))


def _fields(report: Report) -> dict[str, object]:
    return {**report.fields, "cause": report.cause, "message_id": report.message_id}


def _name(report: Report) -> str:
    return report.cause.value if report.cause else "no cause"


def _sum_of_courses(summed: Sum) -> Line:
    return _sum_line(Severity.INFO, _times(summed), summed)


def _sum_line(severity: Severity, text: str, summed: Sum) -> Line:
    fields = {"message_id": MessageId.SESSIONS_SUMMED_UP, "count": summed.count, "span_s": summed.span_s}
    return Line(severity, text, fields)


def _times(summed: Sum) -> str:
    """Such as `14 more sessions or attempts ended in 9 min 30 s: connect_refused 12, dns_failed 2`."""
    counts: dict[str, int] = {}
    for kind, count in summed.counts.items():
        name = str(kind[0] if isinstance(kind, tuple) else kind)
        counts[name] = counts.get(name, 0) + count
    listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    noun = "session or attempt" if summed.count == 1 else "sessions or attempts"
    return f"{summed.count} more {noun} ended in {duration(summed.span_s)}: {listed}"
