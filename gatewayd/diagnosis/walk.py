"""Takes one step after another: each bounded, timed, told while it runs, and left out when one it needs failed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import trio

from gatewayd.diagnosis.advice import REPORT, advice
from gatewayd.diagnosis.results import Outcome, Result, Step, Verdict, failed, skipped
from gatewayd.errors import ConfigurationInvalid, GatewayError
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Display(Protocol):
    """Who watches the walk."""

    def begun(self, step: Step, station: str | None) -> None:
        """A step begins."""
        ...

    def ended(self, result: Result) -> None:
        """It ended."""
        ...


@dataclass(frozen=True)
class Found(Generic[T_co]):
    """What a step came to, and what it has for those that need it."""

    outcome: Outcome
    value: T_co | None = None
    """None: whatever needs this step cannot be done."""


@dataclass(frozen=True)
class Taken(Generic[T_co]):
    """A step that was taken."""

    result: Result
    value: T_co | None

    @property
    def got(self) -> T_co:
        """The value, in a step that needs this one and is left out where there is none."""
        if self.value is None:
            raise LookupError(f"nothing came of {self.result.name}")
        return self.value


class Walk:
    """The steps taken so far, in `results`."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.results: list[Result] = []

    async def take(
        self,
        step: Step,
        work: Callable[[], Awaitable[Found[T]]],
        *,
        limit_s: float,
        station: str | None = None,
        needs: Sequence[Taken[object]] = (),
    ) -> Taken[T]:
        """Take a step, within `limit_s` seconds as far as it waits; a `GatewayError` it raises makes it fail.

        Cancelled, or out of time, what it had open is closed by force.
        """
        for need in needs:
            if need.value is None:
                return self.skip(step, because_of(need.result), station=station)
        self._display.begun(step, station)
        began_s = trio.current_time()
        found: Found[T] | None = None
        with trio.move_on_after(limit_s):
            try:
                found = await work()
            except ConfigurationInvalid as error:
                found = Found(problems(error))
            except GatewayError as error:
                found = Found(failed(str(error), advice(error)))
        if found is None:
            found = Found(failed(f"not over within {limit_s:g} s", REPORT))
        return self._note(Result(step, station, found.outcome, trio.current_time() - began_s), found.value)

    async def look(
        self,
        step: Step,
        work: Callable[[], Found[T]],
        *,
        station: str | None = None,
        needs: Sequence[Taken[object]] = (),
    ) -> Taken[T]:
        """Take a step that waits for nobody but this device's own files, so that no limit could end it."""

        async def work_between() -> Found[T]:
            await trio.lowlevel.checkpoint()
            return work()

        return await self.take(step, work_between, limit_s=math.inf, station=station, needs=needs)

    def skip(self, step: Step, why: str, *, station: str | None = None) -> Taken[T]:
        """Leave a step out, and say why."""
        self._display.begun(step, station)
        return self._note(Result(step, station, skipped(why), 0.0), None)

    def _note(self, result: Result, value: T | None) -> Taken[T]:
        self.results.append(result)
        self._display.ended(result)
        return Taken(result, value)


def because_of(result: Result) -> str:
    """Why a step is left out that needs this one."""
    how = {Verdict.FAIL: "which failed", Verdict.SKIPPED: "which was left out"}
    return f"it needs {result.name}, {how.get(result.verdict, 'which gave nothing to go on with')}"


def problems(error: ConfigurationInvalid) -> Outcome:
    """The first problem, and how many more there are."""
    first, *more = error.problems
    others = f" (and {len(more)} more)" if more else ""
    return failed(f"{first}{others}", advice(error))
