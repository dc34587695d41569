"""A new configuration while everything runs: a good one, and a bad one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gatewayd.message_ids import MessageId
from tests.container.device import CONFIGURATION, UNIT
from tests.container.logged import RECORDED_S
from tests.container.voice import longest_distance_ms

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.container.voice import VoiceService
    from tests.vm.guest.transcript import Transcript

SETTLED_S = 2.0
RELOAD_S = 10.0
GAP_MS = 120.0
"""Frames may come late where the machine is busy; that none is lost is looked at besides."""
_WRONG = "[stations.lobby.capture]\ngain = 3.0\n"


def reloads(transcript: Transcript, device: Device, voice: VoiceService) -> None:
    """What is left as it was goes on; what is wrong changes nothing."""
    transcript.within(RELOAD_S, "both stations talk", device.conversing)
    process = device.main_process()
    transcript.note("reload with another gain for `door`")
    device.configure(voice, door="gain_db = 3.0")
    intact = _intact(device)
    before, after, longest_ms = _across_a_reload(transcript, device, voice)
    transcript.check("`lobby` lost no frame", _intact(device) == intact, intact)
    kept = set(before) & set(after)
    transcript.check("one session goes on", len(kept) == 1, f"sessions {before} before, {after} after")
    transcript.check("without a gap", longest_ms <= GAP_MS, f"its frames at most {longest_ms:.0f} ms apart")
    transcript.check("the other is a new one", len(set(after) - kept) == 1, sorted(set(after) - kept))
    reloaded = device.journal(f"MESSAGE_ID={MessageId.CONFIGURATION_RELOADED.value}")
    transcript.check("the journal says what was done", len(reloaded) == 1, reloaded[-1]["MESSAGE"] if reloaded else "")

    transcript.note("reload with a mistake in it")
    right = device.machine.inside(CONFIGURATION).read_text()
    device.write("/etc/gatewayd/conf.d/wrong.toml", _WRONG)
    intact = _intact(device)
    before, after, longest_ms = _across_a_reload(transcript, device, voice)
    transcript.check("`lobby` lost no frame", _intact(device) == intact, intact)
    transcript.check("both sessions go on", len(after) == 2 and before == after, f"{before} before, {after} after")
    line = device.properties("StatusText")["StatusText"]
    transcript.check("STATUS says that it was refused", line.startswith("new configuration refused: "), line)
    refused = device.journal(f"MESSAGE_ID={MessageId.CONFIGURATION_REJECTED.value}")
    named = bool(refused) and "stations.lobby.capture.gain" in refused[-1]["MESSAGE"]
    transcript.check("the journal says what is wrong", named, refused[-1]["MESSAGE"] if refused else "no record")

    transcript.note("correct it and reload")
    device.machine.inside("/etc/gatewayd/conf.d/wrong.toml").unlink()
    transcript.check("the rest is as it was", device.machine.inside(CONFIGURATION).read_text() == right, CONFIGURATION)
    device.run("systemctl", "reload", UNIT)
    transcript.within(
        RELOAD_S,
        "STATUS says no more of it",
        lambda: "refused" not in device.properties("StatusText")["StatusText"],
    )
    transcript.check("it is the same daemon all along", device.main_process() == process, f"process {process}")


def _intact(device: Device) -> dict[str, object]:
    """What grows when a station loses sound or its session."""
    station = device.station("lobby")
    capture, session = station["capture"], station["session"]
    counts = {name: capture[name] for name in ("gaps", "reopens", "xruns")}
    return {**counts, "dropped": session["frames_dropped"], "connects": session["connects"]}


def _across_a_reload(transcript: Transcript, device: Device, voice: VoiceService) -> tuple[list[int], list[int], float]:
    """The sessions that sent frames before a reload and after it, and the longest distance in one that did in both."""
    began_ns = time.monotonic_ns()
    time.sleep(SETTLED_S)
    reloaded_ns = time.monotonic_ns()
    code = device.run("systemctl", "reload", UNIT).exit_code
    transcript.check("systemctl reload", code == 0, f"exit code {code}")
    transcript.within(
        RELOAD_S, "systemd sees it active again", lambda: device.properties("ActiveState")["ActiveState"] == "active"
    )
    time.sleep(1.0)
    transcript.within(RELOAD_S, "both stations talk", device.conversing)
    settled_ns = time.monotonic_ns()
    time.sleep(SETTLED_S + RECORDED_S)
    ended_ns = settled_ns + int(SETTLED_S * 1e9)
    before, after = voice.heard_between(began_ns, reloaded_ns), voice.heard_between(settled_ns, ended_ns)
    whole = voice.heard_between(began_ns, ended_ns)
    longest = [longest_distance_ms(whole[session]) for session in set(before) & set(after)]
    return sorted(before), sorted(after), max(longest, default=float("inf"))
