"""Asked to stop, killed, and frozen."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from gatewayd.message_ids import MessageId
from tests.container import measured
from tests.container.device import UNIT

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.vm.guest.transcript import Transcript

STOP_S = 3.0
RESTART_S = 1.0
"""The unit's `RestartSec=`."""
START_S = 8.0
"""Until the agents are ready again, on a busy machine; 2 s on an idle one."""
KILLS = 3
WATCHDOG_S = 6.0
"""Instead of the unit's 30, so that this does not take a minute."""
NOTICED_S = 2.0
"""systemd looks when the time is over."""


def stopped(transcript: Transcript, device: Device) -> None:
    """In good order."""
    transcript.note("stop it")
    began_s = time.monotonic()
    code = device.run("systemctl", "stop", UNIT).exit_code
    taken_s = time.monotonic() - began_s
    transcript.check("it stops", code == 0 and taken_s <= STOP_S, f"{taken_s:.2f} s, of {STOP_S:g}")
    state = device.properties("Result", "ExecMainCode", "ExecMainStatus", "ActiveState")
    left = (state["Result"], state["ExecMainStatus"], state["ActiveState"])
    transcript.check("it left with 0", left == ("success", "0", "inactive"), ", ".join(left))
    told = device.journal(f"MESSAGE_ID={MessageId.DAEMON_STOPPING.value}")
    transcript.check("and said so", bool(told), told[-1]["MESSAGE"] if told else "no record")
    measured.without_a_daemon(transcript, device)
    device.run("systemctl", "start", UNIT)
    transcript.within(START_S, "started again, it converses", device.conversing)


def killed(transcript: Transcript, device: Device) -> None:
    """It comes back, later and later."""
    transcript.note("kill it, as the kernel does when memory is short")
    waited: list[float] = []
    for kill in range(KILLS):
        before = device.main_process()
        began_s = time.monotonic()
        os.kill(before, signal.SIGKILL)
        least_s, most_s = RESTART_S + 0.5 * 2**kill, RESTART_S + 1.0 * 2**kill
        transcript.within(
            most_s + START_S,
            f"death {kill + 1}: it is back",
            lambda: _is_another(device, before),  # noqa: B023 - called before the loop goes on
        )
        waited.append(time.monotonic() - began_s)
        transcript.check("not at once", waited[-1] >= least_s, f"{waited[-1]:.1f} s, at least {least_s:g}")
    spans = ", ".join(f"{seconds:.1f} s" for seconds in waited)
    transcript.check("later in the end", waited[-1] > waited[0], spans)
    told = [str(record["MESSAGE"]) for record in device.journal("--identifier=gatewayd")]
    says = next((line for line in told if f"died {KILLS} times in a row" in line), "")
    transcript.check("the journal says why it waits", bool(says), says or "no record")
    transcript.within(START_S, "it converses", device.conversing)
    counted = device.properties("NRestarts")["NRestarts"]
    transcript.check("systemd counts", counted == str(KILLS), f"{counted} restarts")
    device.run("systemctl", "restart", UNIT)
    began_s = time.monotonic()
    transcript.within(START_S, "started by hand it does not wait", device.conversing)


def frozen(transcript: Transcript, device: Device) -> None:
    """Alive, and deaf: systemd's watchdog ends it."""
    transcript.note(f"freeze it, with a watchdog of {WATCHDOG_S:g} s instead of 30")
    device.drop_in("watchdog", f"[Service]\nWatchdogSec={WATCHDOG_S:g}\n")
    device.run("systemctl", "restart", UNIT)
    transcript.within(START_S, "it converses", device.conversing)
    time.sleep(WATCHDOG_S + NOTICED_S)
    restarts = device.properties("NRestarts")["NRestarts"]
    transcript.check("the watchdog is content", restarts == "0", f"{restarts} restarts in {WATCHDOG_S + NOTICED_S:g} s")
    before = device.main_process()
    os.kill(before, signal.SIGSTOP)
    transcript.within(
        WATCHDOG_S + NOTICED_S + RESTART_S + 1.0 + START_S,
        "it was ended and is back",
        lambda: _is_another(device, before),
    )
    ended = [str(record["MESSAGE"]) for record in device.journal() if "Watchdog timeout" in str(record["MESSAGE"])]
    transcript.check("systemd names its watchdog", bool(ended), ended[-1] if ended else "no record")
    transcript.within(START_S, "it converses", device.conversing)
    device.drop_in("watchdog", None)


def _is_another(device: Device, before: int) -> bool:
    return device.properties("ActiveState")["ActiveState"] == "active" and device.main_process() not in (0, before)
