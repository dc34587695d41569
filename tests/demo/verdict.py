"""Whether the conversation happened and sounded right: every check with its limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tests.demo.measurements import NotAvailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.demo.alignment import Similarity
    from tests.demo.delays import Delays
    from tests.demo.measurements import CardFigures, Measurements

FRAMES_SHARE_MIN = 0.9
SIMILARITY_HEARD_MIN = 0.98
SIMILARITY_PLAYED_MIN = 0.95
DELAY_P50_MAX_MS = 8.0
DELAY_P99_MAX_MS = 25.0
RESIDENT_MAX_MB = 50.0
STOP_MAX_S = 3.0


DEAF = frozenset({"silent", "stuck", "missing", "muted"})
"""What the daemon may say of a microphone that gives no sound; `gatewayd.control.schema.MicrophoneHealth`."""


class Result(Enum):
    """Of one check."""

    PASS = "pass"
    WARN = "warn"
    """Beyond the limit, and told so, but no reason to fail."""
    FAIL = "FAIL"


@dataclass(frozen=True)
class Check:
    """One question with its answer."""

    what: str
    measured: str
    limit: str
    result: Result


def judge(measurements: Measurements) -> list[Check]:
    """All checks; the conversation is fine if none of them is `Result.FAIL`."""
    checks = [*_conversation_checks(measurements)]
    if measurements.card is not None:
        checks += _sound_checks(measurements.card)
        checks += _delay_checks(measurements.card.to_service, lenient=measurements.plan.lenient_timing)
    return [*checks, *_process_checks(measurements)]


def passed(checks: list[Check]) -> bool:
    """Whether none failed."""
    return all(check.result is not Result.FAIL for check in checks)


def _conversation_checks(measurements: Measurements) -> Iterator[Check]:
    last = measurements.course.last
    yield _check("agent ready at the end", last.state, "agent_ready", last.state == "agent_ready")
    yield _check("sessions begun", f"{last.connects}", "exactly 1", last.connects == 1)
    yield _check("microphone", last.microphone, "not deaf", last.microphone not in DEAF)
    expected = measurements.frames_expected_out
    yield _frames("frames heard by the agent", measurements.frames_out, expected)
    expected = measurements.frames_expected_in
    yield _frames("frames back at the gateway", measurements.frames_in, expected)
    yield _frames("frames played", last.frames_played, expected)
    yield _check("frames dropped for a stalled link", f"{last.stalled}", "none", last.stalled == 0)


def _sound_checks(card: CardFigures) -> Iterator[Check]:
    yield _similarity("sentence and what the agent heard", card.heard, SIMILARITY_HEARD_MIN)
    yield _similarity("sentence and what the speaker played", card.played, SIMILARITY_PLAYED_MIN)


def _delay_checks(delays: Delays | NotAvailable, *, lenient: bool) -> Iterator[Check]:
    for name, limit_ms in (("p50", DELAY_P50_MAX_MS), ("p99", DELAY_P99_MAX_MS)):
        what, limit = f"delay from card to service, {name}", f"at most {limit_ms:g} ms"
        if isinstance(delays, NotAvailable):
            yield Check(what, "not available", limit, Result.WARN if lenient else Result.FAIL)
            continue
        value_ms = delays.p50_ms if name == "p50" else delays.p99_ms
        yield _check(what, f"{value_ms:.1f} ms", limit, value_ms <= limit_ms, lenient=lenient)


def _process_checks(measurements: Measurements) -> Iterator[Check]:
    course = measurements.course
    peak_mb = course.usage.resident_peak_mb
    yield _check(
        "resident memory, peak", f"{peak_mb:.1f} MB", f"at most {RESIDENT_MAX_MB:g} MB", peak_mb <= RESIDENT_MAX_MB
    )
    yield _check("exit code after SIGTERM", f"{course.exit_code}", "0", course.exit_code == 0)
    yield _check("time to stop", f"{course.stop_s:.2f} s", f"at most {STOP_MAX_S:g} s", course.stop_s <= STOP_MAX_S)


def _frames(what: str, frames: int, expected: float) -> Check:
    share = frames / expected if expected > 0 else 0.0
    measured = f"{frames} of {expected:.0f} ({100 * share:.1f} %)"
    return _check(what, measured, f"at least {100 * FRAMES_SHARE_MIN:.0f} %", share >= FRAMES_SHARE_MIN)


def _similarity(what: str, result: Similarity, least: float) -> Check:
    return _check(what, f"{result.value:.5f}", f"at least {least:g}", result.value >= least)


def _check(what: str, measured: str, limit: str, holds: bool, *, lenient: bool = False) -> Check:
    return Check(what, measured, limit, Result.PASS if holds else Result.WARN if lenient else Result.FAIL)
