from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trustme

from tests.cloud.peers import open_descriptors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def no_descriptor_left() -> AsyncIterator[None]:
    await trio.to_thread.run_sync(lambda: None)  # what a first thread opens for good
    before = open_descriptors()
    yield
    assert open_descriptors() == before
