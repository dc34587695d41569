"""Draws docs/faults.md from the faults: `python -m tests.tiers.faults.page` writes it, `test_page.py` compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.tiers.faults.fault import PROMPTLY_S, RECOVERY_S, SHUT_DOWN_S, WAITS
from tests.tiers.faults.leaving import LEAVING
from tests.tiers.faults.matrix import FAULTS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.tiers.faults.fault import Ending, Fault

PAGE = Path(__file__).resolve().parents[3] / "docs" / "faults.md"

_HEAD = f"""\
# What goes wrong, and what the gateway makes of it

<!-- drawn from tests/tiers/faults by `python -m tests.tiers.faults.page`; do not edit -->

{len(FAULTS)} ways of a service, a network or a clock to misbehave. For each of them the real session (machine, driver,
WebSocket, TCP, TLS, token source) is run over loopback sockets with real certificates against a service that does just
that, once or a few times in a row, and is in good health after it. Every row is three tests of
`tests/tiers/faults/test_faults.py`, with the row's words in brackets:

    python -m pytest tests/tiers/faults                          # all, side by side
    python -m pytest tests/tiers/faults -k "close and 4001"      # some

They hold that

- status and log show the cause, the close code, the error code and the wait of the row; in the log only the first end
  of a cause and severity is above debug level, as those that follow are summed up ([logging.md](logging.md));
- where a limit is named, it is the gateway's own: the fault is found when it has passed. {PROMPTLY_S:.0f} s of a busy
  machine are allowed for, but a dead link is found within 12 s while sound streams and within 22 s while idle;
- the next attempt comes no sooner than after the wait, a healthy session (`agent_ready`) within {RECOVERY_S:.0f} s of
  it, and sound flows both ways again;
- the driver does not return before it is asked to, and within {SHUT_DOWN_S:.0f} s once it is;
- no socket, descriptor or task is left.

The waits are in words here, because the tests make them short; their lengths are tested at exact virtual times in
`tests/session/test_policy.py` and `test_machine.py`. *Backoff*: full jitter up to 60 s. *Slow lane*: 5 to 15 minutes,
and an error in the log that says what a person can do.
"""
_ENDING = """
| fault | limit | status shows | next attempt |
|---|---|---|---|
"""
_SURVIVED = """
| what it does |
|---|
"""
_LEAVING = f"""
## The daemon is asked to leave in the middle of it

Each is a test of `tests/tiers/faults/test_leaving.py`: the driver is gone within {SHUT_DOWN_S:.0f} s, no socket is
left, and a service that still listens was told goodbye with close 1000.

| when |
|---|
"""


def draw() -> str:
    """The whole page."""
    faults = "".join(_section(title, faults) for title, faults in SECTIONS.items())
    return _HEAD + faults + _LEAVING + "".join(f"| {fault.name} |\n" for fault in LEAVING)


def _section(title: str, faults: Iterable[Fault]) -> str:
    faults = tuple(faults)
    if any(fault.endings for fault in faults):
        return f"\n## {title}\n{_ENDING}" + "".join(_row(fault) for fault in faults)
    return f"\n## {title}\n{_SURVIVED}" + "".join(f"| {fault.name} |\n" for fault in faults)


def _row(fault: Fault) -> str:
    shown = ", then ".join(_shown(ending) for ending in fault.endings)
    waits = ", then ".join(WAITS[ending.wait_s] for ending in fault.endings)
    return f"| {fault.name} | {_limit(fault)} | {shown} | {waits} |\n"


def _limit(fault: Fault) -> str:
    if fault.limit_key:
        return f"`{fault.limit_key}`"
    return f"{fault.limit_s:.0f} s" if fault.limit_s else ""


def _shown(ending: Ending) -> str:
    words = [f"`{ending.cause.value}`"]
    if ending.close_code is not None:
        words.append(str(ending.close_code))
    if ending.error_code is not None:
        words.append(f"`{ending.error_code}`")
    shown = " ".join(words)
    return f"{shown} or {_shown(ending.or_else)}" if ending.or_else else shown


if __name__ == "__main__":
    PAGE.write_text(draw(), encoding="utf-8")
