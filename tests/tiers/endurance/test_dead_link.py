"""Links that die or stall for real: packets are lost on the way, and both ends keep their carrier."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from gatewayd.session import events
from gatewayd.sim.certificates import Authority
from gatewayd.sim.service import Service, SimOptions
from tests.softcard.card import SoftCard, SoundRack, StreamDefinition
from tests.tiers.endurance.lossy_link import SERVICE, DeviceSockets, LossyLink, NoNamespaces, lossy_link
from tests.tiers.endurance.processes import Plan, causes_told, recorded_daemon
from tests.tiers.endurance.show import show
from tests.tiers.endurance.stack import SessionStack, agent_of, dialer_for
from tests.tiers.endurance.watching import FRAME_PERIOD_S, WatchedTransport, read_stamp, stamped_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from gatewayd.seams.transport import Transport
    from tests.endtoend.running import RunningDaemon

MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,), loop=True)
STREAMING_LIMIT_S, IDLE_LIMIT_S = 12.0, 22.0
"""Within which a dead link must be found."""
RECOVERY_LIMIT_S = 15.0
"""From the link's return to a session, not counting the backoff."""
BACKOFF_CAP_S = 1.0
HEARTBEAT_KNOWS_S = 40.0
"""For the heartbeat to call the service unreachable (two failures), and the attempt that is on its way to end."""
FRESH_S = 1.0
STALL_S = 3.0
SETTLED_S = 2.0
PATIENCE_S = 20.0
FOUND_BY = {"connection_lost", "send_timed_out", "ping_timed_out"}


@pytest.fixture
def link() -> Iterator[LossyLink]:
    try:
        with lossy_link() as link:
            yield link
    except NoNamespaces as error:
        pytest.skip(str(error))


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2").tobytes())
    return card


@asynccontextmanager
async def far_service(link: LossyLink, folder: Path) -> AsyncIterator[Service]:
    """The voice service at the far end of the link, with TLS; from here on trio's own sockets are at the near end."""
    listener = link.listen()
    tls = Authority(folder).server_tls(SERVICE)
    service = Service(SimOptions(host=SERVICE, tls=tls), listener.socket.getsockname()[1])
    trio.socket.set_custom_socket_factory(DeviceSockets(link))

    async def accept() -> None:
        await service.run(listener)

    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        yield service
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def session(stack: SessionStack) -> AsyncIterator[SessionStack]:
    async with trio.open_nursery() as nursery:
        await nursery.start(stack.driver.run)
        await stack.driver.tell(events.DeviceAppeared())
        yield stack
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool], limit_s: float) -> float:
    """Wait for a condition; how long that took, in seconds."""
    began_s = trio.current_time()
    with trio.fail_after(limit_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in parts that tell nobody
            await trio.sleep(FRAME_PERIOD_S)
    return trio.current_time() - began_s


def in_session(stack: SessionStack) -> bool:
    return stack.machine.state.value == "agent_ready"


async def until_shown(running: RunningDaemon, limit_s: float, *, ready: bool) -> float:
    """Wait until the daemon's status says that its agent is ready, or no longer is; how long that took, in seconds."""
    began_s = trio.current_time()
    with trio.fail_after(limit_s):
        while ((await running.status())["stations"]["main"]["state"] == "agent_ready") is not ready:  # noqa: ASYNC110 - another process
            await trio.sleep(FRAME_PERIOD_S)
    return trio.current_time() - began_s


async def until_waiting_for_service(running: RunningDaemon) -> None:
    """Wait until the daemon's heartbeat has noticed too, so that its next attempt waits for that."""
    with trio.fail_after(HEARTBEAT_KNOWS_S):
        while await waited_for(running) != "service":  # noqa: ASYNC110 - another process
            await trio.sleep(FRAME_PERIOD_S)


async def waited_for(running: RunningDaemon) -> object:
    return (await running.status())["stations"]["main"]["session"]["waiting_for"]


async def both(streaming: Awaitable[float], idle: Awaitable[float]) -> tuple[float, float]:
    """Wait for two things at once."""
    took_s = {}

    async def keep(which: str, wait: Awaitable[float]) -> None:
        took_s[which] = await wait

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep, "streaming", streaming)
        nursery.start_soon(keep, "idle", idle)
    return took_s["streaming"], took_s["idle"]


