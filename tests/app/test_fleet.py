from __future__ import annotations

import pytest
import trio
import trio.testing

from gatewayd.errors import Unavailable
from gatewayd.fleet import STOP_LIMIT_S, Fleet, Member


class Worker:
    """Runs until it is asked to end, and then for as long as it takes it to say goodbye."""

    def __init__(self, goodbye_s: float = 0.0) -> None:
        self._goodbye_s = goodbye_s
        self._asked = trio.Event()
        self.began_s: float | None = None
        self.ended_s: float | None = None
        self.dropped = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self.began_s = trio.current_time()
        task_status.started()
        try:
            await self._asked.wait()
            await trio.sleep(self._goodbye_s)
        except trio.Cancelled:
            self.dropped = True
            raise
        finally:
            self.ended_s = trio.current_time()

    async def shut_down(self) -> None:
        self._asked.set()


def member(name: str, worker: Worker) -> Member:
    return Member(name, worker.run, worker.shut_down)


async def fail_to_start(  # noqa: ASYNC114, ASYNC128 - which is what it is for
    *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    await trio.sleep(1)
    raise Unavailable("the place is taken")


async def test_members_come_and_go_and_the_others_do_not_notice(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    stays, leaves, comes = Worker(), Worker(goodbye_s=1.5), Worker()
    async with trio.open_nursery() as nursery:
        await nursery.start(fleet.run, [member("stays", stays), member("leaves", leaves)])
        began_s = trio.current_time()
        await fleet.stop("leaves")
        await fleet.start(member("comes", comes))
        assert leaves.ended_s == comes.began_s == began_s + 1.5
        assert stays.ended_s is None
        assert not leaves.dropped
        await fleet.shut_down()
    assert not stays.dropped
    assert not comes.dropped


async def test_a_name_is_free_again_once_its_member_has_ended(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    before, after = Worker(), Worker()
    async with trio.open_nursery() as nursery:
        await nursery.start(fleet.run, [member("door", before)])
        await fleet.stop("door")
        await fleet.start(member("door", after))
        await fleet.shut_down()
    assert after.ended_s is not None


async def test_who_does_not_end_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    slow = Worker(goodbye_s=1000)
    async with trio.open_nursery() as nursery:
        await nursery.start(fleet.run, [member("slow", slow)])
        began_s = trio.current_time()
        await fleet.stop("slow")
        assert trio.current_time() == began_s + STOP_LIMIT_S
        await fleet.shut_down()
    assert slow.dropped


async def test_one_that_knows_no_goodbye_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    service = Worker()
    async with trio.open_nursery() as nursery:
        await nursery.start(fleet.run, [Member("service", service.run)])
        await fleet.stop("service")
        assert service.dropped
        await fleet.shut_down()


async def test_who_orders_a_start_is_told_that_it_failed(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    stays = Worker()
    async with trio.open_nursery() as nursery:
        await nursery.start(fleet.run, [member("stays", stays)])
        with pytest.raises(Unavailable, match="the place is taken"):
            await fleet.start(Member("moved", fail_to_start))
        assert stays.ended_s is None
        await fleet.shut_down()


async def test_a_start_that_fails_at_the_beginning_ends_it_all(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    with pytest.RaisesGroup(Unavailable):
        await fleet.run([Member("first", fail_to_start)])


async def test_a_member_that_dies_takes_the_others_with_it(autojump_clock: trio.testing.MockClock) -> None:
    fleet = Fleet()
    stays = Worker()

    async def die(  # noqa: ASYNC114 - no context manager starts it
        *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        task_status.started()
        await trio.sleep(1)
        raise KeyError("a bug")

    with pytest.RaisesGroup(KeyError):
        await fleet.run([member("stays", stays), Member("dies", die)])
    assert stays.dropped


async def test_a_shutdown_while_they_start_keeps_the_rest_from_starting(
    autojump_clock: trio.testing.MockClock,
) -> None:
    fleet = Fleet()
    first, never = Worker(), Worker()

    async def start_slowly(  # noqa: ASYNC114, ASYNC128 - passes its task_status on
        *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        await trio.sleep(1)
        await first.run(task_status=task_status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.run, [Member("first", start_slowly, first.shut_down), member("never", never)])
        await trio.sleep(0.5)
        await fleet.shut_down()
    assert first.ended_s is not None
    assert never.began_s is None
