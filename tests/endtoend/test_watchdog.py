"""What the daemon tells systemd, as systemd hears it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.endtoend.running import daemon, voice_service, write_configuration
from tests.endtoend.service_manager import service_manager
from tests.endtoend.test_daemon import card

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard

__all__ = ["card"]
pytestmark = pytest.mark.slow

WATCHDOG_S = 0.3
SEVERAL_FEEDINGS_S = 1.0


async def test_a_daemons_life_as_systemd_hears_it(tmp_path: Path, card: SoftCard) -> None:
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write_configuration(tmp_path, service, card), WATCHDOG_S)
            async with daemon(setting) as running:
                await manager.wait_for(lambda message: message == "READY=1")
                await manager.wait_for(lambda message: message.startswith("STATUS="))
                for _ in range(3):
                    await manager.wait_for(lambda message: message == "WATCHDOG=1")
                line = await manager.wait_for(lambda message: message.startswith("STATUS=agent ready "))
                await running.stop()
                await manager.wait_for(lambda message: message == "FDSTOREREMOVE=1\nFDNAME=lives")
    assert " · mic " in line
    assert line.endswith(" · 0 xruns")
    others = [message for message in manager.told if not message.startswith(("STATUS=", "WATCHDOG="))]
    assert others == ["FDSTORE=1\nFDNAME=lives", "READY=1", "STOPPING=1", "FDSTOREREMOVE=1\nFDNAME=lives"]


async def test_offline_and_without_a_microphone_it_is_fed(tmp_path: Path, card: SoftCard) -> None:
    card.unplug()
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write_configuration(tmp_path, service, card), WATCHDOG_S)
        async with daemon(setting):  # and the service is gone
            await manager.wait_for(lambda message: message.startswith("STATUS=no device "))
            for _ in range(5):
                await manager.wait_for(lambda message: message == "WATCHDOG=1")


async def test_a_driver_that_hangs_while_it_opens_a_card_is_found_out(tmp_path: Path, card: SoftCard) -> None:
    """The card's definition is a pipe that nobody writes to: libasound does not return from opening it."""
    with service_manager(tmp_path) as manager:
        async with voice_service(tmp_path) as service:
            setting = manager.watching(write_configuration(tmp_path, service, card), WATCHDOG_S)
            async with daemon(setting) as running:
                await running.wait_state("agent_ready")
                await manager.wait_for(lambda message: message == "WATCHDOG=1")
                card.unplug()
                (card.folder / "definition").unlink()
                os.mkfifo(card.folder / "definition")
                card.replug()
                await manager.wait_quiet(SEVERAL_FEEDINGS_S)
                assert running.process.returncode is None