async def test_a_dead_link_is_found_streaming_or_idle_and_its_return_too(
    tmp_path: Path, link: LossyLink, card: SoftCard, capsys: pytest.CaptureFixture[str]
) -> None:
    async with far_service(link, tmp_path) as service:
        agent = agent_of(service)
        plan = Plan(heartbeat="interval_s = 5", backoff=f"cap_s = {BACKOFF_CAP_S}")
        setting = plan.write(tmp_path, service, card)
        async with (
            recorded_daemon(setting, prefix=link.device.prefix) as streaming,
            session(SessionStack(agent, dialer_for(agent), name="idle")) as idle,
        ):
            await streaming.wait_state("agent_ready")
            before = idle.machine.connects
            await idle.driver.tell(events.DeviceDisappeared())
            await idle.driver.tell(events.DeviceAppeared())
            await until(lambda: in_session(idle) and idle.machine.connects > before, PATIENCE_S)
            with link.dead():  # right after a session began, the next ping is as far away as it can be
                found_s = await both(
                    until_shown(streaming, IDLE_LIMIT_S, ready=False),
                    until(lambda: not in_session(idle), IDLE_LIMIT_S),
                )
                await until_waiting_for_service(streaming)
            limit_s = RECOVERY_LIMIT_S + BACKOFF_CAP_S
            back_s = await both(until_shown(streaming, limit_s, ready=True), until(lambda: in_session(idle), limit_s))
            sent = (await streaming.status())["stations"]["main"]["session"]["frames_sent"]
            await streaming.wait_until(lambda station: station["session"]["frames_sent"] > sent + 50)
            assert (await streaming.stop())[0] == 0
    for what, found, back in zip(("streaming", "idle"), found_s, back_s, strict=True):
        show(capsys, f"{what}: the dead link was found after {found:.1f} s, a session was back after {back:.1f} s")
    assert found_s[0] <= STREAMING_LIMIT_S
    assert found_s[1] <= IDLE_LIMIT_S
    assert causes_told(tmp_path)[0] in FOUND_BY


async def test_after_a_stall_only_fresh_sound_is_sent_and_every_lost_frame_is_counted(
    tmp_path: Path, link: LossyLink, capsys: pytest.CaptureFixture[str]
) -> None:
    watched: list[WatchedTransport] = []

    def watch(transport: Transport) -> Transport:
        watched.append(WatchedTransport(transport))
        return watched[-1]

    async with far_service(link, tmp_path) as service:
        agent = agent_of(service)
        async with session(SessionStack(agent, dialer_for(agent), wrap_transport=watch)) as stack:
            await until(lambda: in_session(stack), PATIENCE_S)
            offered = 0
            stalled_at = 0
            while offered < (2 * SETTLED_S + STALL_S) / FRAME_PERIOD_S or heard_late(service, offered):
                if offered == round(SETTLED_S / FRAME_PERIOD_S):
                    link.drop_packets()
                    stalled_at = offered
                if offered == round((SETTLED_S + STALL_S) / FRAME_PERIOD_S):
                    link.pass_packets()
                stack.driver.offer_frame(stamped_frame(offered))
                offered += 1
                assert offered < PATIENCE_S / FRAME_PERIOD_S
                await trio.sleep(FRAME_PERIOD_S)
            await until(lambda: heard(service)[-1] == offered - 1, PATIENCE_S)
            status = stack.driver.status(trio.current_time())
    numbers = heard(service)
    lost = sorted(set(range(offered)) - set(numbers))
    show(
        capsys, f"a stall of {STALL_S:g} s: {len(lost)} frames lost, the oldest sent {max(watched[0].ages_s):.2f} s old"
    )
    assert status.connects == 1
    assert numbers == sorted(numbers)
    assert lost
    assert lost[0] >= stalled_at
    assert status.frames_dropped == {"stalled": len(lost), "no_session": 0, "muted": 0}
    assert status.frames_sent == len(numbers) == offered - len(lost)
    assert max(watched[0].ages_s) < FRESH_S


def heard(service: Service) -> list[int]:
    return [read_stamp(frame.data)[0] for frame in service.sessions[-1].heard]


def heard_late(service: Service, offered: int) -> bool:
    """Whether the service lags behind by more than half a second of frames: TCP's own waits may outlast the stall."""
    return offered - heard(service)[-1] > 25


async def test_a_token_that_is_sent_into_a_stall_arrives(tmp_path: Path, link: LossyLink) -> None:
    def watch(transport: Transport) -> Transport:
        return WatchedTransport(transport, on_connected=link.drop_packets)

    async with far_service(link, tmp_path) as service:
        agent = agent_of(service)
        async with session(SessionStack(agent, dialer_for(agent), wrap_transport=watch)) as stack:
            await until(lambda: stack.machine.connects == 1, PATIENCE_S)
            await trio.sleep(STALL_S)
            assert not service.sessions[0].texts
            link.pass_packets()
            await until(lambda: in_session(stack), PATIENCE_S)
            assert len(service.sessions[0].texts) == 1
            assert stack.machine.connects == 1
