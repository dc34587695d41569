from __future__ import annotations

import os

import pytest

from tests.demo.process_usage import parse_usage, read_usage

STATUS = "Name:\tpython\nVmPeak:\t  250000 kB\nVmHWM:\t   48828 kB\nVmRSS:\t   40000 kB\nThreads:\t3\n"


def test_memory_is_in_megabytes_and_time_in_seconds() -> None:
    stat = "4711 (python) S 1 2 3 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 3 0 12345 1 2"
    usage = parse_usage(STATUS, stat, 100)
    assert usage.resident_peak_mb == pytest.approx(49.999872)
    assert usage.resident_mb == pytest.approx(40.96)
    assert usage.cpu_s == 3.0


def test_a_name_of_parentheses_and_spaces_does_not_shift_the_fields() -> None:
    stat = "4711 (a) b ) (c) S 1 2 3 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 3 0 12345 1 2"
    assert parse_usage(STATUS, stat, 100).cpu_s == 3.0


def test_a_living_process_is_read() -> None:
    usage = read_usage(os.getpid())
    assert usage.resident_peak_mb >= usage.resident_mb > 5.0
    assert usage.cpu_s > 0.0
