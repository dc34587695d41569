"""How often tasks wake up."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio
import trio.abc

if TYPE_CHECKING:
    from collections.abc import Iterator


class StepCounter(trio.abc.Instrument):
    """Counts every step of every task."""

    def __init__(self) -> None:
        self.steps = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1

    @classmethod
    @contextmanager
    def counting(cls) -> Iterator[StepCounter]:
        """Count inside; the test's own step is one of them."""
        counter = cls()
        trio.lowlevel.add_instrument(counter)
        yield counter
        trio.lowlevel.remove_instrument(counter)
