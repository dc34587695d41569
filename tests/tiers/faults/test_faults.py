"""Every fault of docs/faults.md, by real sockets and TLS: what status shows, and that a healthy session follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiers.faults.fault import PROMPTLY_S, RECOVERY_S, SHUT_DOWN_S, Fault
from tests.tiers.faults.matrix import FAULTS

if TYPE_CHECKING:
    from tests.tiers.faults.running import Outcome, Report

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])

ROUNDING_S = 0.01
"""Timers may fire early by what floating point loses."""
SHOWN_LATE_S = 0.4
"""The wait is looked at when its log record is made, which on a busy machine is a while after it began; the lanes lie
further apart."""


@each_fault
def test_ends_as_what_it_was_and_recovers_in_time(fault: Fault, outcome: Outcome) -> None:
    assert outcome.crash == ""
    assert outcome.stage == "", f"time ran out; so far: {outcome.ends}"
    assert len(outcome.ends) == len(fault.endings), outcome.ends
    for expected, ended in zip(fault.endings, outcome.ends, strict=True):
        alternative = expected.or_else
        ending = alternative if alternative and ended.end.cause is alternative.cause else expected
        shown = (ended.end.cause, ended.end.close_code, ended.end.error_code, ended.level)
        assert shown == (ending.cause, ending.close_code, ending.error_code, ending.level), ended.end.detail
        assert ending.says in ended.end.detail
        assert ended.wait_s is not None
        assert ending.wait_s - SHOWN_LATE_S <= ended.wait_s <= ending.wait_s + ROUNDING_S
    assert outcome.connects >= 1 if fault.endings else outcome.connects == 1
    assert outcome.flows
    assert outcome.holds


@each_fault
def test_takes_no_longer_than_it_may(fault: Fault, outcome: Outcome) -> None:
    since_s = [outcome.began_at_s, *(ended.at_s for ended in outcome.ends)]
    for number, ended in enumerate(outcome.ends):
        wait_s = fault.endings[number - 1].wait_s if number else 0.0
        assert ended.at_s - since_s[number] <= wait_s + fault.limit_s + PROMPTLY_S
    if fault.found_within_s is not None:
        assert outcome.ends[0].at_s - outcome.readied_at_s[0] <= fault.found_within_s
    wait_s = fault.endings[-1].wait_s if fault.endings else 0.0
    recovered_s = outcome.readied_at_s[-1] - since_s[-1]
    assert wait_s - ROUNDING_S <= recovered_s <= wait_s + RECOVERY_S


@each_fault
def test_leaves_nothing_behind_and_leaves_when_asked(fault: Fault, outcome: Outcome) -> None:
    assert outcome.shut_down_s is not None, f"was not gone {SHUT_DOWN_S} s after it was asked to leave"
    assert outcome.sockets_left == 0 < outcome.sockets_opened


def test_all_of_them_together_leave_no_descriptor_and_no_task(report: Report) -> None:
    assert report.descriptors_after == report.descriptors_before
    assert report.tasks_after == report.tasks_before
