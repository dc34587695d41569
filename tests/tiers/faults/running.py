"""Runs faults side by side, each with a gateway and a service of its own, and says what came of each."""

from __future__ import annotations

import gc
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.cloud.tls import make_tls_context
from gatewayd.sim.service import Service, SimOptions
from tests.tiers.faults.doors import Certificates, Door
from tests.tiers.faults.fault import SHUT_DOWN_S
from tests.tiers.faults.gateway import Gateway

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from gatewayd.sim.session import Session
    from tests.tiers.faults.fault import Fault
    from tests.tiers.faults.gateway import Ended

STAGGER_S = 0.05
"""Between the starts of two faults: a handshake takes 5 ms of the processor that all of them share."""
CALM_S = 0.03
"""The next fault begins when the event loop is no further behind than this: on a busy machine the run takes longer, and
no limit is reached that would not be reached in life."""
CALM_PATIENCE_S = 2.0
"""After which it begins anyway."""
AT_ONCE = 16
"""Faults without a limit that has to pass, side by side."""
FLOWING_FRAMES = 4
"""So many in each direction, one after the other."""


@dataclass
class Outcome:
    """What came of a fault."""

    stage: str = "reaching the end of the fault"
    """What it was at when time ran out; empty if it did not."""
    crash: str = ""
    """What the driver died of; returning unasked counts as that."""
    began_at_s: float = 0.0
    readied_at_s: Sequence[float] = ()
    ends: Sequence[Ended] = ()
    connects: int = 0
    flows: bool = False
    holds: bool = False
    asked_to_leave_at_s: float = 0.0
    left_at_s: float = 0.0
    sockets_opened: int = 0
    sockets_left: int = 0


