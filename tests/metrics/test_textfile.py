from __future__ import annotations

import logging
import os
import stat
import threading
from typing import TYPE_CHECKING

import trio

from gatewayd.metrics.textfile import keep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PATIENCE_S = 20.0
TEXT_BYTES = 200_000


class Texts:
    """Gives texts of one letter each, so that a mixed or cut one is seen."""

    def __init__(self) -> None:
        self.given = 0

    async def render(self) -> bytes:
        self.given += 1
        return bytes([ord("a") + self.given % 26]) * TEXT_BYTES

    async def wait(self, count: int) -> None:
        """Until so many more were asked for, so that all but the last of them were written."""
        target = self.given + count
        while self.given < target:  # noqa: ASYNC110 - of another thread's making
            await trio.sleep(0.001)


def names(folder: Path, end: str = "") -> list[str]:
    return [each.name for each in folder.iterdir() if each.name.endswith(end)]


def read_all_the_time(folder: Path, stop: threading.Event) -> None:
    """A reader that never rests: each text must be whole, and there is always one."""
    while not stop.is_set():
        text = (folder / "gatewayd.prom").read_bytes()
        assert text == text[:1] * TEXT_BYTES
        assert names(folder, ".prom") == ["gatewayd.prom"]


async def test_readers_see_whole_texts_only(tmp_path: Path) -> None:
    texts, stop = Texts(), threading.Event()
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as writing:
            writing.start_soon(keep, tmp_path / "gatewayd.prom", 0.0, texts.render)
            await texts.wait(2)
            async with trio.open_nursery() as reading:
                reading.start_soon(trio.to_thread.run_sync, read_all_the_time, tmp_path, stop)
                await texts.wait(60)
                stop.set()
            writing.cancel_scope.cancel()
    assert names(tmp_path) == []


async def test_it_is_readable_for_other_users(tmp_path: Path) -> None:
    path, texts, before = tmp_path / "gatewayd.prom", Texts(), os.umask(0o077)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep, path, 0.01, texts.render)
            await texts.wait(2)
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
            nursery.cancel_scope.cancel()
    finally:
        os.umask(before)


async def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "textfiles"
    victim.write_text("precious")
    folder.mkdir()
    (folder / ".gatewayd.prom.new").symlink_to(victim)
    (folder / "gatewayd.prom").symlink_to(victim)
    texts = Texts()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep, folder / "gatewayd.prom", 0.01, texts.render)
        await texts.wait(2)
        assert not (folder / "gatewayd.prom").is_symlink()
        nursery.cancel_scope.cancel()
    assert victim.read_text() == "precious"


async def test_a_folder_that_is_not_there_is_told_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gatewayd.metrics")
    path, texts = tmp_path / "later" / "gatewayd.prom", Texts()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep, path, 0.01, texts.render)
        await texts.wait(4)
        path.parent.mkdir()
        await texts.wait(2)
        assert path.exists()
        nursery.cancel_scope.cancel()
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be written, and is tried again every 0.01 s: No such file or directory",
        f"{path} can be written again",
    ]
