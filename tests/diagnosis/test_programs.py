from __future__ import annotations

import sys

import pytest

from gatewayd.diagnosis.programs import output_of
from gatewayd.errors import Unavailable


def printed(code: str, *, timeout_s: float = 30.0, bytes_max: int = 1000) -> bytes:
    return output_of((sys.executable, "-c", code), timeout_s=timeout_s, bytes_max=bytes_max)


def test_what_it_prints() -> None:
    assert printed("print('well')") == b"well\n"


def test_more_than_is_wanted_is_not_read() -> None:
    assert printed("while True: print('x' * 79)", bytes_max=160) == (79 * b"x" + b"\n") * 2


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.exit('no permission\\nreally')", ": no permission\\nreally"),
        ("", ": it prints nothing"),
    ],
)
def test_one_that_says_nothing(code: str, told: str) -> None:
    with pytest.raises(Unavailable) as caught:
        printed(code)
    assert str(caught.value) == f"{sys.executable}{told}"


def test_one_that_hangs_is_killed() -> None:
    with pytest.raises(Unavailable, match=r"did not end within 0\.05 s"):
        printed("import time; time.sleep(600)", timeout_s=0.05)


def test_one_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match=r"^/no/such/program cannot be run: No such file or directory"):
        output_of(("/no/such/program",), timeout_s=1.0, bytes_max=10)


def test_it_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAYD_TOKEN", "secret")
    assert b"secret" not in printed("import os; print(dict(os.environ))", bytes_max=100_000)
