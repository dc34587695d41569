"""What the journal has, and what becomes of frames and records when nobody reads it."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatewayd.control.protocol import Command
from gatewayd.message_ids import MessageId
from tests.container.device import STATIONS, UNIT
from tests.container.voice import longest_distance_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.container.device import Device
    from tests.container.machine import Machine
    from tests.container.voice import VoiceService
    from tests.vm.guest.transcript import Transcript

DELAY_MAX_MS = 40.0
"""That a stopped journald may add to the distance of two frames."""
STOPPED_S = 6.0
TURN_S = 0.5
"""Between two orders that are logged."""
ORDERS = round(STOPPED_S / TURN_S)
WINDOWS_MAX = 3
"""A busy machine delays a frame now and then; a daemon that waits for journald does so with each record."""
TOLD_S = 5.0
"""For journald to work through its queue."""
RECORDED_S = 1.5
"""After which a frame is in the service's recording, which is written once a second."""
_JOURNAL_SOCKET, _JOURNALD = "/run/systemd/journal/socket", "systemd-journald.service"
_FILLER = b"MESSAGE=filler of the container test\nPRIORITY=7\n"
_FILLER_MAX = 100_000


def fields(transcript: Transcript, device: Device) -> None:
    """Read back with journalctl, as an operator would."""
    transcript.note("the journal")
    ready = device.journal(f"MESSAGE_ID={MessageId.AGENT_READY.value}")
    stations = {record.get("GATEWAYD_STATION") for record in ready}
    transcript.check("a MESSAGE_ID finds that agents are ready", stations == set(STATIONS), stations)
    ended = device.journal(f"MESSAGE_ID={MessageId.SESSION_ENDED.value}")
    causes = sorted({str(record.get("GATEWAYD_CAUSE")) for record in ended})
    transcript.check("why attempts failed while offline", bool(causes) and "None" not in causes, causes)
    muted = device.journal(f"MESSAGE_ID={MessageId.STATION_MUTED.value}", "GATEWAYD_STATION=door")
    transcript.check("that `door` was muted", len(muted) == 1, muted[0]["MESSAGE"] if muted else "no record")
    own = [record for record in device.journal("--identifier=gatewayd") if record.get("_TRANSPORT") == "journal"]
    priorities = sorted({str(record["PRIORITY"]) for record in own})
    transcript.check("each has its priority", set(priorities) <= set("3467"), f"{len(own)} records, {priorities}")
    shown = device.run("journalctl", "--catalog", f"--unit={UNIT}", f"MESSAGE_ID={MessageId.DAEMON_READY.value}").stdout
    explained = "sound and supervision run for every" in shown
    transcript.check("`journalctl --catalog` explains it", explained, "the catalogue's text" if explained else shown)


def journald_stopped(transcript: Transcript, device: Device, voice: VoiceService) -> None:
    """Stopped with its queue full: whoever waits for it would wait for ever."""
    transcript.note(f"stop journald for {STOPPED_S:g} s, with its queue full")
    before_ms = _longest_ms(device, voice)
    limit_ms = max(before_ms, 20.0) + DELAY_MAX_MS
    with _journald_stopped(device.machine) as filled:
        transcript.note(f"its queue took {filled} records")
        stopped_ms = [_longest_ms(device, voice)]
        while min(stopped_ms) > limit_ms and len(stopped_ms) < WINDOWS_MAX:
            stopped_ms.append(_longest_ms(device, voice))
    seen = ", ".join(f"{longest:.0f}" for longest in stopped_ms)
    told = f"at most {seen} ms apart; {before_ms:.0f} ms with journald; limit {limit_ms:.0f} ms"
    transcript.check("frames flowed on", min(stopped_ms) <= limit_ms, told)
    transcript.within(TOLD_S, "the next record brings what was lost", lambda: _told_with_another(device))
    losses = _losses(device)
    least = len(stopped_ms) * ORDERS
    transcript.check("with their number", sum(losses) >= least, f"{losses} records, for {least} orders or more")
    measured = [
        line for line in device.run("gatewayd", "metrics").stdout.splitlines() if "log_records_lost_total" in line
    ]
    counted = sum(float(line.split()[-1]) for line in measured)
    transcript.check("the metrics count them too", counted >= sum(losses) > 0, f"{counted:g}")
    device.run("systemctl", "restart", _JOURNALD)
    heard = len(device.journal("--identifier=gatewayd"))
    device.run("gatewayd", "mute", "door")
    device.run("gatewayd", "unmute", "door")
    transcript.within(5, "a new journald is found", lambda: len(device.journal("--identifier=gatewayd")) > heard)


def _longest_ms(device: Device, voice: VoiceService) -> float:
    """The longest distance between two frames of one station while the other has something to log all the time."""
    began_ns = time.monotonic_ns()
    for turn in range(ORDERS):
        device.ask((Command.MUTE, Command.UNMUTE)[turn % 2], "door")
        time.sleep(TURN_S)
    ended_ns = time.monotonic_ns()
    time.sleep(RECORDED_S)
    flows = voice.heard_between(began_ns, ended_ns)
    return longest_distance_ms(max(flows.values(), key=len))


def _told_with_another(device: Device) -> bool:
    for command in (Command.MUTE, Command.UNMUTE):
        device.ask(command, "door")
    return bool(_losses(device))


def _losses(device: Device) -> list[int]:
    return [int(record["GATEWAYD_LOST"]) for record in device.journal(f"MESSAGE_ID={MessageId.LOG_RECORDS_LOST.value}")]


@contextmanager
def _journald_stopped(machine: Machine) -> Iterator[int]:
    """Freeze it, and send to it until the kernel takes no more; how many records that were."""
    number = machine.outside_number(int(machine.properties(_JOURNALD, "MainPID")["MainPID"]))
    os.kill(number, signal.SIGSTOP)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.connect(str(machine.inside(_JOURNAL_SOCKET)))
            yield _fill(sending)
    finally:
        os.kill(number, signal.SIGCONT)


def _fill(sending: socket.socket) -> int:
    for count in range(_FILLER_MAX):
        try:
            sending.send(_FILLER)
        except BlockingIOError:
            return count
    raise ValueError(f"journald's queue takes over {_FILLER_MAX} records")
