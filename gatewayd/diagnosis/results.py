"""What a step of the diagnosis found, and what the whole walk comes to."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.errors import ExitCode
from gatewayd.lean import dataclass
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_MAX = 600
"""Characters shown of what was found: a page of a terminal at most, whatever a service says."""


class Step(str, Enum):
    """The chain from the configuration to the agent, in the order in which it is walked."""

    CONFIGURATION = "configuration"
    CREDENTIALS = "credentials"
    DAEMON = "daemon"
    CARD = "card"
    LEVELS = "levels"
    SPEAKER = "speaker"
    CLOCK = "clock"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    HEARTBEAT = "heartbeat"
    TOKEN = "token"  # noqa: S105 - a step's name
    SESSION = "session"


_CONFIGURED = (Step.CONFIGURATION, Step.CREDENTIALS)


class Verdict(str, Enum):
    """How a step ended."""

    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    """It works, and a person should know of it."""
    FAIL = "fail"
    SKIPPED = "skipped"
    """A step it needs failed, it was left out on request, or there is nothing to look at."""


@dataclass(frozen=True)
class Outcome:
    """What a step says of itself."""

    verdict: Verdict
    text: str
    """What was found, in one line."""
    next: str | None = None
    """The one thing to do about it; None where nothing is to be done."""


def passed(text: str) -> Outcome:
    """All is well."""
    return Outcome(Verdict.PASS, text)


def warned(text: str, advice: str) -> Outcome:
    """It works, but."""
    return Outcome(Verdict.WARN, text, advice)


def failed(text: str, advice: str) -> Outcome:
    """It does not work."""
    return Outcome(Verdict.FAIL, text, advice)


def skipped(text: str) -> Outcome:
    """It was not looked at."""
    return Outcome(Verdict.SKIPPED, text)


@dataclass(frozen=True)
class Result:
    """One line of the diagnosis."""

    step: Step
    station: str | None
    """None for what all stations share."""
    outcome: Outcome
    seconds: float
    """How long it took."""

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        return self.outcome.verdict

    @property
    def name(self) -> str:
        """The step for people: `levels`, or `levels (lobby)`."""
        return label(self.step, self.station)

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "step": self.step.value,
            "station": self.station,
            "verdict": self.verdict.value,
            "text": shown(self.outcome.text),
            "next": None if self.outcome.next is None else shown(self.outcome.next),
            "seconds": round(self.seconds, 3),
        }


def label(step: Step, station: str | None) -> str:
    """A step's name for people."""
    return step.value if station is None else f"{step.value} ({one_line(station)})"


def shown(text: str) -> str:
    """Text that may come from outside, in one line that ends."""
    line = one_line(text)
    return line if len(line) <= TEXT_MAX else f"{line[:TEXT_MAX]}…"


def exit_code(results: Sequence[Result]) -> ExitCode:
    """0 where nothing failed; 78 where configuration or credentials did, 69 for anything else."""
    wrong = [result.step for result in results if result.verdict is Verdict.FAIL]
    if not wrong:
        return ExitCode.OK
    return ExitCode.CONFIGURATION if any(step in _CONFIGURED for step in wrong) else ExitCode.UNAVAILABLE


def summary(results: Sequence[Result]) -> str:
    """One line: how many steps ended how."""
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    words = {Verdict.PASS: "passed", Verdict.WARN: "warned", Verdict.FAIL: "failed", Verdict.SKIPPED: "skipped"}
    return (
        ", ".join(f"{count} {words[verdict]}" for verdict, count in counts.items() if count) or "nothing was looked at"
    )
