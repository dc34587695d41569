"""What runs side by side and comes and goes while the daemon runs: stations, and the services around them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import trio

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

STOP_LIMIT_S = 2.5
"""For a member to end in good order, the goodbye included (1.5 s); what is left of it then is dropped."""


@dataclass(frozen=True)
class Member:
    """Something that runs from its start until it is shut down."""

    name: str
    run: Callable[..., Awaitable[None]]
    """Takes a `task_status`, as `nursery.start` wants it."""
    shut_down: Callable[[], Awaitable[None]] | None = None
    """Asks it to end, upon which `run` returns. None: it is cancelled."""


@dataclass(frozen=True)
class _Running:
    member: Member
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)

    async def shut_down(self) -> None:
        if self.member.shut_down is None:
            self.scope.cancel()
        else:
            await self.member.shut_down()


@dataclass(frozen=True)
class _Start:
    """An order that waits for the one task that starts members, with what came of it."""

    member: Member
    done: trio.Event = field(default_factory=trio.Event)
    failures: list[Exception] = field(default_factory=list)


class Fleet:
    """Runs members, whose names differ.

    Whatever ends a member that was not asked to end ends them all, and is raised by `run`.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._orders_in, self._orders = trio.open_memory_channel[_Start](0)
        self._closing = False

    async def run(
        self, members: Sequence[Member], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run `members`, and those that are started later, until `shut_down` was called and all have ended.

        Started once all of `members` are. Raises what a member raises, at its start too. Cancelling drops everything.
        """
        async with trio.open_nursery() as nursery:
            for member in members:
                if not self._closing:
                    await nursery.start(self._hold, member)
            task_status.started()
            async for order in self._orders:
                try:
                    await nursery.start(self._hold, order.member)
                except Exception as error:  # noqa: BLE001 - whoever ordered it is told, and decides
                    order.failures.append(error)
                order.done.set()

    async def start(self, member: Member) -> None:
        """Start one more; returns once it has. Raises what its start raises: the others go on.

        Called off while it waits, the member may still start.
        """
        order = _Start(member)
        await self._orders_in.send(order)
        await order.done.wait()
        for failure in order.failures:
            raise failure

    async def stop(self, name: str) -> None:
        """Have a member end in good order, and drop it where it takes longer than `STOP_LIMIT_S`."""
        running = self._running[name]
        with trio.move_on_after(STOP_LIMIT_S):
            await running.shut_down()
            await running.ended.wait()
        running.scope.cancel()
        await running.ended.wait()

    async def shut_down(self) -> None:
        """Ask all to end; `run` returns once they have."""
        self._closing = True
        self._orders_in.close()
        for running in list(self._running.values()):
            await running.shut_down()

    async def _hold(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        self, member: Member, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        running = self._running[member.name] = _Running(member)
        try:
            with running.scope:
                await member.run(task_status=task_status)
        finally:
            del self._running[member.name]
            running.ended.set()
