"""Poll descriptors, one or several, waited for as libasound wants them."""

from __future__ import annotations

import os
import select
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from gatewayd.hardware.alsa.polling import Descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


async def test_one_is_waited_for_as_it_asks() -> None:
    with pipe() as (reader, writer):
        assert await Descriptors([(writer, select.POLLOUT)]).wait() == [(writer, select.POLLOUT)]

        descriptors = Descriptors([(reader, select.POLLIN)])
        with trio.move_on_after(0.01) as scope:
            await descriptors.wait()
        assert scope.cancelled_caught
        os.write(writer, b"x")
        assert await descriptors.wait() == [(reader, select.POLLIN)]


async def test_of_several_it_tells_which() -> None:
    with pipe() as (first, _), pipe() as (second, to_second):
        descriptors = Descriptors([(first, select.POLLIN), (second, select.POLLIN)])
        os.write(to_second, b"x")
        assert await descriptors.wait() == [(first, 0), (second, select.POLLIN)]
        descriptors.close()


@pytest.mark.parametrize("count", [1, 2])
async def test_closing_ends_the_wait(count: int) -> None:
    with pipe() as (first, _), pipe() as (second, _):
        descriptors = Descriptors([(first, select.POLLIN), (second, select.POLLIN)][:count])

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await descriptors.wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            descriptors.close()


async def test_what_cannot_be_polled_is_an_error(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    descriptors = Descriptors([(descriptor, select.POLLIN)])
    with pytest.raises(PermissionError):
        await descriptors.wait()
    descriptors.close()
    os.close(descriptor)