@dataclass
class Report:
    """What came of all of them."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    lateness: list[tuple[float, float]] = field(default_factory=list)
    """When the event loop was late, and by how many seconds: the machine was busy with something else."""
    descriptors_before: int = 0
    descriptors_after: int = 0
    tasks_before: int = 0
    tasks_after: int = 0

    def lost_s(self, from_s: float, to_s: float) -> float:
        """How much of a span of time this program could not use."""
        return sum(late_s for at_s, late_s in self.lateness if from_s <= at_s <= to_s)


def assert_left_in_time(outcome: Outcome, report: Report) -> None:
    """Hold an outcome to `SHUT_DOWN_S`."""
    asked_s, left_s = outcome.asked_to_leave_at_s, outcome.left_at_s
    assert asked_s <= left_s, "never left"
    assert left_s - asked_s <= SHUT_DOWN_S + report.lost_s(asked_s, left_s)


def run_faults(faults: Sequence[Fault], directory: Path) -> Report:
    """Run them all; those that take longest begin first."""
    report = Report()
    trio.run(_run_all, sorted(faults, key=lambda fault: -fault.limit_s), Certificates(directory), report)
    return report


async def _run_all(faults: Sequence[Fault], certificates: Certificates, report: Report) -> None:
    await trio.to_thread.run_sync(lambda: None)  # what a first thread opens for good
    tls_context = make_tls_context(certificates.ca_file)
    report.descriptors_before, report.tasks_before = _descriptors(), _tasks()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch_lateness, report)
        async with trio.open_nursery() as running:
            places = trio.Semaphore(AT_ONCE)
            for fault in faults:
                outcome = report.outcomes[fault.name] = Outcome()
                if not fault.limit_s:
                    await places.acquire()
                await _calm()
                running.start_soon(_run, fault, certificates, tls_context, outcome, places)
        nursery.cancel_scope.cancel()
    gc.collect()
    report.descriptors_after, report.tasks_after = _descriptors(), _tasks()


async def _watch_lateness(report: Report) -> None:
    while True:
        due_s = trio.current_time() + STAGGER_S
        await trio.sleep_until(due_s)
        now_s = trio.current_time()
        report.lateness.append((now_s, now_s - due_s))


async def _calm() -> None:
    with trio.move_on_after(CALM_PATIENCE_S):
        late_s = CALM_S
        while late_s >= CALM_S:
            due_s = trio.current_time() + STAGGER_S
            await trio.sleep_until(due_s)
            late_s = trio.current_time() - due_s


async def _run(
    fault: Fault, certificates: Certificates, tls_context: ssl.SSLContext, outcome: Outcome, places: trio.Semaphore
) -> None:
    service = Service(SimOptions(tls=certificates.good), port=0)
    service.script_next(*fault.scripts)
    token = Door(fault.token, service, certificates, small_buffer=False)
    voice = Door(fault.voice, service, certificates, small_buffer=fault.small_buffer)
    for door, refused in ((token, fault.token_refused), (voice, fault.voice_refused)):
        if not refused:
            door.may_open.set()
    gateway = Gateway(fault, token_port=token.port, voice_port=voice.port, tls_context=tls_context)
    outcome.began_at_s = trio.current_time()
    async with trio.open_nursery() as service_nursery:
        service_nursery.start_soon(token.serve)
        service_nursery.start_soon(voice.serve)
        try:
            with trio.move_on_after(fault.patience_s):
                async with trio.open_nursery() as gateway_nursery:
                    gateway_nursery.start_soon(gateway.run)
                    gateway_nursery.start_soon(gateway.listen)
                    await _follow(fault, gateway, service, (token, voice), outcome)
                    gateway_nursery.cancel_scope.cancel()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this fault's outcome and no other's
            outcome.crash = "".join(traceback.format_exception(error))
        outcome.sockets_opened, outcome.sockets_left = gateway.dialer.opened, gateway.dialer.left_open
        service_nursery.cancel_scope.cancel()
    if outcome.stage:
        _take_down(gateway, outcome)
    if not fault.limit_s:
        places.release()


def _take_down(gateway: Gateway, outcome: Outcome) -> None:
    outcome.ends, outcome.readied_at_s = tuple(gateway.ends), tuple(gateway.readied_at_s)


async def _follow(fault: Fault, gateway: Gateway, service: Service, doors: Sequence[Door], outcome: Outcome) -> None:
    if fault.leaves_in is None:
        await _recover(fault, gateway, doors, outcome)
        await _let_flow(gateway, service.sessions[-1], outcome)
    else:
        await gateway.until(lambda: gateway.machine.state is fault.leaves_in)
        await trio.sleep(fault.watched_s)
    outcome.connects = gateway.status.connects
    _take_down(gateway, outcome)
    outcome.stage = "shutting down"
    outcome.asked_to_leave_at_s = trio.current_time()
    await gateway.shut_down()
    outcome.left_at_s = trio.current_time()
    outcome.holds = not service.sessions or fault.holds(service.sessions[0])
    outcome.stage = ""


async def _recover(fault: Fault, gateway: Gateway, doors: Sequence[Door], outcome: Outcome) -> None:
    if fault.endings:
        await gateway.until(lambda: bool(gateway.ends))
        for door in doors:
            door.may_open.set()
        await gateway.until(lambda: len(gateway.ends) >= len(fault.endings))
    outcome.stage = "becoming ready"
    began_s = gateway.ends[-1].at_s if gateway.ends else 0.0
    await gateway.until(lambda: bool(gateway.readied_at_s) and gateway.readied_at_s[-1] > began_s)
    await trio.sleep(fault.watched_s)


async def _let_flow(gateway: Gateway, session: Session, outcome: Outcome) -> None:
    outcome.stage = "letting frames flow"
    heard, echoes = session.tally.frames_heard, gateway.echoes
    await gateway.until(
        lambda: session.tally.frames_heard >= heard + FLOWING_FRAMES and gateway.echoes >= echoes + FLOWING_FRAMES
    )
    outcome.flows = True


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living
