"""A service for the length of a block."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio
import trio.testing

from gatewayd.sim.service import Service, SimOptions, serve
from tests.sim.client import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def serving(options: SimOptions | None = None) -> AsyncIterator[Service]:
    async with trio.open_nursery() as nursery:
        service: Service = await nursery.start(serve, options or SimOptions())
        with trio.fail_after(PATIENCE_S):
            yield service
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
