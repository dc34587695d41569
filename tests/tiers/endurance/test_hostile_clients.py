"""Whoever may connect to the control socket may be hostile: no conversation notices, and nothing grows."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import trio

from gatewayd.control.protocol import RequestRefused
from tests.endtoend.running import PATIENCE_S, daemon, voice_service, write_configuration
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.tiers.endurance.show import show

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.endtoend.running import RunningDaemon

HOSTILE_S = float(os.environ.get("HOSTILE_S", "20"))
AT_ONCE = 12
"""Hostile clients at a time: enough to take every place again and again, and not the tests' own processor."""
GROWTH_BYTES = 2 << 20
"""What a daemon that has just begun to talk grows by anyway is half of it; one queue without a bound takes far more."""
FRAMES_LATE_MAX = 10
"""Captured frames that may wait when the status is taken."""
MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))
STATUS = b'{"command":"status"}\n'


class Attacker:
    """One way after the other, as the dice fall."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self.attacks = 0
        ways: tuple[Callable[[trio.SocketStream], Awaitable[None]], ...] = (
            self._say_garbage,
            self._say_half_a_line,
            self._say_one_endless_line,
            self._say_huge_numbers,
            self._ask_and_hang_up,
            self._ask_without_end_and_never_read,
            self._follow_and_never_read,
            self._trickle,
            self._say_nothing,
            self._come_and_go,
        )
        self._ways = ways

    async def run(self) -> NoReturn:
        while True:
            self.attacks += 1
            with suppress(OSError, trio.BrokenResourceError), trio.move_on_after(1.5):
                async with await trio.open_unix_socket(self._path) as stream:
                    await self._chance.choice(self._ways)(stream)

    async def _say_garbage(self, stream: trio.SocketStream) -> None:
        await stream.send_all(self._chance.randbytes(self._chance.randrange(1, 8000)) + b"\n")
        await stream.receive_some(4096)

    async def _say_half_a_line(self, stream: trio.SocketStream) -> None:
        await stream.send_all(STATUS[: self._chance.randrange(len(STATUS))])

    async def _say_one_endless_line(self, stream: trio.SocketStream) -> None:
        while True:
            await stream.send_all(b"x" * 65536)

    async def _say_huge_numbers(self, stream: trio.SocketStream) -> None:
        digits = b"9" * self._chance.randrange(1, 3000)
        await stream.send_all(b'{"command":"status","version":' + digits + b"e" + digits + b"}\n")
        await stream.receive_some(4096)

    async def _ask_and_hang_up(self, stream: trio.SocketStream) -> None:
        await stream.send_all(STATUS)

    async def _ask_without_end_and_never_read(self, stream: trio.SocketStream) -> None:
        while True:
            await stream.send_all(STATUS * 100)

    async def _follow_and_never_read(self, stream: trio.SocketStream) -> None:
        await stream.send_all(b'{"command":"events"}\n')
        await trio.sleep(1)

    async def _trickle(self, stream: trio.SocketStream) -> None:
        for byte in STATUS:
            await stream.send_all(bytes([byte]))
            await trio.sleep(0.05)

    async def _come_and_go(self, _stream: trio.SocketStream) -> None:
        while True:
            self.attacks += 1
            async with await trio.open_unix_socket(self._path):
                pass

    async def _say_nothing(self, stream: trio.SocketStream) -> None:
        await stream.receive_some(1)


class Held:
    """What the daemon's process holds."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")

    def resident_bytes(self) -> int:
        return int((self._process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(list((self._process / "fd").iterdir()))


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 64_000).astype("<i2").tobytes())
    return card


async def attack(path: Path, seconds: float, seed: int) -> int:
    """So many hostile connections were made."""
    attackers = [Attacker(path, random.Random(seed + number)) for number in range(AT_ONCE)]
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for attacker in attackers:
                nursery.start_soon(attacker.run)
    return sum(attacker.attacks for attacker in attackers)


async def asked(running: RunningDaemon) -> dict[str, Any]:
    """The station's status, as soon as a place is free for somebody who asks."""
    with trio.fail_after(PATIENCE_S):
        while True:
            with suppress(RequestRefused):
                station: dict[str, Any] = (await running.status())["stations"]["main"]
                return station
            await trio.sleep(0.2)


async def test_a_conversation_does_not_notice_hostile_clients(
    tmp_path: Path, card: SoftCard, capsys: pytest.CaptureFixture[str]
) -> None:
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        async with daemon(setting) as running:
            await running.wait_until(lambda station: station["capture"]["health"] == "ok")
            held = Held(running.process.pid)
            await attack(setting.socket, HOSTILE_S / 4, seed=1)  # the first fill caches
            memory, descriptors = held.resident_bytes(), held.descriptors()
            attacks = await attack(setting.socket, HOSTILE_S, seed=100)
            with trio.fail_after(PATIENCE_S):
                while held.descriptors() > descriptors:  # noqa: ASYNC110 - another process
                    await trio.sleep(0.1)
            grown = held.resident_bytes() - memory
            station = await asked(running)
            show(capsys, f"{attacks} hostile connections in {HOSTILE_S:g} s, {grown / 1e6:+.2f} MB")
            assert station["state"] == "agent_ready"
            assert (station["capture"]["xruns"], station["capture"]["gaps"]) == (0, 0)
            assert (station["session"]["connects"], station["session"]["frames_dropped"]["stalled"]) == (1, 0)
            session = service.sessions[-1]
            assert station["session"]["frames_sent"] - session.tally.frames_heard <= FRAMES_LATE_MAX
            assert grown < GROWTH_BYTES
            assert (await running.stop())[0] == 0
        told = setting.log.read_text().splitlines()
        assert len(told) < 40, "nobody can fill the log"
        assert not any("Traceback" in line or "internal error" in line for line in told)
