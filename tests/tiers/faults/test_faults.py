"""Every fault of docs/faults.md, by real sockets and TLS: what status shows, and that a healthy session follows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.tiers.faults.fault import PROMPTLY_S, RECOVERY_S, Fault
from tests.tiers.faults.matrix import FAULTS
from tests.tiers.faults.running import assert_left_in_time

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
    told = set()
    for expected, ended in zip(fault.endings, outcome.ends, strict=True):
        alternative = expected.or_else
        ending = alternative if alternative and ended.end.cause is alternative.cause else expected
        level = logging.DEBUG if (ending.cause, ending.level) in told else ending.level
        told.add((ending.cause, ending.level))
        shown = (ended.end.cause, ended.end.close_code, ended.end.error_code, ended.level)
        assert shown == (ending.cause, ending.close_code, ending.error_code, level), ended.end.detail
        assert ending.says in ended.end.detail
        assert ended.wait_s is not None
        assert ending.wait_s - SHOWN_LATE_S <= ended.wait_s <= ending.wait_s + ROUNDING_S
    assert outcome.connects >= 1 if fault.endings else outcome.connects == 1
    assert outcome.flows
    assert outcome.holds


@each_fault
def test_takes_no_longer_than_it_may(fault: Fault, outcome: Outcome, report: Report) -> None:
    since_s = [outcome.began_at_s, *(ended.at_s for ended in outcome.ends)]
    waits_s = [0.0, *(ending.wait_s for ending in fault.endings)]
    for number, ended in enumerate(outcome.ends):
        lost_s = report.lost_s(since_s[number], ended.at_s)
        assert ended.at_s - since_s[number] <= waits_s[number] + fault.limit_s + PROMPTLY_S + lost_s
    if fault.found_within_s is not None:
        readied_s, found_s = outcome.readied_at_s[0], outcome.ends[0].at_s
        assert found_s - readied_s <= fault.found_within_s + report.lost_s(readied_s, found_s)
    recovered_s = outcome.readied_at_s[-1] - since_s[-1]
    lost_s = report.lost_s(since_s[-1], outcome.readied_at_s[-1])
    assert waits_s[-1] - ROUNDING_S <= recovered_s <= waits_s[-1] + RECOVERY_S + lost_s


@each_fault
def test_leaves_nothing_behind_and_leaves_when_asked(outcome: Outcome, report: Report) -> None:
    assert_left_in_time(outcome, report)
    assert outcome.sockets_left == 0 < outcome.sockets_opened


def test_all_of_them_together_leave_no_descriptor_and_no_task(report: Report) -> None:
    assert report.descriptors_after == report.descriptors_before
    assert report.tasks_after == report.tasks_before
